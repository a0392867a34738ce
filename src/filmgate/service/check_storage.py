"""Compare the stored files with their records, and remove what has no other half.

    file without record    a crash after a film was stored and before its task was settled, or an
                           upload whose caller went while its last bytes were written
    record without file    a crash inside an upload, or between the two halves of a removal

Only what is older than an hour counts: younger halves may still be joined. Records without files
need no sweep, they end with their time. Files of another database are never removed: storage and
database know each other by a mark.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import structlog

from filmgate.domain.asset import Asset
from filmgate.ports.storage import StoredFile
from filmgate.service.deps import Deps

log = structlog.get_logger()

YOUNG = timedelta(hours=1)
AT_A_TIME = 500
FOUND_MAX = 10_000
"""More than this is not looked for at once: the rest is found the next time."""
MARK_KEY = "database-mark"
MARK_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageReport:
    """What has no other half, at most 10,000 of each, and whether it was removed."""

    files_without_record: tuple[StoredFile, ...]
    records_without_file: tuple[Asset, ...]
    is_repaired: bool
    is_foreign: bool
    """The files were written for another database; then nothing is removed."""


async def check_storage(*, may_repair: bool, deps: Deps) -> StorageReport:
    """List what has no other half; remove it too, if that is allowed."""
    is_foreign = not await _is_ours(deps)
    is_repaired = may_repair and not is_foreign
    files = await _lone_files(deps, is_removing=is_repaired)
    records = await _lone_records(deps)
    if is_repaired:
        for record in records:
            await deps.store.forget_asset(record.key)
    return StorageReport(
        files_without_record=tuple(files),
        records_without_file=tuple(records),
        is_repaired=is_repaired,
        is_foreign=is_foreign,
    )


async def remove_orphans(*, deps: Deps) -> int:
    """Remove files without a record, and what was never written to its end. Returns how many
    files.
    """
    await deps.storage.tidy()
    if not await _is_ours(deps):
        log.error("storage.foreign", advice="filmgate storage check")
        return 0
    removed = await _lone_files(deps, is_removing=True)
    for file in removed:
        log.warning("storage.orphan_removed", key=file.key, size_bytes=file.size_bytes)
    return len(removed)


async def _lone_files(deps: Deps, *, is_removing: bool) -> list[StoredFile]:
    written_before_s = (deps.clock.now() - YOUNG).timestamp()
    found: list[StoredFile] = []
    async for some in _in_batches(deps.storage.list_keys("")):
        old = [file for file in some if file.modified_at_s < written_before_s]
        recorded = await deps.store.recorded_keys([file.key for file in old]) if old else set[str]()
        lone = [file for file in old if file.key not in recorded and file.key != MARK_KEY]
        if is_removing:
            for file in lone:
                await deps.storage.delete(file.key)
        found += lone
        if len(found) >= FOUND_MAX:
            break
    return found[:FOUND_MAX]


async def _lone_records(deps: Deps) -> list[Asset]:
    recorded_before = deps.clock.now() - YOUNG
    found: list[Asset] = []
    after = ""
    while len(found) < FOUND_MAX:
        some = await deps.store.assets_after(after, limit=AT_A_TIME)
        for record in some:
            is_old = record.created_at < recorded_before
            if is_old and await deps.storage.head(record.key) is None:
                found.append(record)
        if len(some) < AT_A_TIME:
            break
        after = some[-1].key
    return found[:FOUND_MAX]


async def _is_ours(deps: Deps) -> bool:
    """Compare the storage's mark with the database's; a storage without one gets it."""
    mark = await deps.store.ensure_secret("storage-mark", deps.entropy.bytes(MARK_BYTES))
    if await deps.storage.head(MARK_KEY) is None:

        async def chunks() -> AsyncIterator[bytes]:
            yield mark.hex().encode()

        await deps.storage.put_stream(MARK_KEY, chunks(), size_bytes_max=2 * MARK_BYTES)
        return True
    kept = b"".join([chunk async for chunk in deps.storage.read(MARK_KEY)])
    return kept == mark.hex().encode()


async def _in_batches(files: AsyncIterator[StoredFile]) -> AsyncIterator[list[StoredFile]]:
    some: list[StoredFile] = []
    async for file in files:
        some.append(file)
        if len(some) == AT_A_TIME:
            yield some
            some = []
    if some:
        yield some
