"""Limits, grants and usage on real PostgreSQL: nobody overspends, and erased tasks stay counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import psycopg
import pytest

from filmgate.domain.errors import InsufficientCredits
from filmgate.domain.ledger import Movement
from filmgate.domain.task import Failure
from filmgate.domain.usage import UsageFilter, UsageLine, day_boundaries
from kept_tasks import PRICE, claim, done, new_key, new_task, submit


async def finished(store, key, *, model: str = "wan2.5-preview", duration_s: int = 5):
    task = new_task(key)
    task = replace(task, generation=replace(task.generation, model=model, duration_s=duration_s))
    claimed = await claim(store, await submit(store, task))
    await store.settle(done(claimed), attempt=claimed.attempt)
    return claimed


def this_week(key, *, by_model=False, by_day=False, one_key=False) -> UsageFilter:
    today = datetime.now(UTC).date()
    return UsageFilter(
        account_id=key.account_id,
        api_key_id=key.id if one_key else None,
        boundaries=day_boundaries(today - timedelta(days=6), today, UTC),
        by_model=by_model,
        by_day=by_day,
    )


async def test_a_hundred_submits_at_once_never_overspend_a_limited_account(store):
    key = await new_key(store)
    await store.limit_account(key.account_id, is_limited=True)
    assert await store.grant(key.account_id, amount_micro_usd=10 * PRICE + 1, note="ten films")
    outcomes = await asyncio.gather(
        *(store.submit(new_task(key), idempotency=None, unfinished_max=1000) for _ in range(100)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    balance = await store.balance(key.account_id)

    assert len(refused) == 90
    assert {type(refusal) for refusal in refused} == {InsufficientCredits}
    assert "costs $0.1680, available are $0.0000" in str(refused[0])
    assert (balance.available, balance.held) == (1, 10 * PRICE)
    assert await store.audit() == []


async def test_what_is_released_can_be_spent_again(store):
    key = await new_key(store)
    await store.limit_account(key.account_id, is_limited=True)
    await store.grant(key.account_id, amount_micro_usd=PRICE, note="")
    waiting = await submit(store, new_task(key))
    with pytest.raises(InsufficientCredits):
        await submit(store, new_task(key))
    await store.settle(waiting.cancelled(at=datetime.now(UTC)), attempt=None)
    await submit(store, new_task(key))


async def test_no_more_is_taken_back_than_a_limited_account_has(store):
    key = await new_key(store)
    await store.limit_account(key.account_id, is_limited=True)
    await store.grant(key.account_id, amount_micro_usd=500, note="start")

    assert not await store.grant(key.account_id, amount_micro_usd=-501, note="too much")
    assert await store.grant(key.account_id, amount_micro_usd=-500, note="all")
    entries = await store.entries(key.account_id, limit=10)
    assert [(e.movement, e.amount_micro_usd, e.note) for e in entries] == [
        (Movement.GRANT, -500, "all"),
        (Movement.GRANT, 500, "start"),
    ]
    assert await store.audit() == []


async def test_accounts_are_found_by_name_and_by_id(store):
    key = await new_key(store, "films")
    await new_key(store, "films")
    await new_key(store, "other")
    by_name = await store.accounts(sought="films")

    assert [account.id for account in by_name] == [key.account_id]
    assert by_name == await store.accounts(sought=key.account_id)
    assert by_name[0].usable_keys == 2
    assert [account.name for account in await store.accounts()] == ["films", "other"]


async def test_usage_counts_finished_videos_alone(store):
    key = await new_key(store)
    await finished(store, key)
    failed = await claim(store, await submit(store, new_task(key)))
    failure = Failure(code="engine_failed", message="no")
    await store.settle(
        failed.failed(attempt=failed.attempt, failure=failure, at=datetime.now(UTC)),
        attempt=failed.attempt,
    )
    cancelled = await submit(store, new_task(key))
    await store.settle(cancelled.cancelled(at=datetime.now(UTC)), attempt=None)
    await submit(store, new_task(key))

    assert await store.usage(this_week(key)) == [
        UsageLine(model=None, day_index=None, requests=1, seconds=5, amount_micro_usd=PRICE)
    ]
    assert await store.captured_by_key(key.id) == PRICE


async def test_usage_tells_keys_models_and_days_apart(store, database_url):
    key, other_key = await new_key(store), await new_key(store)
    stranger = await new_key(store, "stranger")
    earlier = await finished(store, key, duration_s=10)
    await finished(store, key, model="another")
    await finished(store, other_key)
    await finished(store, stranger)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE ledger_entries SET created_at = created_at - interval '3 days'"
            " WHERE task_id = %s",
            (earlier.id,),
        )
    lines = await store.usage(this_week(key, by_model=True, by_day=True, one_key=True))
    whole = await store.usage(this_week(key))

    assert [(line.day_index, line.model, line.seconds) for line in lines] == [
        (3, "wan2.5-preview", 10),
        (6, "another", 5),
    ]
    assert [(line.requests, line.seconds) for line in whole] == [(3, 20)]


async def test_usage_outlives_erased_and_forgotten_tasks(store):
    key = await new_key(store)
    erased, forgotten = await finished(store, key), await finished(store, key)
    await store.erase_task(erased.id, at=datetime.now(UTC))
    for task in (erased, forgotten):
        await store.forget_asset(f"results/{task.id}/{task.attempt}/film.mp4")
    await store.forget_tasks(ended_before=datetime.now(UTC) + timedelta(days=1), limit=10)

    assert await store.task(erased.id) is None
    assert await store.task(forgotten.id) is None
    assert await store.usage(this_week(key, by_model=True, one_key=True)) == [
        UsageLine(
            model="wan2.5-preview",
            day_index=None,
            requests=2,
            seconds=10,
            amount_micro_usd=2 * PRICE,
        )
    ]


async def test_a_video_belongs_to_the_day_on_which_it_was_finished_to_the_microsecond(
    store, database_url
):
    key = await new_key(store)
    task = await finished(store, key)
    wanted = this_week(key, by_day=True)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for moment, days in (
            (wanted.boundaries[0] - timedelta(microseconds=1), []),
            (wanted.boundaries[0], [0]),
            (wanted.boundaries[1] - timedelta(microseconds=1), [0]),
            (wanted.boundaries[1], [1]),
            (wanted.boundaries[7] - timedelta(microseconds=1), [6]),
            (wanted.boundaries[7], []),
        ):
            await connection.execute(
                "UPDATE ledger_entries SET created_at = %s WHERE task_id = %s", (moment, task.id)
            )
            assert [line.day_index for line in await store.usage(wanted)] == days


async def test_entries_from_before_the_upgrade_are_told_what_their_tasks_know(store, database_url):
    key = await new_key(store)
    await finished(store, key)
    script = files("filmgate.store").joinpath("migrations", "0005_usage.sql").read_text("utf-8")
    (backfill,) = [part for part in script.split(";") if part.strip().startswith("UPDATE")]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "UPDATE ledger_entries SET model = NULL, api_key_id = NULL, seconds = NULL"
        )
        assert await store.captured_by_key(key.id) == 0
        await connection.execute(backfill)
    lines = await store.usage(this_week(key, by_model=True, one_key=True))
    assert [(line.model, line.requests, line.seconds) for line in lines] == [
        ("wan2.5-preview", 1, 5)
    ]
