"""Erase a task: its prompts, its files, its row. The ledger keeps what it cost.

    cancel, if it runs → stray files → ONE transaction → recorded files → their records
                                       row away, the files' time is over

Whoever dies on the way leaves nothing for good: before the transaction the task is still there and
can be deleted again, after it the sweep finds files whose time is over. What a cancelled attempt
still writes becomes an orphan, which the sweep removes: service/check_storage.py. A running
download goes on: the storage keeps an open file readable.
"""

from __future__ import annotations

import structlog

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import LeaseLost
from filmgate.domain.ids import TaskId
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
        try:
            ended = task.cancelled(at=deps.clock.now())
            await settle_task(ended, attempt=None, store=deps.store)
        except LeaseLost:
            log.info("task.ended_meanwhile", task_id=task.id)
    await _remove_strays(task.id, deps)
    recorded = await deps.store.erase_task(task.id, at=deps.clock.now())
    for storage_key in recorded:
        await deps.storage.delete(storage_key)
        await deps.store.forget_asset(storage_key)
    log.info("task.deleted", task_id=task.id, files=len(recorded))
    return task.id


async def _remove_strays(task_id: TaskId, deps: Deps) -> None:
    """Remove what attempts that lost their lease have left without a record."""
    for prefix in (f"results/{task_id}/", f"inputs/{task_id}/"):
        files = [stored.key async for stored in deps.storage.list_keys(prefix)]
        recorded = await deps.store.recorded_keys(files) if files else set[str]()
        for storage_key in files:
            if storage_key not in recorded:
                await deps.storage.delete(storage_key)
