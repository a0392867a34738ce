"""The queue on real PostgreSQL: fair turns, priorities, limits per key, exact positions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from filmgate.domain.api_key import ApiKey, Priority
from filmgate.domain.errors import InsufficientCredits, LeaseLost, QueueFull
from filmgate.domain.task import Task
from filmgate.store.store import PostgresStore
from kept_tasks import claim, done, new_key, new_task, now, submit

UNDER_WAY = "SELECT count(*) FROM tasks WHERE ended_at IS NULL AND lease_until IS NOT NULL"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A look at the database past the store."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


async def ask(db: Any, query: str, *values: Any) -> list[tuple[Any, ...]]:
    cursor = await db.execute(query, values)
    return await cursor.fetchall() if cursor.description else []


async def fetch(db: Any) -> str | None:
    """Take the entry that the queue hands out next, as a worker does; return its task."""
    found = await ask(db, "SELECT queueing_lock FROM procrastinate_fetch_job_v2(NULL, NULL)")
    await ask(db, "DELETE FROM procrastinate_jobs WHERE status = 'doing'")
    return found[0][0]


async def start_next(store: PostgresStore, db: Any) -> Task | None:
    """Do what a free worker does; None if there is nothing for it to do."""
    while (task_id := await fetch(db)) is not None:
        claimed = await store.claim(task_id, worker="w", lease_s=60)
        if claimed is not None:
            return claimed
    return None


async def end(store: PostgresStore, claimed: Task) -> None:
    await store.settle(done(claimed), attempt=claimed.attempt)


async def limit(db: Any, key: ApiKey, column: str, value: int | None) -> None:
    await ask(db, f"UPDATE api_keys SET {column} = %s WHERE id = %s", value, key.id)


async def flood(store: PostgresStore, key: ApiKey, count: int) -> list[Task]:
    return [await submit(store, new_task(key)) for _ in range(count)]


async def with_priority(store: PostgresStore, db: Any, account: str, priority: Priority) -> ApiKey:
    key = await new_key(store, account)
    await limit(db, key, "priority", priority.number)
    return key


async def order(store: PostgresStore, db: Any) -> list[str]:
    """Start and end everything, one at a time; return the ids in the order of their starts."""
    started: list[str] = []
    while (claimed := await start_next(store, db)) is not None:
        started.append(claimed.id)
        await end(store, claimed)
    return started


@pytest.fixture
async def limited(database_url: str) -> AsyncIterator[PostgresStore]:
    """A store whose keys have two tasks under way at a time."""
    store = PostgresStore(database_url, connections_max=8, key_concurrent_tasks_max=2)
    await store.open()
    yield store
    await store.close()


# ---- fair turns


@pytest.mark.parametrize("account", ["flood", "calm"])
async def test_a_single_task_starts_within_the_time_of_two_of_a_flood(store, db, account):
    """The other key may be the same account's."""
    flooding, calm = await new_key(store, "flood"), await new_key(store, account)
    await flood(store, flooding, 30)
    for _ in range(3):
        await end(store, await start_next(store, db))
    running = await start_next(store, db)
    single = await submit(store, new_task(calm))
    await end(store, running)
    started = [await start_next(store, db) for _ in range(2)]
    assert single.id in [task.id for task in started]


async def test_floods_take_turns(store, db):
    first, second = await new_key(store), await new_key(store)
    whose = {task.id: 1 for task in await flood(store, first, 6)}
    whose |= {task.id: 2 for task in await flood(store, second, 6)}
    started = [whose[task_id] for task_id in await order(store, db)]
    assert all({*started[i : i + 2]} == {1, 2} for i in range(0, 12, 2)), started


async def test_a_task_given_back_keeps_its_place(store, db):
    key = await new_key(store)
    tasks = await flood(store, key, 3)
    claimed = await start_next(store, db)
    await store.give_back(claimed.id, attempt=claimed.attempt, is_crash=False)
    assert await order(store, db) == [task.id for task in tasks]


# ---- priorities


async def test_a_higher_priority_starts_earlier(store, db):
    low, normal, high = [await with_priority(store, db, "main", priority) for priority in Priority]
    tasks = [await flood(store, key, 3) for key in (low, normal, high)]
    wanted = [task.id for of_key in reversed(tasks) for task in of_key]
    assert await order(store, db) == wanted


async def test_a_low_priority_is_not_starved_by_an_endless_flood(store, db):
    low = await with_priority(store, db, "main", Priority.LOW)
    high = await with_priority(store, db, "main", Priority.HIGH)
    patient = await submit(store, new_task(low))
    started: list[str] = []
    while patient.id not in started and len(started) < 250:
        await submit(store, new_task(high))
        claimed = await start_next(store, db)
        started.append(claimed.id)
        await end(store, claimed)
    assert 200 <= started.index(patient.id) <= 202


async def test_ranks_may_grow_beyond_the_queues_priorities(store, db):
    key, other = await new_key(store), await new_key(store)
    await ask(db, "UPDATE queue_state SET last_started_rank = 1500000000")
    await store.sweep()
    before = await flood(store, key, 2)
    await ask(db, "UPDATE queue_state SET last_started_rank = 3000000000")
    behind = await submit(store, new_task(other))
    await store.sweep()
    later = await flood(store, key, 2)
    await store.sweep()
    ((ranks, priorities),) = await ask(
        db,
        "SELECT count(DISTINCT rank), count(DISTINCT priority)"
        " FROM tasks JOIN procrastinate_jobs ON queueing_lock = tasks.id",
    )
    assert (ranks, priorities) == (4, 4)
    started = await order(store, db)
    assert started[:3] == [before[0].id, before[1].id, behind.id]
    assert sorted(started[3:]) == sorted(task.id for task in later)


# ---- tasks of a key under way at a time


async def test_tasks_beyond_a_keys_limit_wait_while_others_pass(limited, db):
    eager, other = await new_key(limited), await new_key(limited)
    of_eager = await flood(limited, eager, 4)
    single = await submit(limited, new_task(other))
    started = [await start_next(limited, db) for _ in range(5)]
    assert {t.id for t in started if t} == {of_eager[0].id, of_eager[1].id, single.id}
    await limited.sweep()
    assert await start_next(limited, db) is None


@pytest.mark.parametrize("how", ["completed", "cancelled", "failed"])
async def test_the_next_task_starts_as_soon_as_one_of_its_key_ends(limited, db, how):
    key = await new_key(limited)
    tasks = await flood(limited, key, 5)
    running = [await start_next(limited, db) for _ in range(2)]
    assert await start_next(limited, db) is None
    for ended, following in zip(running, tasks[2:], strict=False):
        if how == "completed":
            await end(limited, ended)
        elif how == "cancelled":
            await limited.settle(ended.cancelled(at=now()), attempt=None)
        else:
            failed = ended.failed(attempt=1, failure=None, at=now())
            await limited.settle(failed, attempt=1)
        assert (await start_next(limited, db)).id == following.id
    assert await start_next(limited, db) is None


async def test_a_waiting_task_that_is_cancelled_lets_the_next_one_in(limited, db):
    key = await new_key(limited)
    tasks = await flood(limited, key, 4)
    await limited.settle(tasks[2].cancelled(at=now()), attempt=None)
    await limited.settle(tasks[0].cancelled(at=now()), attempt=None)
    started = [await start_next(limited, db) for _ in range(3)]
    assert [task and task.id for task in started] == [tasks[1].id, tasks[3].id, None]


async def test_a_task_given_back_keeps_its_keys_room(limited, db):
    key = await new_key(limited)
    tasks = await flood(limited, key, 3)
    running = [await start_next(limited, db) for _ in range(2)]
    await limited.give_back(running[1].id, attempt=1, is_crash=True)
    await limited.release_worker("w")
    await limited.sweep()
    again = [await start_next(limited, db) for _ in range(3)]
    assert [task and task.id for task in again] == [tasks[0].id, tasks[1].id, None]


async def test_parallel_claims_never_exceed_a_keys_limit(limited, db):
    """Everything is claimed all the time, by many, whatever the queue says; some is cancelled."""
    key = await new_key(limited)
    tasks = [new_task(key) for _ in range(24)]

    async def work() -> None:
        while await ended(tasks) < len(tasks):
            for task in tasks:
                claimed = await limited.claim(task.id, worker="w", lease_s=60)
                if claimed is not None:
                    assert await ask(db, UNDER_WAY) <= [(2,)]
                    with suppress(LeaseLost):  # cancelled
                        await end(limited, claimed)

    async def ended(some: list[Task]) -> int:
        ids = [task.id for task in some]
        ended = "SELECT count(*) FROM tasks WHERE id = ANY(%s) AND ended_at IS NOT NULL"
        return (await ask(db, ended, ids))[0][0]

    async def submit_and_cancel(task: Task, *, is_cancelled: bool) -> None:
        await limited.submit(task, idempotency=None, unfinished_max=100)
        if is_cancelled:
            with suppress(LeaseLost):
                await limited.settle(task.cancelled(at=now()), attempt=None)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for index, task in enumerate(tasks):
            group.create_task(submit_and_cancel(task, is_cancelled=index % 3 == 0))
        for _ in range(4):
            group.create_task(work())
    assert await ask(db, "SELECT unfinished FROM key_queues") == [(0,)]


async def test_the_sweep_admits_whom_a_death_after_an_ending_left_apart(limited, store, db):
    key = await new_key(limited)
    tasks = await flood(limited, key, 3)
    first = await start_next(limited, db)
    await end(store, first)  # as if the worker died right after: this store knows of no limit
    assert (await start_next(limited, db)).id == tasks[1].id
    assert await start_next(limited, db) is None
    await limited.sweep()
    assert (await start_next(limited, db)).id == tasks[2].id


async def test_a_limit_that_is_changed_holds_after_the_next_sweep(limited, db):
    key = await new_key(limited)
    tasks = await flood(limited, key, 6)
    await limit(db, key, "concurrent_tasks_max", 4)
    await limited.sweep()
    started = [await start_next(limited, db) for _ in range(3)]
    assert [task.id for task in started] == [task.id for task in tasks[:3]]
    await limit(db, key, "concurrent_tasks_max", 3)
    await limited.sweep()
    assert await start_next(limited, db) is None
    await end(limited, started[0])
    assert (await start_next(limited, db)).id == tasks[3].id


async def test_a_key_without_a_limit_any_more_waits_for_nothing(store, db):
    key = await new_key(store)
    await limit(db, key, "concurrent_tasks_max", 1)
    tasks = await flood(store, key, 4)
    await limit(db, key, "concurrent_tasks_max", None)
    await store.sweep()
    started = [await start_next(store, db) for _ in range(4)]
    assert [task.id for task in started] == [task.id for task in tasks]


# ---- admission


async def test_the_queue_of_a_key_has_a_limit_of_its_own(store, db):
    key, sibling = await new_key(store), await new_key(store)
    await limit(db, key, "queue_length_max", 2)
    tasks = await flood(store, key, 2)
    with pytest.raises(QueueFull, match="at most 2 unfinished tasks are kept, you have 2"):
        await submit(store, new_task(key))
    await flood(store, sibling, 3)
    await store.settle(tasks[0].cancelled(at=now()), attempt=None)
    await submit(store, new_task(key))


async def test_parallel_submits_never_exceed_a_keys_queue(store, db):
    key = await new_key(store)
    outcomes = await asyncio.gather(
        *(store.submit(new_task(key), idempotency=None, unfinished_max=5) for _ in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, QueueFull) for outcome in outcomes) == 15
    assert await store.count_unfinished() == 5
    ((counted,),) = await ask(db, "SELECT unfinished FROM key_queues")
    assert counted == 5


async def test_a_refused_submit_takes_no_place(store, db):
    key = await new_key(store)
    await submit(store, new_task(key))
    await ask(db, "UPDATE accounts SET is_limited = true")
    with pytest.raises(InsufficientCredits):
        await submit(store, new_task(key))
    assert await ask(db, "SELECT unfinished, last_turn FROM key_queues") == [(1, 0)]


async def test_a_full_key_is_told_how_quickly_its_tasks_end(store, db):
    key, other = await new_key(store), await new_key(store)
    for seconds in (40, 80, 120):
        for ended_key, back_s in ((key, seconds), (other, seconds / 40)):
            task = await submit(store, new_task(ended_key))
            ended = replace(task.cancelled(at=now()), ended_at=now() - timedelta(seconds=back_s))
            await store.settle(ended, attempt=None)
    await submit(store, new_task(key))
    with pytest.raises(QueueFull) as full:
        await submit(store, new_task(key), unfinished_max=1)
    assert 40 <= full.value.retry_after_s <= 42


# ---- positions


async def test_positions_are_the_order_of_starts(store, db):
    keys = [
        await with_priority(store, db, "main", priority)
        for priority in (Priority.NORMAL, Priority.NORMAL, Priority.HIGH, Priority.LOW)
    ]
    tasks = [task for count, key in enumerate(keys, 3) for task in await flood(store, key, count)]
    await end(store, await start_next(store, db))
    again = await start_next(store, db)
    tasks += await flood(store, keys[0], 2)
    await store.give_back(again.id, attempt=again.attempt, is_crash=False)
    outlooks = await store.outlooks([task.id for task in tasks])
    positions = {outlook.queue_position: task_id for task_id, outlook in outlooks.items()}
    alone = {
        task.id: (await store.outlooks([task.id]))[task.id] for task in tasks if task.id in outlooks
    }
    assert alone == outlooks
    started = await order(store, db)
    assert started[0] == again.id
    assert [positions[place] for place in sorted(positions)] == started[1:]
    assert sorted(positions) == list(range(2, len(started) + 1))


async def test_a_task_apart_counts_its_siblings_and_the_line(limited, db):
    eager, other = await new_key(limited), await new_key(limited)
    tasks = await flood(limited, eager, 5)
    others = await flood(limited, other, 2)
    outlooks = await limited.outlooks([task.id for task in [*tasks, *others]])
    at = [outlooks[task.id].queue_position for task in tasks]
    assert at[:2] == [1, 3]
    assert at[2:] == [5, 6, 7]
    assert [outlooks[task.id].queue_position for task in others] == [2, 4]
    assert outlooks[tasks[4].id].at_once_max == 2


async def test_what_does_not_wait_has_no_outlook(store):
    key = await new_key(store)
    task = await submit(store, new_task(key))
    await claim(store, task)
    assert await store.outlooks([task.id]) == {}
