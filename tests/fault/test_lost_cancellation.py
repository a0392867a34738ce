"""A cancellation may get lost in the moment in which a pooled connection is handed over. What is
cancelled in any of the moments around it ends all the same.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rig import FakeStudio, fake_deps

from filmgate.service.end_loops import end_loops
from filmgate.service.latest import LatestWriter
from filmgate.store.database import Database
from filmgate.store.store import PostgresStore
from filmgate.worker.worker import Worker, WorkerSettings

MOMENTS = 8
"""Turns of the event loop in which a connection goes from one to the next, and some more."""
UNTIL_WAITING = 30
END_S = 30


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def database(database_url: str):
    """With a single connection, so that others wait for it."""
    database = Database(database_url, connections_max=1)
    await database.open()
    yield database
    await database.close()


async def test_a_film_never_waits_for_its_progress_writer(database: Database) -> None:
    async def write(_: int) -> None:
        await database.rows("SELECT 1")

    for moment in range(MOMENTS):
        async with asyncio.timeout(END_S), LatestWriter(write, every_s=60) as writer:
            async with database.connection():
                writer.tell(moment)
                await turns(UNTIL_WAITING)
            await turns(moment)


async def test_loops_end_whenever_they_are_told(database: Database) -> None:
    async def look_on() -> None:
        while True:
            await database.rows("SELECT 1")

    for moment in range(MOMENTS):
        async with asyncio.timeout(END_S), asyncio.TaskGroup() as group:
            async with database.connection():
                looking = [group.create_task(look_on()) for _ in range(2)]
                await turns(UNTIL_WAITING)
            await turns(moment)
            await end_loops(looking)


@pytest.mark.parametrize("turns_taken", [0, 1, 2, 4, 8, 16, 24, 32, 48, 64, 128])
async def test_a_worker_that_is_told_to_end_while_it_begins_leaves_nothing_running(
    store: PostgresStore, database_url: str, tmp_path: Path, turns_taken: int
) -> None:
    deps, stop = await fake_deps(store, tmp_path), asyncio.Event()
    settings = WorkerSettings(name="w", database_url=database_url, sweep_s=9, drain_s=1)
    await deps.store.is_ready()  # the store's own loops have begun
    before = asyncio.all_tasks()
    async with asyncio.timeout(END_S), asyncio.TaskGroup() as group:
        worker = Worker(deps=deps, studios=[FakeStudio()], settings=settings)
        group.create_task(worker.run(stop))
        await turns(turns_taken)
        stop.set()
    left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not left
