"""Call a task off.

The ending is written at once, and fences whoever works on it; the worker hears of it and stops.
"""

from __future__ import annotations

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import LeaseLost, TaskNotCancellable
from filmgate.service.deps import Deps
from filmgate.service.read_task import TaskView, own_task, read_task
from filmgate.service.settle_task import settle_task


async def cancel_task(task_id: str, *, key: ApiKey, deps: Deps) -> TaskView:
    """Cancel a task of the key's account and release its hold; cancelling a cancelled task changes
    nothing.

    Raises InvalidTaskId, TaskNotCancellable if it has completed or failed.
    """
    task = await own_task(task_id, key=key, deps=deps)
    try:
        ended = task.cancelled(at=deps.clock.now())
        await settle_task(ended, attempt=None, store=deps.store)
    except LeaseLost:
        now = await read_task(task_id, key=key, deps=deps)
        if now.task.status != "cancelled":
            raise TaskNotCancellable(
                f"only a pending or processing task can be cancelled, this one is {now.task.status}"
            ) from None
        return now
    return TaskView(task=ended, queue_position=0, estimated_time_s=ended.actual_time_s or 0)
