"""An order whose task ends while the upstream is still answering: its id is written down all the
same, and it is cancelled there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from rig import FakeStudio, OnlySeat, look, submit
from upstreams import close_providers, deps_with, provider_of, routes_to, upstream_of
from workshop_floor import until

from filmgate.domain.purchase import PurchaseState
from filmgate.service.cancel_task import cancel_task
from filmgate.service.close_purchases import close_purchases
from filmgate.service.produce_video import produce_video
from filmgate.testing.fake_dashscope import FakeDashScope
from filmgate.testing.provider_contract import ORDER
from filmgate.testing.upstream import Fault, Outcome
from kept_tasks import new_key


@pytest.fixture(autouse=True)
async def closed():
    yield
    await close_providers()


async def test_an_id_that_comes_after_the_cancellation_is_kept_and_its_order_cancelled(
    store, tmp_path, database_url
):
    with FakeDashScope(outcome=Outcome.NEVER) as upstream:
        upstream.fail("submit", Fault.LATE)
        deps = await deps_with(store, tmp_path, routes_to(upstream_of(provider_of(upstream))))
        key = await new_key(store)
        task = await submit(store, key)
        async with asyncio.TaskGroup() as group:
            attempt = group.create_task(
                produce_video(task.id, worker="w", seat=OnlySeat(FakeStudio()), deps=deps)
            )
            await until(lambda: upstream.count("submit"))
            await cancel_task(task.id, key=key, deps=deps)
            attempt.cancel()
            with suppress(asyncio.CancelledError):
                await attempt
        (order,) = upstream.orders.values()
        (purchase,) = await store.purchases(task.id)
        assert (purchase.state, purchase.upstream_id) == (PurchaseState.BOUGHT, order.id)

        await look(database_url, "UPDATE tasks SET ended_at = ended_at - interval '1 minute'")
        await close_purchases(deps=deps)
        assert order.is_cancelled
        (purchase,) = await store.purchases(task.id)
        assert (purchase.state, purchase.cost_micro_usd) == (PurchaseState.CANCELLED, 0)


async def test_an_id_that_comes_after_its_order_was_given_up_opens_it_again(
    store, tmp_path, database_url
):
    with FakeDashScope(outcome=Outcome.NEVER) as upstream:
        theirs = upstream_of(provider_of(upstream))
        deps = await deps_with(store, tmp_path, routes_to(theirs))
        key = await new_key(store)
        task = await submit(store, key)
        await store.claim(task.id, worker="w", lease_s=60)
        purchase = await store.intend_purchase(
            task.id, attempt=1, number=1, upstream="theirs", cost_micro_usd=250_000,
            allowance=theirs.allowance,
        )  # fmt: skip
        await cancel_task(task.id, key=key, deps=deps)
        await look(database_url, "UPDATE tasks SET ended_at = ended_at - interval '1 hour'")
        await look(database_url, "UPDATE purchases SET intended_at = now() - interval '1 hour'")
        await close_purchases(deps=deps)
        (given_up,) = await store.purchases(task.id)
        assert given_up.state is PurchaseState.UNCERTAIN

        late = await store.record_bought(purchase, upstream_id=await theirs.provider.submit(ORDER))
        assert (late.state, late.ended_at) == (PurchaseState.BOUGHT, None)
        await close_purchases(deps=deps)
        (order,) = upstream.cancelled
        (purchase,) = await store.purchases(task.id)
    assert purchase.upstream_id == order.id
    assert (purchase.state, purchase.cost_micro_usd) == (PurchaseState.CANCELLED, 0)
