"""When will a task have ended? Rules of thumb over what was seen lately; no clock, no queue.

The queue is played forward from one moment: the films under way end after what is left of their
usual time, and each waiting one goes to the worker that is free first. Nothing is promised: tasks
that come later may be started earlier.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median
from typing import NamedTuple

FIRST_GUESS_S_PER_S = 1.5
"""What making a second of film is taken to last before any film was made."""
LEFT_AT_LEAST = 0.1
"""Share of its usual time that a film under way still takes, however long it has taken."""
IN_A_MOMENT_S = 2.0
"""A task that waits longer than this found all workers busy."""
RETRY_S_MAX = 600
RETRY_S_UNKNOWN = 30


class FilmKind(NamedTuple):
    """What decides how long making a film takes."""

    model: str
    resolution: str
    duration_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast films are made: what was seen lately, what is under way, what waits."""

    make_s: Mapping[FilmKind, float] = field(default_factory=dict[FilmKind, float])
    """Median of the latest films of each kind, from start to end."""
    running: Sequence[tuple[FilmKind, datetime]] = ()
    """Films that are being made, and since when."""
    line: Sequence[FilmKind] = ()
    """The first tasks that wait for nothing but a worker, in their order."""
    waiting_since: datetime | None = None
    """When the oldest of them was submitted."""
    at_once: int = 0
    """The most films that were being made at a time lately."""
    ends: Sequence[datetime] = ()
    """When the last tasks ended, latest first."""

    def usual_s(self, kind: FilmKind) -> float:
        """What such a film takes: as lately, else by its length as films of its model did."""
        known_s = self.make_s.get(kind)
        if known_s is not None:
            return known_s
        per_s = [s / other.duration_s for other, s in self.make_s.items() if other[0] == kind.model]
        return kind.duration_s * (median(per_s) if per_s else FIRST_GUESS_S_PER_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The queue played forward from `seen_at`."""

    pace: Pace
    seen_at: datetime
    start_s: Sequence[float]
    """When each waiting task is started, in their order; last, when one behind them all is."""
    next_start_s: float
    """From one start to the next among tasks further behind."""

    def wait_s(self, ahead: int) -> float:
        """From `seen_at` until a task with so many before it is started."""
        beyond = max(0, ahead + 1 - len(self.start_s))
        return self.start_s[ahead - beyond] + beyond * self.next_start_s


def played_forward(pace: Pace, *, now: datetime) -> Forecast:
    """Play the queue forward."""
    free_s = [
        left_s(pace.usual_s(kind), worked_s=(now - since).total_seconds())
        for kind, since in pace.running
    ]
    waited_s = (now - pace.waiting_since).total_seconds() if pace.waiting_since else 0.0
    workers = len(free_s) if free_s and waited_s > IN_A_MOMENT_S else max(1, pace.at_once)
    free_s += [0.0] * (workers - len(free_s))
    heapq.heapify(free_s)
    line_s = [pace.usual_s(kind) for kind in pace.line]
    start_s: list[float] = []
    for make_s in line_s:
        start_s.append(free_s[0])
        heapq.heapreplace(free_s, free_s[0] + make_s)
    return Forecast(
        pace=pace,
        seen_at=now,
        start_s=[*start_s, free_s[0]],
        next_start_s=fmean(line_s) / len(free_s) if line_s else 0.0,
    )


def left_s(make_s: float, *, worked_s: float, progress: int = 0) -> float:
    """What is left of a film that usually takes `make_s`: by the clock, or by its progress (0..100)
    if that says more and there is any.
    """
    by_progress_s = make_s * (100 - progress) / 100 if progress else 0.0
    return max(make_s - worked_s, by_progress_s, make_s * LEFT_AT_LEAST)


def retry_after_s(ends: Sequence[datetime] | None, *, now: datetime) -> int:
    """Return how long it takes for one more task to end, as the last ones did (latest first)."""
    if not ends:
        return RETRY_S_UNKNOWN
    between_s = (now - ends[-1]).total_seconds() / len(ends)
    return min(max(1, math.ceil(between_s)), RETRY_S_MAX)
