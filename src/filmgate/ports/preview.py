"""What the verbs need of the database for pictures of films in the making. They are kept as long as
their task runs, and may be forgotten at any time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from filmgate.domain.ids import TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The newest picture of a film in the making."""

    number: int
    """Rises with every picture of a task, also over attempts."""
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPreview:
    """Word that a task has a new picture."""

    task_id: TaskId
    number: int


class Previews(Protocol):
    """Pictures of films in the making, one a task."""

    async def record_preview(self, task_id: TaskId, *, attempt: int, jpeg: bytes) -> None:
        """Replace a task's picture. Raises LeaseLost."""
        ...

    async def preview(self, task_id: TaskId) -> Preview | None:
        """Return a task's picture."""
        ...

    async def preview_number(self, task_id: TaskId) -> int:
        """Return the number of a task's picture, 0 if it has none."""
        ...

    def new_previews(self) -> AsyncIterator[NewPreview]:
        """Yield word of each new picture, by notification; what comes while the connection is
        broken is lost.
        """
        ...

    async def forget_previews(self) -> None:
        """Erase the pictures of tasks that have ended; most went with the ending itself."""
        ...
