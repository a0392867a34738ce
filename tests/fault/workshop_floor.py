"""A real Worker in this process, for tests that need to look at it closely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from filmgate.domain.task import Task
from filmgate.ports.store import Tasks
from filmgate.ports.studio import Studio
from filmgate.service.deps import Deps
from filmgate.worker.worker import Worker, WorkerSettings

UNTIL_S = 20


@asynccontextmanager
async def working(
    deps: Deps, studios: Sequence[Studio], url: str, *, name: str = "tested"
) -> AsyncIterator[Worker]:
    """A worker for the length of a block."""
    settings = WorkerSettings(name=name, database_url=url, sweep_s=0.2, drain_s=1)
    worker = Worker(deps=deps, studios=studios, settings=settings)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what another asyncio task does."""
    async with asyncio.timeout(UNTIL_S):
        while not condition():  # noqa: ASYNC110 - it tells no event
            await asyncio.sleep(0.01)


async def until_ended(store: Tasks, task: Task) -> Task:
    """Wait for a task's end and return it."""
    async with asyncio.timeout(UNTIL_S):
        while (found := await store.task(task.id)) is None or not found.is_final:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found
