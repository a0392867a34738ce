"""One attempt at one task, and what it works with. The steps themselves stand in produce_video.py
and make_film.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filmgate.domain.ids import TaskId
from filmgate.domain.task import Task
from filmgate.ports.store import Steps
from filmgate.ports.studio import Seat, Studio
from filmgate.service.deps import Deps
from filmgate.service.patience import patiently
from filmgate.service.previews import PreviewWriter
from filmgate.service.progress import ProgressWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at one task, and what it works with."""

    task_id: TaskId
    number: int
    scratch: Path
    progress: ProgressWriter
    previews: PreviewWriter
    seat: Seat
    deps: Deps

    @property
    def studio(self) -> Studio:
        """The studio of its seat."""
        return self.seat.studio

    async def keep(self, steps: Steps) -> Task:
        """Write what was achieved. Raises LeaseLost."""
        store = self.deps.store
        return await patiently(
            lambda: store.record_steps(self.task_id, attempt=self.number, steps=steps),
            limit_s=self.deps.limits.lease_s,
        )
