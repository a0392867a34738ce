"""Write a task's ending. Nothing else makes a task final or moves its hold."""

from __future__ import annotations

import structlog

from filmgate.domain.errors import WorkerLost
from filmgate.domain.task import Task
from filmgate.ports.store import Tasks

log = structlog.get_logger()


async def settle_task(ended: Task, *, attempt: int | None, store: Tasks) -> None:
    """Store the ending and capture or release the hold in the same transaction.

    `attempt` is the one that reached the ending, or None for a cancellation or the sweep's verdict.
    Raises LeaseLost if the task has ended already or the attempt is over.
    """
    assert ended.is_final  # noqa: S101 - a caller's bug, not an operating error
    await store.settle(ended, attempt=attempt)
    log.info("task.settled", task_id=ended.id, status=ended.status.value, attempt=attempt)


def lost_too_often(task: Task) -> WorkerLost:
    """Why a task that ended its workers or engines as often as is allowed is not tried again."""
    return WorkerLost(
        f"making this video ended its worker {task.crashes} times; it is not tried again"
    )
