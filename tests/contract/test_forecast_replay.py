"""`estimated_time` over a day of a studio, replayed on real PostgreSQL in virtual time.

Keys submit singles, bursts and floods of several models, sizes and lengths; some workers make them,
each film in its own time; one key has a limit, and a worker is added and leaves again. Every task
is looked at when it was submitted, while it waits and while it is made, and what it was told is
compared with what it then took.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any

import psycopg
import pytest

from fault.rig import fake_deps
from filmgate.domain.api_key import ApiKey
from filmgate.domain.forecast import FilmKind
from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.read_task import read_task
from kept_tasks import new_key, new_task

BEGINNING = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MAKE_S = {
    FilmKind("wan2.5-preview", "480p", 5): 22,
    FilmKind("wan2.5-preview", "480p", 10): 41,
    FilmKind("wan2.5-preview", "720p", 5): 58,
    FilmKind("wan2.5-preview", "1080p", 10): 290,
    FilmKind("fast", "480p", 5): 6,
    FilmKind("fast", "720p", 10): 19,
}
"""What making a film of each kind takes, give or take a fifth."""
EVERYDAY = list(MAKE_S)
TASKS = 150
ERROR_MAX = 0.30


@dataclass
class Clock:
    """Stands where the replay is."""

    at: datetime = BEGINNING

    def now(self) -> datetime:
        return self.at


@dataclass
class Replay:
    """Arrivals and ends in the order of their times; workers are free or busy."""

    deps: Deps
    clock: Clock
    db: Any
    chance: random.Random
    free: int = 3
    events: list[tuple[datetime, int, str, Any]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    told_s: dict[str, dict[str, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    """Of each task: what was estimated when it was submitted, while it waited, was made."""
    took_s: dict[str, float] = field(default_factory=dict)

    def at(self, when: datetime, what: str, whom: Any) -> None:
        heapq.heappush(self.events, (when, next(self.numbers), what, whom))

    async def run(self) -> None:
        while self.events:
            self.clock.at, _, what, whom = heapq.heappop(self.events)
            await getattr(self, what)(whom)
            while self.free > 0 and await self.start_one():
                self.free -= 1

    async def submit(self, ordered: tuple[ApiKey, FilmKind]) -> None:
        key, kind = ordered
        task = new_task(key)
        generation = replace(task.generation, **kind._asdict())
        task = replace(task, generation=generation, created_at=self.clock.at)
        await self.deps.store.submit(task, idempotency=None, unfinished_max=1000)
        await self.look((key, task.id, "at once"))
        for minutes in (1, 4):
            look = (key, task.id, f"after {minutes} min")
            self.at(self.clock.at + timedelta(minutes=minutes), "look", look)

    async def look(self, asked: tuple[ApiKey, str, str]) -> None:
        key, task_id, when = asked
        view = await read_task(task_id, key=key, deps=self.deps)
        if not view.task.is_final:
            self.told_s[when][task_id].append(view.estimated_time_s)

    async def start_one(self) -> bool:
        """What a free worker does, but that it says when it did it."""
        fetched = await self.db.execute(
            "SELECT queueing_lock FROM procrastinate_fetch_job_v2(NULL, NULL)"
        )
        ((task_id,),) = await fetched.fetchall()
        if task_id is None:
            return False
        await self.db.execute("DELETE FROM procrastinate_jobs WHERE status = 'doing'")
        claimed = await self.deps.store.claim(task_id, worker="w", lease_s=3600)
        assert claimed is not None
        await self.db.execute(
            "UPDATE tasks SET started_at = %s WHERE id = %s", (self.clock.at, task_id)
        )
        generation = claimed.generation
        kind = FilmKind(generation.model, generation.resolution, generation.duration_s)
        made_s = MAKE_S[kind] * self.chance.lognormvariate(0, 0.18)
        self.at(self.clock.at + timedelta(seconds=made_s), "end", claimed)
        return True

    async def end(self, claimed: Task) -> None:
        ended = claimed.completed(
            attempt=1, key=f"results/{claimed.id}", size_bytes=9, at=self.clock.at, ttl_s=60
        )
        await self.deps.store.settle(ended, attempt=1)
        self.took_s[claimed.id] = (ended.ended_at - claimed.created_at).total_seconds()
        self.free += 1

    async def hire(self, workers: int) -> None:
        self.free += workers

    def errors(self, when: str) -> list[float]:
        """How far what was told then was off, in shares of what the task took."""
        return [
            abs(told - self.took_s[task_id]) / self.took_s[task_id]
            for task_id, each in self.told_s[when].items()
            for told in each
        ]


@pytest.fixture
async def replay(store, database_url, tmp_path) -> AsyncIterator[Replay]:
    clock = Clock()
    deps = replace(await fake_deps(store, tmp_path), clock=clock)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as db:
        yield Replay(deps=deps, clock=clock, db=db, chance=random.Random(11))


def a_day(replay: Replay, keys: list[ApiKey], limited: ApiKey) -> None:
    """Singles all the time; floods of one kind; a worker comes and goes."""
    chance, when = replay.chance, BEGINNING
    while len(replay.events) < TASKS:
        when += timedelta(seconds=chance.expovariate(1 / 45))
        key = chance.choice(keys)
        kinds = [chance.choice(EVERYDAY)]
        if chance.random() < 0.06:  # a flood
            kinds = [chance.choice(EVERYDAY[:3])] * chance.randint(8, 20)
        for kind in kinds:
            replay.at(when, "submit", (key, kind))
        if chance.random() < 0.1:
            for _ in range(4):
                replay.at(when, "submit", (limited, EVERYDAY[1]))
    replay.at(BEGINNING + (when - BEGINNING) / 3, "hire", 1)
    replay.at(BEGINNING + (when - BEGINNING) * 2 / 3, "hire", -1)


async def test_estimates_are_off_by_less_than_a_third_at_the_median(replay, store):
    keys = [await new_key(store, name) for name in ("main", "main", "other")]
    limited = await new_key(store, "limited")
    await replay.db.execute(
        "UPDATE api_keys SET concurrent_tasks_max = 1 WHERE id = %s", (limited.id,)
    )
    a_day(replay, keys, limited)
    await replay.run()

    assert len(replay.took_s) >= TASKS
    off = {when: median(replay.errors(when)) for when in replay.told_s}
    assert set(off) == {"at once", "after 1 min", "after 4 min"}
    assert max(off.values()) < ERROR_MAX, off
    waited = [task_id for task_id, took_s in replay.took_s.items() if took_s > 200]
    assert len(waited) > TASKS / 4
