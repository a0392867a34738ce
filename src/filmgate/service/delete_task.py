"""Erase a task: its prompts, its files, its row. The ledger keeps what it cost.

    cancel, if it runs → files without a record → ONE transaction → recorded files → their records
                                                  row away, the files' time is over

Whoever dies on the way leaves nothing for good: before the transaction the task is still there and
can be deleted again, after it the sweep finds files whose time is over. A running download goes on:
the storage keeps an open file readable.
"""

from __future__ import annotations

import structlog

from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import SPRITES, THUMBNAIL, Asset, AssetKind, result_key, still_key
from filmgate.domain.errors import LeaseLost
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.read_task import own_task
from filmgate.service.settle_task import settle_task

log = structlog.get_logger()


async def delete_task(task_id: str, *, key: ApiKey, deps: Deps) -> TaskId:
    """Erase a task of the key's account, cancelled first if it has not ended; return its id.

    Raises InvalidTaskId, DatabaseAway, StorageFailed; after the last two it may be asked again.
    """
    task = await own_task(task_id, key=key, deps=deps)
    if not task.is_final:
        task = await _call_off(task, deps)
    late = await _expect_late_files(task, deps)
    for prefix in (f"results/{task.id}/", f"inputs/{task.id}/"):
        async for stored in deps.storage.list_keys(prefix):
            if await deps.store.asset(stored.key) is None:
                await deps.storage.delete(stored.key)
    recorded = await deps.store.erase_task(task.id, at=deps.clock.now())
    for storage_key in recorded:
        await deps.storage.delete(storage_key)
        if storage_key not in late:
            await deps.store.forget_asset(storage_key)
    log.info("task.deleted", task_id=task.id, files=len(recorded) - len(late))
    return task.id


async def _call_off(task: Task, deps: Deps) -> Task:
    now = deps.clock.now()
    try:
        await settle_task(task.cancelled(at=now), attempt=None, store=deps.store)
    except LeaseLost:
        log.info("task.ended_meanwhile", task_id=task.id)
    return await deps.store.task(task.id) or task


async def _expect_late_files(task: Task, deps: Deps) -> set[str]:
    """Record the files that an attempt without a result may still be writing, so that the sweep
    removes them if they come after all. Return their keys.
    """
    if not task.attempt or task.result_key is not None:
        return set()
    now = deps.clock.now()
    late = {
        result_key(task.id, task.attempt),
        still_key(task.id, task.attempt, THUMBNAIL),
        still_key(task.id, task.attempt, SPRITES),
    }
    for storage_key in late:
        await deps.store.add_asset(
            Asset(
                key=storage_key,
                kind=AssetKind.RESULT,
                account_id=task.account_id,
                task_id=task.id,
                content_type="application/octet-stream",
                size_bytes=0,
                filename="",
                created_at=now,
                expires_at=now,
            )
        )
    return late
