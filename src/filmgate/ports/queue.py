"""What the verbs need of the queue as a whole: the sweep, and how it stands.

Submitting, claiming and ending single tasks stand in ports/store.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from filmgate.domain.forecast import Pace
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Task

LINE_MAX = 1000
"""Waiting tasks of which the pace tells the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Where a waiting task stands."""

    line_ahead: int
    """Tasks that will be started before it, but for those that wait for a task of its own key."""
    apart_ahead: int = 0
    """Tasks of its key that wait, as it does, for another one to end, and are before it."""
    at_once_max: int | None = None
    """How many tasks its key may have under way, for a task that waits for one of them to end."""

    @property
    def queue_position(self) -> int:
        """1 for the task that is started next."""
        return 1 + self.line_ahead + self.apart_ahead


class Queue(Protocol):
    """The queue of all keys."""

    async def outlooks(self, task_ids: Sequence[TaskId]) -> dict[TaskId, Outlook]:
        """Say where those of the tasks that are waiting stand."""
        ...

    async def pace(self) -> Pace:
        """Say how fast the queue moves; of its line, the first LINE_MAX tasks."""
        ...

    async def count_unfinished(self) -> int:
        """Count the tasks that have not ended, of all accounts."""
        ...

    async def sweep(self, *, lease_s: float = 0.0) -> list[Task]:
        """Let go of tasks whose lease ran out; admit what its key has room for, withdraw what it
        has no room for any more; nudge admitted tasks without a live queue entry; return those let
        go.

        A lease of `lease_s` that was last renewed before the database itself started ran out
        through no fault of the task, and is not counted as a crash.
        """
        ...

    async def overdue(self, *, queue_timeout_s: int, crashes_max: int) -> list[Task]:
        """Return waiting tasks that waited too long or whose workers died too often."""
        ...
