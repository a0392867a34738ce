"""Say how long a task takes, by the forecast of this second. The rules: domain/forecast.py."""

from __future__ import annotations

from datetime import datetime

from filmgate.domain import forecast
from filmgate.domain.forecast import FilmKind, Forecast, left_s, played_forward
from filmgate.domain.task import Task
from filmgate.ports.queue import Outlook
from filmgate.service.deps import Deps

READ_EVERY_S = 1.0


async def estimated_time_s(task: Task, outlook: Outlook | None, *, deps: Deps) -> int:
    """Return how long an unfinished task takes from being accepted to its end, in seconds.

    `outlook` is None for a task that is under way.
    """
    seen, now = await _current(deps), deps.clock.now()
    generation = task.generation
    kind = FilmKind(generation.model, generation.resolution, generation.duration_s)
    make_s = seen.pace.usual_s(kind)
    if outlook is None:
        worked_s = (now - task.started_at).total_seconds() if task.started_at else 0.0
        left = left_s(make_s, worked_s=worked_s, progress=task.progress)
    else:
        left = _wait_s(outlook, make_s, seen, now) + make_s
    return max(1, round((now - task.created_at).total_seconds() + left))


async def retry_after_s(*, deps: Deps) -> int:
    """Return after how long a place in the server's full queue comes free."""
    seen = await _current(deps)
    return forecast.retry_after_s(seen.pace.ends, now=deps.clock.now())


def _wait_s(outlook: Outlook, make_s: float, seen: Forecast, now: datetime) -> float:
    wait_s = seen.wait_s(outlook.line_ahead) - (now - seen.seen_at).total_seconds()
    if outlook.at_once_max is not None:  # on average half of the film that is to end, is made
        wait_s = max(wait_s, (outlook.apart_ahead / outlook.at_once_max + 0.5) * make_s)
    return max(0.0, wait_s)


async def _current(deps: Deps) -> Forecast:
    """While one request reads anew, the others take the forecast before."""
    gauge, now = deps.forecast_gauge, deps.clock.now()
    seen = gauge.forecast
    is_old = gauge.read_at is None or (now - gauge.read_at).total_seconds() > READ_EVERY_S
    if seen is None or is_old:
        gauge.read_at = now
        seen = gauge.forecast = played_forward(await deps.store.pace(), now=now)
    return seen
