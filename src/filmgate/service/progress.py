"""Progress of an attempt: told often by the studio, written at most twice a second."""

from __future__ import annotations

import asyncio
from types import TracebackType

import structlog

from filmgate.domain.errors import DatabaseAway, LeaseLost
from filmgate.domain.task import PROGRESS_BEFORE_END_MAX, Task
from filmgate.ports.store import Tasks
from filmgate.ports.studio import Stage

log = structlog.get_logger()

WRITE_EVERY_S = 0.5

SPANS = {
    Stage.INPUTS: (1, 5),
    Stage.REWRITE: (5, 6),
    Stage.MAKE: (6, 95),
    Stage.FINISH: (95, PROGRESS_BEFORE_END_MAX),
}
"""Which part of 0..100 each stage covers."""


class ProgressWriter:
    """Writes the latest word about an attempt, and no word twice.

    Used as an async context manager.
    """

    def __init__(self, task: Task, *, store: Tasks) -> None:
        self._task = task
        self._store = store
        self._latest: tuple[Stage, int] | None = None
        self._told = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._writer: asyncio.Task[None] | None = None

    def say(self, stage: Stage, share: float) -> None:
        """Note how far a stage is, 0..1. Returns at once."""
        low, high = SPANS[stage]
        said = (stage, round(low + (high - low) * min(max(share, 0.0), 1.0)))
        if said != self._latest:
            self._latest = said
            self._told.set()

    async def __aenter__(self) -> ProgressWriter:
        await self._group.__aenter__()
        self._writer = self._group.create_task(self._write())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.cancel()
        await self._group.__aexit__(None, None, None)

    async def _write(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            if self._latest is not None:
                stage, progress = self._latest
                try:
                    await self._store.record_progress(
                        self._task.id,
                        attempt=self._task.attempt,
                        stage=stage.value,
                        progress=progress,
                    )
                except (LeaseLost, DatabaseAway) as error:
                    log.debug("progress.not_written", task_id=self._task.id, reason=error.code)
            await asyncio.sleep(WRITE_EVERY_S)
