"""Find what was lost and put it right: leases that ran out, tasks without a queue entry, tasks that
died too often.

Runs every few seconds in every worker; the store lets one sweep happen at a time.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from filmgate.domain.errors import FilmgateError, LeaseLost, StageTimedOut
from filmgate.domain.task import Failure, Task
from filmgate.service.deps import Deps
from filmgate.service.settle_task import lost_too_often, settle_task

log = structlog.get_logger()

ASSETS_AT_A_TIME = 100
GRACE = timedelta(hours=1)


async def sweep(*, deps: Deps) -> None:
    """Let go of dead attempts, nudge what nobody works on, end what cannot be made."""
    for task in await deps.store.sweep(lease_s=deps.limits.lease_s):
        log.warning(
            "task.lease_ran_out", task_id=task.id, attempt=task.attempt, crashes=task.crashes
        )
    overdue = await deps.store.overdue(
        queue_timeout_s=deps.limits.queue_timeout_s, crashes_max=deps.limits.crashes_max
    )
    for task in overdue:
        try:
            await settle_task(_verdict(task, deps), attempt=None, store=deps.store)
        except LeaseLost:
            log.info("task.ended_meanwhile", task_id=task.id)


async def expire_assets(*, deps: Deps) -> int:
    """Remove files whose time is over, an hour after their links died; then old ended tasks, and
    previews that outlived theirs.

    Returns files removed.
    """
    removed = 0
    at = deps.clock.now() - GRACE
    for asset in await deps.store.expired_assets(at=at, limit=ASSETS_AT_A_TIME):
        await deps.storage.delete(asset.key)
        await deps.store.forget_asset(asset.key)
        removed += 1
    await deps.store.forget_previews()
    ended_before = deps.clock.now() - timedelta(days=deps.limits.task_ttl_d)
    await deps.store.forget_tasks(ended_before=ended_before, limit=1000)
    return removed


def _verdict(task: Task, deps: Deps) -> Task:
    error: FilmgateError
    if task.crashes >= deps.limits.crashes_max:
        error = lost_too_often(task)
    else:
        error = StageTimedOut(
            f"the task was not started within {deps.limits.queue_timeout_s:,} seconds"
        )
    failure = Failure(code=error.code, message=error.message)
    return task.failed(attempt=task.attempt, failure=failure, at=deps.clock.now())
