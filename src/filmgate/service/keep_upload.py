"""Keep a file that a caller uploads ahead of a task.

Its content decides its type, not its name or header.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import Asset, AssetKind
from filmgate.domain.content_type import AUDIO_TYPES, IMAGE_TYPES, SNIFF_BYTES, sniff
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.ids import ENTROPY_BYTES, AccountId, ulid
from filmgate.service.deps import Deps

UPLOADS = "uploads"
Media = Literal["image", "audio"]
ALLOWED: Mapping[Media, tuple[str, ...]] = {"image": IMAGE_TYPES, "audio": AUDIO_TYPES}


async def keep_upload(
    chunks: AsyncIterator[bytes], *, kind: Media, filename: str, key: ApiKey, deps: Deps
) -> Asset:
    """Stream a file into storage and return its record.

    Raises InvalidRequest for a type that is not taken, PayloadTooLarge, StorageFailed; then nothing
    is kept.
    """
    folder = ulid(deps.clock.now(), deps.entropy.bytes(ENTROPY_BYTES))
    return await keep_file(
        chunks,
        kinds=(kind,),
        storage_key=f"{UPLOADS}/{folder}/{kind}",
        filename=filename,
        account_id=key.account_id,
        deps=deps,
    )


async def keep_file(
    chunks: AsyncIterator[bytes],
    *,
    kinds: tuple[Media, ...],
    storage_key: str,
    filename: str,
    account_id: AccountId,
    deps: Deps,
) -> Asset:
    """Stream a file of one of these kinds to that key. Raises as keep_upload does."""
    head, rest = await _first_bytes(chunks)
    content_type = sniff(head)
    kind = next((kind for kind in kinds if content_type in ALLOWED[kind]), None)
    if content_type is None or kind is None:
        allowed = ", ".join(name.split("/")[1] for kind in kinds for name in ALLOWED[kind])
        raise InvalidRequest(
            f"unsupported {' or '.join(kinds)} type: {content_type or 'unknown'},"
            f" allowed: {allowed}",
            param="file",
        )
    limits, now = deps.limits, deps.clock.now()
    size_max = limits.image_bytes_max if kind == "image" else limits.audio_bytes_max
    record = Asset(
        key=storage_key,
        kind=AssetKind.UPLOAD,
        account_id=account_id,
        task_id=None,
        content_type=content_type,
        size_bytes=0,
        filename=filename,
        created_at=now,
        expires_at=now + timedelta(seconds=limits.upload_ttl_s),
    )
    await deps.store.add_asset(record)
    try:
        stored = await deps.storage.put_stream(storage_key, rest, size_bytes_max=size_max)
    except BaseException:
        await deps.store.forget_asset(storage_key)
        raise
    kept = replace(record, size_bytes=stored.size_bytes)
    await deps.store.add_asset(kept)
    return kept


async def _first_bytes(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= SNIFF_BYTES:
            break

    async def all_of_it() -> AsyncIterator[bytes]:
        yield head
        async for chunk in chunks:
            yield chunk

    return head, all_of_it()
