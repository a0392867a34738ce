"""Progress of an attempt: told often by the studio, written at most twice a second."""

from __future__ import annotations

import structlog

from filmgate.domain.errors import DatabaseAway, LeaseLost
from filmgate.domain.task import PROGRESS_BEFORE_END_MAX, Task
from filmgate.ports.store import Tasks
from filmgate.ports.studio import Stage
from filmgate.service.latest import LatestWriter

log = structlog.get_logger()

WRITE_EVERY_S = 0.5

SPANS = {
    Stage.INPUTS: (1, 5),
    Stage.REWRITE: (5, 6),
    Stage.MAKE: (6, 95),
    Stage.FINISH: (95, PROGRESS_BEFORE_END_MAX),
}
"""Which part of 0..100 each stage covers."""


class ProgressWriter(LatestWriter[tuple[Stage, int]]):
    """Writes how far an attempt is. Used as an async context manager."""

    def __init__(self, task: Task, *, store: Tasks) -> None:
        super().__init__(self._record, every_s=WRITE_EVERY_S)
        self._task = task
        self._store = store

    def say(self, stage: Stage, share: float) -> None:
        """Note how far a stage is, 0..1. Returns at once."""
        low, high = SPANS[stage]
        self.tell((stage, round(low + (high - low) * min(max(share, 0.0), 1.0))))

    async def _record(self, word: tuple[Stage, int]) -> None:
        stage, progress = word
        try:
            await self._store.record_progress(
                self._task.id, attempt=self._task.attempt, stage=stage.value, progress=progress
            )
        except (LeaseLost, DatabaseAway) as error:
            log.debug("progress.not_written", task_id=self._task.id, reason=error.code)
