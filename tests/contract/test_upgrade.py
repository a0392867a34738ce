"""The schema is upgraded under tasks that wait, run and have ended: each goes on, none is charged
twice. Databases of every earlier schema are made here as that release made them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from databases import with_database
from filmgate.domain.errors import ConfigError
from filmgate.domain.task import Failure, Status, Task
from filmgate.domain.usage import UsageFilter, UsageLine, day_boundaries
from filmgate.ports.store import TaskFilter
from filmgate.store.migrate import migrate, migrations, newest_migration
from filmgate.store.store import PostgresStore
from kept_tasks import claim, done, new_task, submit

PRICE = 332_000
GRANTED = 10_000_000
EARLIER = list(migrations())[:-1]
ACCOUNT, KEY = "acct_old", "key_old"
IDS = {
    name: f"task_01K00000000000000000000{number:03}"
    for number, name in enumerate(["waiting", "running", "lost", "finished", "failed"])
}

BOOKS = """
CREATE TABLE filmgate_migrations (number integer PRIMARY KEY, name text NOT NULL,
                                  applied_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE filmgate_queue_migrations (name text PRIMARY KEY);
"""

TASKS = Path(__file__).with_name("first_release.sql").read_text(encoding="utf-8")
"""What the first release wrote: tasks that wait, run, were lost and have ended."""

BESIDE = {
    6: "INSERT INTO key_spending (api_key_id) SELECT id FROM api_keys",
    9: "INSERT INTO key_queues SELECT id, 5, 3 FROM api_keys",
}
"""What releases since these schemas keep beside it."""


@pytest.fixture
async def bare_url(cluster_url: str) -> AsyncIterator[str]:
    """An empty database."""
    name = f"upgrade_{os.getpid()}"
    async with await psycopg.AsyncConnection.connect(cluster_url, autocommit=True) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
    yield with_database(cluster_url, name)
    async with await psycopg.AsyncConnection.connect(cluster_url, autocommit=True) as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def make_release(url: str, newest: int) -> None:
    """Make the schema of the release whose newest migration is `newest`, with tasks in flight."""
    folder = files("procrastinate.sql").joinpath("migrations")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(BOOKS)
        await connection.execute(SchemaManager.get_schema())
        for entry in folder.iterdir():
            if entry.name.endswith(".sql"):
                await connection.execute(
                    "INSERT INTO filmgate_queue_migrations VALUES (%s)", (entry.name,)
                )
        for number, (name, script) in migrations().items():
            if number <= newest:
                await connection.execute(script)
                await connection.execute(
                    "INSERT INTO filmgate_migrations (number, name) VALUES (%s, %s)", (number, name)
                )
        await connection.execute(TASKS)
        for number, statement in BESIDE.items():
            if number <= newest:
                await connection.execute(statement)


async def read(url: str, statement: str) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(statement)).fetchall()


@pytest.fixture
async def upgraded(bare_url: str, request: pytest.FixtureRequest) -> AsyncIterator[PostgresStore]:
    """The store on a database that an earlier release made and this one upgraded."""
    await make_release(bare_url, getattr(request, "param", 1))
    await migrate(bare_url)
    store = PostgresStore(bare_url, connections_max=4)
    await store.open()
    yield store
    await store.close()


async def kept(store: PostgresStore, name: str) -> Task:
    task = await store.task(IDS[name])
    assert task is not None
    return task


@pytest.mark.parametrize("upgraded", EARLIER, indirect=True)
async def test_tasks_in_flight_go_on_after_an_upgrade_from_each_schema(upgraded, bare_url):
    store: PostgresStore = upgraded
    assert await store.is_ready()
    listed = await store.tasks(TaskFilter(account_id=ACCOUNT, limit=10))
    assert {task.id for task in listed} == set(IDS.values())
    assert (await kept(store, "finished")).result_key == "results/old/film.mp4"
    assert (await kept(store, "failed")).failure == Failure(
        code="engine_failed", message="it broke"
    )
    assert (await store.balance(ACCOUNT)).held == 3 * PRICE
    assert await store.audit() == []

    running = await kept(store, "running")  # its worker lives on over the upgrade
    assert (running.attempt, running.actual_prompt) == (1, "a long road")
    assert await store.claim(running.id, worker="thief", lease_s=30) is None
    assert await store.renew({running.id: 1}, lease_s=30) == {running.id}
    await store.settle(done(running), attempt=1)

    lost = await claim(store, await kept(store, "lost"), worker="w3")
    assert lost.attempt == 3
    failure = Failure(code="engine_failed", message="it broke")
    await store.settle(lost.failed(attempt=3, failure=failure, at=datetime.now(UTC)), attempt=3)

    waiting = await claim(store, await kept(store, "waiting"))
    await store.settle(done(waiting), attempt=waiting.attempt)

    balance = await store.balance(ACCOUNT)
    assert (balance.granted, balance.held, balance.captured) == (GRANTED, 0, 3 * PRICE)
    assert balance.available == GRANTED - 3 * PRICE
    assert await store.audit() == []
    assert await store.count_unfinished() == 0
    ((entries,),) = await read(bare_url, "SELECT count(*) FROM ledger_entries")
    assert entries == 1 + 2 * len(IDS)


@pytest.mark.parametrize("upgraded", EARLIER, indirect=True)
async def test_new_tasks_stand_behind_the_old_ones_after_an_upgrade(upgraded, bare_url):
    (key,) = await upgraded.keys()
    new = await submit(upgraded, new_task(key))
    queued = await read(
        bare_url,
        "SELECT args->>'task_id' FROM procrastinate_jobs WHERE status = 'todo'"
        " ORDER BY priority DESC, id",
    )
    assert [row[0] for row in queued] == [
        IDS["waiting"],
        IDS["running"],
        IDS["lost"],
        new.id,
    ]


async def test_films_of_the_first_release_stand_in_the_usage(upgraded):
    today = datetime.now(UTC).date()
    wanted = UsageFilter(
        account_id=ACCOUNT,
        api_key_id=KEY,
        boundaries=day_boundaries(today - timedelta(days=1), today + timedelta(days=1), UTC),
        by_model=True,
        by_day=False,
    )
    assert await upgraded.usage(wanted) == [
        UsageLine(
            model="wan2.5-preview", day_index=None, requests=1, seconds=5, amount_micro_usd=PRICE
        )
    ]


async def test_a_cancelled_task_of_an_earlier_release_is_released(upgraded):
    task = await kept(upgraded, "waiting")
    cancelled = task.cancelled(at=datetime.now(UTC))
    await upgraded.settle(cancelled, attempt=None)
    assert (await kept(upgraded, "waiting")).status is Status.CANCELLED
    assert (await upgraded.balance(ACCOUNT)).held == 2 * PRICE
    assert await upgraded.audit() == []


async def test_an_upgrade_of_an_upgraded_database_changes_nothing(bare_url):
    await make_release(bare_url, 1)
    assert await migrate(bare_url) == [name for name, _ in list(migrations().values())[1:]]
    assert await migrate(bare_url) == []


@pytest.mark.parametrize("is_new", [True, False])
async def test_upgrades_at_once_apply_each_file_once(bare_url, is_new):
    if not is_new:
        await make_release(bare_url, 1)
    reports = await asyncio.gather(*(migrate(bare_url) for _ in range(4)))
    applied = [report for report in reports if report]
    assert len(applied) == 1
    numbers = await read(bare_url, "SELECT number FROM filmgate_migrations ORDER BY number")
    assert [number for (number,) in numbers] == list(migrations())


async def test_a_database_of_a_newer_release_is_refused_unchanged(bare_url):
    await make_release(bare_url, 1)
    newer = newest_migration() + 1
    async with await psycopg.AsyncConnection.connect(bare_url) as connection:
        await connection.execute(
            "INSERT INTO filmgate_migrations (number, name) VALUES (%s, 'newer.sql')", (newer,)
        )
    with pytest.raises(ConfigError, match=rf"has schema {newer}, .* knows up to {newer - 1}"):
        await migrate(bare_url)
    numbers = await read(bare_url, "SELECT number FROM filmgate_migrations ORDER BY number")
    assert numbers == [(1,), (newer,)]


async def test_an_upgrade_that_breaks_off_leaves_the_earlier_schema(bare_url):
    """A table of the operator's own stands where ours shall be made."""
    await make_release(bare_url, 1)
    async with await psycopg.AsyncConnection.connect(bare_url) as connection:
        await connection.execute("CREATE TABLE webhook_attempts (mine integer)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        await migrate(bare_url)
    assert await read(bare_url, "SELECT number FROM filmgate_migrations") == [(1,)]
    async with await psycopg.AsyncConnection.connect(bare_url) as connection:
        await connection.execute("DROP TABLE webhook_attempts")
    assert (await migrate(bare_url))[0] == migrations()[2][0]
