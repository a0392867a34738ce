"""The store keeps its promises on real PostgreSQL: submit, claim, fence, settle, sweep, ledger."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from filmgate.domain.errors import (
    IdempotencyKeyReused,
    InsufficientCredits,
    LeaseLost,
    QueueFull,
)
from filmgate.domain.ids import task_id
from filmgate.domain.task import Failure, Status
from filmgate.ports.store import IdempotencyKey, Steps, TaskFilter
from kept_tasks import PRICE, claim, done, new_key, new_task, now, submit


async def test_a_submitted_task_is_kept_with_its_hold_and_its_nudge(store, database_url):
    key = await new_key(store)
    task = await submit(store, new_task(key))
    balance = await store.balance(key.account_id)

    assert task.status is Status.PENDING
    assert (balance.available, balance.held) == (-PRICE, PRICE)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (
            await connection.execute(
                "SELECT queue_name, task_name, args->>'task_id' FROM procrastinate_jobs"
            )
        ).fetchall()
    assert rows == [("films", "produce_video", task.id)]


async def test_completion_captures_the_hold_once(store):
    key = await new_key(store)
    claimed = await claim(store, await submit(store, new_task(key)))
    await store.settle(done(claimed), attempt=claimed.attempt)
    with pytest.raises(LeaseLost):
        await store.settle(done(claimed), attempt=claimed.attempt)
    balance = await store.balance(key.account_id)

    assert (balance.available, balance.held, balance.captured) == (-PRICE, 0, PRICE)
    assert await store.audit() == []
    assert (await store.asset(f"results/{claimed.id}/1/film.mp4")) is not None


async def test_failure_and_cancellation_release_the_hold(store):
    key = await new_key(store)
    claimed = await claim(store, await submit(store, new_task(key)))
    failure = Failure(code="engine_failed", message="no")
    await store.settle(
        claimed.failed(attempt=claimed.attempt, failure=failure, at=now()), attempt=claimed.attempt
    )
    waiting = await submit(store, new_task(key))
    await store.settle(waiting.cancelled(at=now()), attempt=None)
    balance = await store.balance(key.account_id)

    assert (balance.available, balance.held, balance.captured) == (0, 0, 0)
    assert (await store.task(claimed.id)).failure == failure
    assert await store.audit() == []


async def test_cancel_and_completion_have_one_winner(store):
    key = await new_key(store)
    for _ in range(10):
        claimed = await claim(store, await submit(store, new_task(key)))
        outcomes = await asyncio.gather(
            store.settle(done(claimed), attempt=claimed.attempt),
            store.settle(claimed.cancelled(at=now()), attempt=None),
            return_exceptions=True,
        )
        assert sorted(type(o).__name__ for o in outcomes) == ["LeaseLost", "NoneType"]
    assert await store.audit() == []


async def test_two_workers_never_claim_one_task(store):
    key = await new_key(store)
    task = await submit(store, new_task(key))
    claims = await asyncio.gather(
        *(store.claim(task.id, worker=f"w{n}", lease_s=30) for n in range(8))
    )
    assert sum(claim is not None for claim in claims) == 1


async def test_a_worker_declared_dead_changes_nothing(store):
    key = await new_key(store)
    stale = await claim(store, await submit(store, new_task(key)), "dead", lease_s=0)
    await store.sweep()
    fresh = await claim(store, stale, "alive")

    for write in (
        store.record_progress(stale.id, attempt=stale.attempt, stage="make", progress=50),
        store.record_steps(stale.id, attempt=stale.attempt, steps=Steps(actual_prompt="x")),
        store.settle(done(stale), attempt=stale.attempt),
        store.give_back(stale.id, attempt=stale.attempt, is_crash=True),
    ):
        with pytest.raises(LeaseLost):
            await write
    kept = await store.task(stale.id)
    assert (kept.attempt, kept.crashes, kept.worker, kept.progress) == (2, 1, "alive", 0)
    await store.settle(done(fresh), attempt=fresh.attempt)


async def test_a_lease_that_ran_out_fences_even_before_the_sweep(store):
    key = await new_key(store)
    stale = await claim(store, await submit(store, new_task(key)), lease_s=0)

    with pytest.raises(LeaseLost):
        await store.settle(done(stale), attempt=stale.attempt)
    assert await store.renew({stale.id: stale.attempt}, lease_s=30) == set()


async def test_the_sweep_nudges_a_task_that_lost_its_entry(store, database_url):
    key = await new_key(store)
    task = await submit(store, new_task(key))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
        await asyncio.gather(store.sweep(), store.sweep())
        rows = await (
            await connection.execute("SELECT queueing_lock FROM procrastinate_jobs")
        ).fetchall()
    assert rows == [(task.id,)]


async def test_the_sweep_clears_entries_of_dead_workers(store, database_url):
    key = await new_key(store)
    task = await submit(store, new_task(key))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        await claim(store, task, lease_s=0)
        let_go = await store.sweep()
        rows = await (await connection.execute("SELECT status FROM procrastinate_jobs")).fetchall()
    assert [t.id for t in let_go] == [task.id]
    assert rows == [("todo",)]


async def test_progress_never_falls(store):
    key = await new_key(store)
    task = await claim(store, await submit(store, new_task(key)))
    for progress in (10, 60, 30):
        await store.record_progress(task.id, attempt=1, stage="make", progress=progress)
    assert (await store.task(task.id)).progress == 60


async def test_equal_requests_with_one_idempotency_key_make_one_task(store):
    key = await new_key(store)
    name = IdempotencyKey(key="once", body_hash=b"a" * 32)
    tasks = [new_task(key) for _ in range(20)]
    submissions = await asyncio.gather(
        *(store.submit(t, idempotency=name, unfinished_max=1000) for t in tasks)
    )
    assert len({s.task_id for s in submissions}) == 1
    assert sum(not s.is_replayed for s in submissions) == 1
    assert await store.count_unfinished() == 1
    with pytest.raises(IdempotencyKeyReused):
        await store.submit(
            new_task(key), idempotency=replace(name, body_hash=b"b" * 32), unfinished_max=1000
        )


async def test_a_refused_submit_keeps_no_idempotency_key(store, database_url):
    key = await new_key(store)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE accounts SET is_limited = true")
        name = IdempotencyKey(key="poor", body_hash=b"a" * 32)
        with pytest.raises(InsufficientCredits, match=r"costs \$0.1680, available are \$0.0000"):
            await store.submit(new_task(key), idempotency=name, unfinished_max=10)
        await connection.execute("UPDATE accounts SET is_limited = false")
        submission = await store.submit(new_task(key), idempotency=name, unfinished_max=10)
    assert not submission.is_replayed


async def test_the_queue_of_an_account_has_a_limit(store):
    key = await new_key(store)
    await submit(store, new_task(key), unfinished_max=1)
    with pytest.raises(QueueFull, match="at most 1 unfinished tasks are kept, you have 1"):
        await submit(store, new_task(key), unfinished_max=1)


async def test_a_flood_does_not_stand_before_another_accounts_task(store):
    flooding, calm = await new_key(store, "flood"), await new_key(store, "calm")
    flood = [await submit(store, new_task(flooding)) for _ in range(20)]
    await claim(store, flood[0])
    single = await submit(store, new_task(calm))
    assert sum(task.rank < single.rank for task in flood[1:]) <= 1


async def test_lists_are_newest_first_and_page(store):
    key, other = await new_key(store), await new_key(store, "other")
    at = now()
    ids = []
    for index in range(5):
        task = replace(new_task(key), id=task_id(at + timedelta(seconds=index), os.urandom(10)))
        ids.append((await submit(store, task)).id)
    await submit(store, new_task(other))
    first = await store.tasks(TaskFilter(account_id=key.account_id, limit=3))
    rest = await store.tasks(TaskFilter(account_id=key.account_id, limit=3, before=first[-1].id))
    assert [t.id for t in first + rest] == ids[::-1]


async def test_changes_are_told(store):
    key = await new_key(store)
    task = await submit(store, new_task(key))
    heard = store.changes()
    assert await anext(heard) is None
    await claim(store, task)
    async with asyncio.timeout(10):
        assert await anext(heard) == task.id
    await heard.aclose()


async def test_the_audit_sees_a_tampered_balance(store, database_url):
    key = await new_key(store)
    await submit(store, new_task(key))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE accounts SET held = held - 1, available = available + 1")
    assert [fault.account_id for fault in await store.audit()] == [key.account_id]
