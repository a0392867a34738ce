"""A real Worker in this process, for tests that need to look at it closely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from filmgate.ports.studio import Studio
from filmgate.service.deps import Deps
from filmgate.worker.worker import Worker, WorkerSettings


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
