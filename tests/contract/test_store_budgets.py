"""Budgets of keys on real PostgreSQL: exact under parallel submits, given back by releases."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from filmgate.domain.api_key import ApiKey, Budget, Spent
from filmgate.domain.errors import BudgetSpent, InsufficientCredits
from kept_tasks import PRICE, claim, done, new_key, new_task, submit


async def with_budget(store, **budget: int) -> ApiKey:
    key = replace(await new_key(store), budget=Budget(**budget))
    await store.edit_key(key)
    return key


async def spent_of(store, key: ApiKey) -> Spent:
    return (await store.spending(key_id=key.id))[key.id]


async def submit_many(store, *keys: ApiKey, count: int = 100) -> Counter[type]:
    tasks = [new_task(keys[number % len(keys)]) for number in range(count)]
    outcomes = await asyncio.gather(
        *(store.submit(task, idempotency=None, unfinished_max=1000) for task in tasks),
        return_exceptions=True,
    )
    return Counter(type(outcome) for outcome in outcomes if isinstance(outcome, Exception))


@pytest.mark.parametrize("period", ["day", "month", "total"])
async def test_a_hundred_submits_at_once_never_overspend_a_budget(store, period):
    key = await with_budget(store, **{period: 10 * PRICE + 1})
    refused = await submit_many(store, key)

    assert refused == {BudgetSpent: 90}
    assert await spent_of(store, key) == Spent(day=10 * PRICE, month=10 * PRICE, total=10 * PRICE)
    assert (await store.balance(key.account_id)).held == 10 * PRICE
    assert await store.audit() == []


async def test_two_keys_of_one_account_have_budgets_of_their_own(store):
    one, two = await with_budget(store, day=10 * PRICE), await with_budget(store, day=20 * PRICE)
    assert await submit_many(store, one, two) == {BudgetSpent: 70}
    assert (await spent_of(store, one)).day == 10 * PRICE
    assert (await spent_of(store, two)).day == 20 * PRICE


async def test_a_refused_submit_spends_nothing_of_budget_or_credits(store):
    key = await with_budget(store, total=10 * PRICE)
    await store.limit_account(key.account_id, is_limited=True)
    with pytest.raises(InsufficientCredits):
        await submit(store, new_task(key))
    assert await spent_of(store, key) == Spent()


async def test_a_refusal_says_the_price_and_what_is_left(store):
    key = await with_budget(store, day=10 * PRICE, total=PRICE + 100_000)
    await submit(store, new_task(key))
    with pytest.raises(BudgetSpent, match=r"costs \$0\.1680, .* in all are \$0\.1000"):
        await submit(store, new_task(key))


async def test_a_release_gives_back_and_a_capture_does_not(store):
    key = await with_budget(store, day=PRICE)
    waiting = await submit(store, new_task(key))
    await store.settle(waiting.cancelled(at=datetime.now(UTC)), attempt=None)
    assert await spent_of(store, key) == Spent()

    claimed = await claim(store, await submit(store, new_task(key)))
    await store.settle(done(claimed), attempt=claimed.attempt)
    assert await spent_of(store, key) == Spent(day=PRICE, month=PRICE, total=PRICE)
    with pytest.raises(BudgetSpent):
        await submit(store, new_task(key))


async def test_submits_and_releases_at_once_leave_the_exact_sum(store):
    key = await with_budget(store, total=1000 * PRICE)
    waiting = [await submit(store, new_task(key)) for _ in range(20)]
    ended = (store.settle(t.cancelled(at=datetime.now(UTC)), attempt=None) for t in waiting)
    await asyncio.gather(*ended, submit_many(store, key, count=20))
    assert (await spent_of(store, key)).total == 20 * PRICE
    assert await store.audit() == []


async def test_yesterdays_spending_leaves_todays_budget_whole(store, database_url):
    key = await with_budget(store, day=PRICE, month=PRICE, total=3 * PRICE)
    waiting = await submit(store, new_task(key))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as database:
        await database.execute(
            "UPDATE key_spending SET day = day - 40, month = month - interval '2 months'"
        )
        await database.execute(
            "UPDATE ledger_entries SET created_at = created_at - interval '40 days'"
        )
    assert await spent_of(store, key) == Spent(total=PRICE)
    await submit(store, new_task(key))
    await store.settle(waiting.cancelled(at=datetime.now(UTC)), attempt=None)
    assert await spent_of(store, key) == Spent(day=PRICE, month=PRICE, total=PRICE)


async def test_without_a_budget_spending_is_still_counted(store):
    key = await new_key(store)
    await submit(store, new_task(key))
    await store.edit_key(replace(key, budget=Budget(total=PRICE)))
    with pytest.raises(BudgetSpent):
        await submit(store, new_task(key))
