"""Webhook deliveries on real PostgreSQL: made by the settlement, claimed, recorded, made again."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from filmgate.domain.errors import LeaseLost
from filmgate.domain.task import Failure
from filmgate.domain.webhook import Delivery, DeliveryState, Try, Verdict
from filmgate.ports.webhook import DeliveryFilter, SealedSecret
from kept_tasks import claim, done, new_key, new_task, now, submit

HOOK = "https://Hooks.example/films"
DELIVERED = Verdict(state=DeliveryState.DELIVERED)
FAILED = Verdict(state=DeliveryState.FAILED)


async def ended(store, key, *, webhook: str | None = HOOK, failure: str | None = None):
    task = new_task(key)
    task = replace(task, generation=replace(task.generation, webhook=webhook))
    claimed = await claim(store, await submit(store, task))
    if failure is not None:
        outcome = claimed.failed(
            attempt=claimed.attempt, failure=Failure(code=failure, message="no"), at=now()
        )
    else:
        outcome = done(claimed)
    await store.settle(outcome, attempt=claimed.attempt)
    return claimed


async def take(store, *, limit: int = 10, receiver_max: int = 2, lease_s: float = 30):
    return await store.claim_deliveries(limit=limit, receiver_max=receiver_max, lease_s=lease_s)


def tried(delivery: Delivery, status: int | None = 200) -> Try:
    return Try(number=delivery.attempts, at=now(), status=status, error=None, took_ms=5)


async def deliveries(store, **wanted) -> list[Delivery]:
    return await store.deliveries(DeliveryFilter(**wanted))


async def test_an_ending_makes_one_delivery_and_a_cancellation_none(store):
    key = await new_key(store)
    completed = await ended(store, key)
    failed = await ended(store, key, failure="engine_failed")
    await ended(store, key, webhook=None)
    task = new_task(key)
    task = replace(task, generation=replace(task.generation, webhook=HOOK))
    waiting = await submit(store, task)
    await store.settle(waiting.cancelled(at=now()), attempt=None)
    with pytest.raises(LeaseLost):
        await store.settle(done(completed), attempt=completed.attempt)

    made = await deliveries(store)
    assert {d.task_id for d in made} == {completed.id, failed.id}
    assert {d.id for d in made} == {f"whd_{d.task_id.removeprefix('task_')}" for d in made}
    assert {d.url for d in made} == {HOOK + "/callback"}
    assert {(d.state, d.attempts, d.account_id) for d in made} == {("pending", 0, key.account_id)}


async def test_a_claimed_delivery_is_nobody_elses_until_its_lease_ends(store):
    await ended(store, await new_key(store))
    claims = await asyncio.gather(*(take(store) for _ in range(6)))
    assert sorted(map(len, claims)) == [0, 0, 0, 0, 0, 1]
    assert await take(store) == []
    seconds = await store.seconds_to_delivery()
    assert 20 < seconds <= 30


async def test_a_delivery_whose_worker_died_is_made_again_and_the_dead_one_writes_nothing(store):
    await ended(store, await new_key(store))
    [dead] = await take(store, lease_s=0)
    [alive] = await take(store)
    assert (dead.id, dead.attempts, alive.attempts) == (alive.id, 1, 2)
    assert not await store.record_try(dead.id, tried=tried(dead), verdict=DELIVERED)
    assert await store.record_try(alive.id, tried=tried(alive), verdict=DELIVERED)
    assert not await store.record_try(alive.id, tried=tried(alive), verdict=FAILED)

    [kept] = await deliveries(store)
    assert kept.state is DeliveryState.DELIVERED
    assert kept.delivered_at is not None
    assert [t.number for t in kept.log] == [2]


async def test_one_receiver_gets_two_at_a_time_over_all_workers(store):
    key = await new_key(store)
    for _ in range(5):
        await ended(store, key)
    other = await ended(store, key, webhook="http://other.example:8080/x")
    first, second = await asyncio.gather(take(store), take(store))
    taken = first + second
    assert sum(d.url.startswith("https://Hooks") for d in taken) == 2
    assert other.id in {d.task_id for d in taken}
    assert await take(store) == []
    busy = next(d for d in taken if d.url.startswith("https://Hooks"))
    await store.record_try(busy.id, tried=tried(busy), verdict=DELIVERED)
    assert len(await take(store)) == 1


async def test_a_long_backlog_of_one_receiver_does_not_hide_the_others(store, database_url):
    key = await new_key(store)
    await ended(store, key)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO webhook_deliveries"
            " (id, task_id, account_id, api_key_id, base_url, next_at)"
            " SELECT 'whd_x' || n, task_id, account_id, api_key_id, base_url,"
            " now() - interval '1 hour' FROM webhook_deliveries, generate_series(1, 20000) n"
        )
        await connection.execute("ANALYZE webhook_deliveries")
    other = await ended(store, key, webhook="https://zzz.example")
    taken = await take(store, limit=16)
    assert other.id in {d.task_id for d in taken}
    assert len(taken) == 3


async def test_a_failed_attempt_is_due_again_after_its_wait(store):
    await ended(store, await new_key(store))
    [first] = await take(store)
    later = Verdict(state=DeliveryState.PENDING, retry_in_s=60)
    await store.record_try(first.id, tried=tried(first, 500), verdict=later)
    assert await take(store) == []
    assert 50 < await store.seconds_to_delivery() <= 60

    [kept] = await deliveries(store)
    assert (kept.last_status, kept.state, kept.log[0].status) == (500, "pending", 500)


async def test_the_body_is_frozen_by_the_first_attempt(store):
    await ended(store, await new_key(store))
    [first] = await take(store, lease_s=0)
    assert first.body is None
    assert await store.freeze_body(first.id, body=b'{"a":1}') == b'{"a":1}'
    assert await store.freeze_body(first.id, body=b'{"a":2}') == b'{"a":1}'
    [again] = await take(store)
    assert again.body == b'{"a":1}'


async def test_redelivery_starts_a_new_round_under_the_same_id(store):
    await ended(store, await new_key(store))
    [first] = await take(store)
    await store.record_try(first.id, tried=tried(first, 404), verdict=FAILED)
    assert await store.seconds_to_delivery() is None
    assert (await store.redeliver(first.id)).state is DeliveryState.PENDING
    [again] = await take(store)
    assert (again.id, again.attempts, again.round_attempts) == (first.id, 2, 1)
    assert await store.redeliver("whd_nothing") is None


async def test_the_log_of_a_delivery_is_bounded(store):
    await ended(store, await new_key(store))
    for _ in range(25):
        [attempt] = await take(store, lease_s=0)
        verdict = Verdict(state=DeliveryState.PENDING, retry_in_s=0)
        assert await store.record_try(attempt.id, tried=tried(attempt, 500), verdict=verdict)
    [kept] = await deliveries(store)
    assert [t.number for t in kept.log] == list(range(25, 5, -1))


async def test_deliveries_are_listed_newest_first_and_by_owner(store):
    key, other = await new_key(store), await new_key(store, "other")
    mine = [await ended(store, key) for _ in range(3)]
    theirs = await ended(store, other)
    listed = await deliveries(store, account_id=key.account_id)
    assert [d.id for d in listed] == sorted((d.id for d in listed), reverse=True)
    assert {d.task_id for d in listed} == {t.id for t in mine}
    assert len(await deliveries(store)) == 4
    assert [d.task_id for d in await deliveries(store, task_id=theirs.id)] == [theirs.id]
    assert await deliveries(store, state=DeliveryState.FAILED) == []
    assert [d.id for d in await deliveries(store, before=listed[1].id, limit=1)] == [listed[2].id]


async def test_an_erased_task_takes_its_deliveries_along(store):
    task = await ended(store, await new_key(store))
    [claimed] = await take(store)
    await store.erase_task(task.id, at=now())
    assert await deliveries(store) == []
    assert await store.freeze_body(claimed.id, body=b"{}") is None
    assert not await store.record_try(claimed.id, tried=tried(claimed), verdict=DELIVERED)


async def test_new_deliveries_are_told(store):
    key = await new_key(store)
    heard = store.new_deliveries()
    await anext(heard)
    task = await ended(store, key)
    async with asyncio.timeout(10):
        await anext(heard)
    await store.redeliver(f"whd_{task.id.removeprefix('task_')}")
    async with asyncio.timeout(10):
        await anext(heard)
    await heard.aclose()


async def test_a_secret_is_kept_once_and_rotated_with_overlap(store):
    key = await new_key(store)
    at = datetime.now(UTC)
    drawn = [SealedSecret(sealed=os.urandom(8), created_at=at) for _ in range(3)]
    assert await store.webhook_secret(key.id) is None
    kept = await asyncio.gather(*(store.keep_webhook_secret(key.id, d) for d in drawn))
    assert len({k.sealed for k in kept}) == 1

    until = at + timedelta(hours=24)
    new = SealedSecret(sealed=b"new", created_at=at, previous_until=until)
    rotated = await store.rotate_webhook_secret(key.id, new)
    assert rotated == await store.webhook_secret(key.id)
    assert (rotated.sealed, rotated.previous_sealed) == (b"new", kept[0].sealed)
    assert rotated.previous_until == until
