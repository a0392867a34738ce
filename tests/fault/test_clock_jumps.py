"""The wall clock jumps an hour forward and back, the database's and ours together, while films
wait, are made and are done: none is lost, ends twice, is charged twice or counts a crash for it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from rig import FakeStudio, fake_deps, look, movements, submit
from workshop_floor import until, until_ended, working

from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.sweep import expire_assets, sweep
from filmgate.store.queue import SWEEP_LOCK
from filmgate.store.store import PostgresStore
from filmgate.store.wall_clock import WallClock
from kept_tasks import new_key

HOUR_S = 3600
LEASE_S = 1.0

SHADOWS = """
    CREATE SCHEMA jumped;
    CREATE TABLE jumped.clock AS SELECT interval '0' AS ahead;
    CREATE FUNCTION jumped.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM jumped.clock';
    CREATE FUNCTION jumped.now() RETURNS timestamptz LANGUAGE sql STABLE
        AS 'SELECT pg_catalog.now() + ahead FROM jumped.clock';
    ALTER DATABASE {database} SET search_path = jumped, pg_catalog, public;
"""
"""Sessions that begin after this find our functions before PostgreSQL's own."""


class JumpingClock:
    """The Clock port and the database's clock, which jump together."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def jump(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        await look(self._url, "UPDATE jumped.clock SET ahead = %s", self._ahead)


@pytest.fixture
async def clock(database_url: str) -> JumpingClock:
    database = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    await look(database_url, SHADOWS.format(database=database))
    return JumpingClock(database_url)


@pytest.fixture
async def deps(clock: JumpingClock, store: PostgresStore, tmp_path: Path) -> Deps:
    """On a store whose sessions began after the clock was made."""
    deps = await fake_deps(store, tmp_path, lease_s=LEASE_S, crashes_max=1)
    return replace(deps, clock=clock)


def halted() -> FakeStudio:
    studio = FakeStudio()
    studio.may_finish.clear()
    return studio


async def assert_whole(task: Task, deps: Deps, url: str) -> Task:
    """Wait for the end: one film, paid once, no crash counted, and its file is there."""
    found = await until_ended(deps.store, task)
    assert (found.status, found.crashes) == ("completed", 0)
    assert await movements(url, task) == ["hold", "capture"]
    assert await deps.store.audit() == []
    await expire_assets(deps=deps)
    assert found.result_key is not None
    assert await deps.storage.head(found.result_key) is not None
    return found


async def test_a_jump_forward_begins_a_film_anew_and_counts_no_crash(
    clock: JumpingClock, deps: Deps, database_url: str
) -> None:
    key, studio = await new_key(deps.store), halted()
    task = await submit(deps.store, key)
    async with working(deps, [studio], database_url):
        await until(lambda: studio.orders)
        waiting = await submit(deps.store, key)
        await sweep(deps=deps)  # so that somebody saw the clock before
        await clock.jump(HOUR_S)
        await until(lambda: len(studio.orders) == 2)
        studio.may_finish.set()
        assert (await assert_whole(task, deps, database_url)).attempt == 2
        assert (await assert_whole(waiting, deps, database_url)).attempt == 1


async def test_a_jump_back_disturbs_no_film(
    clock: JumpingClock, deps: Deps, database_url: str
) -> None:
    await clock.jump(HOUR_S)
    key, studio = await new_key(deps.store), halted()
    task = await submit(deps.store, key)
    async with working(deps, [studio], database_url):
        await until(lambda: studio.orders)
        waiting = await submit(deps.store, key)
        await clock.jump(-HOUR_S)
        studio.may_finish.set()
        assert (await assert_whole(task, deps, database_url)).attempt == 1
        assert (await assert_whole(waiting, deps, database_url)).attempt == 1


async def test_a_jump_back_hides_no_dead_worker(
    clock: JumpingClock, deps: Deps, database_url: str
) -> None:
    """Its lease would run for another hour."""
    deps = replace(deps, limits=replace(deps.limits, crashes_max=3))
    await clock.jump(HOUR_S)
    task = await submit(deps.store, await new_key(deps.store))
    await deps.store.claim(task.id, worker="dead", lease_s=LEASE_S)
    await clock.jump(-HOUR_S)
    async with working(deps, [FakeStudio()], database_url):
        found = await until_ended(deps.store, task)
    assert (found.status, found.attempt) == ("completed", 2)


async def test_a_jump_amid_a_sweep_counts_no_crash(
    clock: JumpingClock, deps: Deps, store: PostgresStore, database_url: str
) -> None:
    """After it looked at the clock, and before it looks for leases that ran out."""
    task = await submit(deps.store, await new_key(deps.store))
    await sweep(deps=deps)
    await deps.store.claim(task.id, worker="alive", lease_s=LEASE_S)
    calm = store._clock

    class Meddler(WallClock):
        def has_jumped(self, now: datetime) -> bool:
            said = calm.has_jumped(now)
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("UPDATE jumped.clock SET ahead = interval '1 hour'")
            return said

    store._clock = Meddler()
    await sweep(deps=deps)
    store._clock = calm
    await sweep(deps=deps)
    found = await deps.store.task(task.id)
    assert found is not None
    assert (found.lease_until, found.crashes) == (None, 0)


async def test_a_jump_that_was_seen_without_the_sweeps_lock_counts_no_crash(
    clock: JumpingClock, deps: Deps, database_url: str
) -> None:
    task = await submit(deps.store, await new_key(deps.store))
    await sweep(deps=deps)
    await deps.store.claim(task.id, worker="alive", lease_s=LEASE_S)
    await clock.jump(HOUR_S)
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT pg_advisory_xact_lock(%s)", (SWEEP_LOCK,))
        await sweep(deps=deps)
    await sweep(deps=deps)
    found = await deps.store.task(task.id)
    assert found is not None
    assert (found.lease_until, found.crashes) == (None, 0)


async def test_jumps_to_and_fro_under_load_end_every_task_once(
    clock: JumpingClock, deps: Deps, database_url: str
) -> None:
    key = await new_key(deps.store)
    tasks = []
    await sweep(deps=deps)
    async with working(deps, [FakeStudio(), FakeStudio()], database_url):
        for hours in (1, -1, -1, 1):
            tasks += [await submit(deps.store, key) for _ in range(3)]
            await clock.jump(hours * HOUR_S)
        for task in tasks:
            await assert_whole(task, deps, database_url)
