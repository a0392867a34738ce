"""A film is never bought twice, whatever dies and whatever answer is lost meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from rig import FakeStudio, OnlySeat, look, movements, submit
from test_crash_points import Fate, Mortal
from upstreams import close_providers, deps_with, provider_of, routes_to, upstream_of
from workshop_floor import until

from filmgate.domain.purchase import PurchaseState
from filmgate.service import buy_film
from filmgate.service.cancel_task import cancel_task
from filmgate.service.close_purchases import close_purchases
from filmgate.service.produce_video import produce_video
from filmgate.service.sweep import sweep
from filmgate.testing.fake_apimart import FakeApiMart
from filmgate.testing.fake_dashscope import FakeDashScope
from filmgate.testing.fake_openai_videos import FakeVllmOmni
from filmgate.testing.provider_contract import ORDER
from filmgate.testing.upstream import Fault, Outcome
from kept_tasks import new_key

POINTS_MAX = 200
COMPLETED, FAILED = ["hold", "capture"], ["hold", "release"]


@pytest.fixture(autouse=True)
async def quick(monkeypatch):
    """Ask again at once; close what was opened."""
    monkeypatch.setattr(buy_film, "AGAIN_S", 0.01)
    yield
    await close_providers()


async def attempt(task, deps, *, worker="w", studio=None):
    studio = studio or FakeStudio()
    await produce_video(task.id, worker=worker, seat=OnlySeat(studio), deps=deps)
    return await deps.store.task(task.id)


async def recovered(task, deps, url):
    """What the next worker makes of it, once the first one's lease is over."""
    await look(url, "UPDATE tasks SET lease_until = now() - interval '1 second'"
               " WHERE lease_until IS NOT NULL")  # fmt: skip
    await sweep(deps=deps)
    return await attempt(task, deps, worker="next")


@pytest.mark.parametrize("fake", [FakeDashScope, FakeApiMart])
async def test_a_death_at_any_point_of_an_order_buys_once_at_most(
    fake, store, tmp_path, database_url
):
    key = await new_key(store)
    uncertain = 0
    for point in range(1, POINTS_MAX):
        with fake() as upstream:
            fate = Fate(point)
            provider = provider_of(upstream)
            deps = await deps_with(store, tmp_path, routes_to(upstream_of(provider)))
            dying = replace(
                deps,
                store=Mortal(deps.store, fate),
                routes=routes_to(upstream_of(_mortal(provider, fate))),
            )
            task = await submit(store, key)
            try:
                await attempt(task, dying)
            except BaseException:
                if not fate.is_dead:
                    raise
            ended = await recovered(task, deps, database_url) if fate.is_dead else None
            ended = ended or await store.task(task.id)

            assert len(upstream.orders) <= 1, f"bought twice at point {point}"
            if ended.status == "failed":
                assert ended.failure.code == "upstream_uncertain", f"point {point}"
                assert await movements(database_url, task) == FAILED
                uncertain += 1
            else:
                assert ended.status == "completed", f"point {point}"
                assert len(upstream.orders) == 1
                assert await movements(database_url, task) == COMPLETED
            await close_providers()
            if not fate.is_dead:
                break
    assert point > 15, "the way has more points than that"
    if fake is FakeApiMart:
        assert uncertain == 0, "who keeps keys can be asked again"
    else:
        assert uncertain <= 4, "only between the intention and the written id may it be uncertain"


def _mortal(provider, fate):
    mortal = Mortal(provider, fate)
    mortal.keeps_keys, mortal.bills, mortal.source = (
        provider.keeps_keys,
        provider.bills,
        provider.source,
    )
    return mortal


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.GIBBERISH, Fault.BAD_GATEWAY, Fault.HANG])
async def test_an_order_whose_answer_is_lost_is_not_repeated_blindly(
    fault, store, tmp_path, database_url
):
    with FakeDashScope() as upstream:
        upstream.fail("submit", fault, is_taken=True)
        deps = await deps_with(
            store, tmp_path, routes_to(upstream_of(provider_of(upstream)), then=("draft",))
        )
        task = await submit(store, await new_key(store))
        ended = await attempt(task, deps)
        assert (ended.status, ended.failure.code) == ("failed", "upstream_uncertain")
        assert len(upstream.orders) == upstream.count("submit") == 1
        (purchase,) = await store.purchases(task.id)
    assert purchase.state is PurchaseState.UNCERTAIN
    assert purchase.cost_micro_usd == 250_000, "it may have cost that much: the operator is told"
    assert await movements(database_url, task) == FAILED


@pytest.mark.parametrize("after", [(), (Fault.BUSY,), (Fault.BAD_GATEWAY, Fault.BUSY)])
async def test_who_keeps_keys_is_asked_again_under_the_same_one(
    after, store, tmp_path, database_url
):
    with FakeApiMart() as upstream:
        upstream.fail("submit", Fault.CUT, is_taken=True)
        for fault in after:
            upstream.fail("submit", fault)
        deps = await deps_with(
            store, tmp_path, routes_to(upstream_of(provider_of(upstream)), then=("draft",))
        )
        task = await submit(store, await new_key(store))
        ended = await attempt(task, deps)
        assert (ended.status, ended.engine) == ("completed", "theirs")
        assert len(upstream.orders) == 1
    (purchase,) = await store.purchases(task.id)
    assert (purchase.state, purchase.cost_micro_usd) == (PurchaseState.DELIVERED, 150_000)


async def test_a_busy_upstream_is_passed_over(store, tmp_path):
    with FakeDashScope() as busy, FakeApiMart() as idle:
        busy.fail("submit", Fault.BUSY)
        first = upstream_of(provider_of(busy), "busy")
        second = upstream_of(provider_of(idle), "idle")
        deps = await deps_with(store, tmp_path, routes_to(first, second))
        task = await submit(store, await new_key(store))
        ended = await attempt(task, deps)
    assert (ended.status, ended.engine) == ("completed", "idle")
    assert "busy" in ended.engine_reason
    assert not busy.orders


async def test_a_failure_that_is_not_charged_goes_on_elsewhere(store, tmp_path):
    with FakeDashScope(outcome=Outcome.FAILED) as failing, FakeApiMart() as other:
        routes = routes_to(
            upstream_of(provider_of(failing), "failing"), upstream_of(provider_of(other), "other")
        )
        deps = await deps_with(store, tmp_path, routes)
        task = await submit(store, await new_key(store))
        ended = await attempt(task, deps)
    assert (ended.status, ended.engine) == ("completed", "other")
    first, second = await store.purchases(task.id)
    assert (first.state, first.cost_micro_usd) == (PurchaseState.FAILED, 0)
    assert second.state is PurchaseState.DELIVERED


async def test_what_breaks_their_rules_is_tried_nowhere_else(store, tmp_path, database_url):
    with FakeDashScope(outcome=Outcome.REJECTED) as strict, FakeApiMart() as other:
        routes = routes_to(
            upstream_of(provider_of(strict), "strict"), upstream_of(provider_of(other), "other")
        )
        deps = await deps_with(store, tmp_path, routes)
        task = await submit(store, await new_key(store))
        ended = await attempt(task, deps)
        assert not other.orders
    assert ended.failure.code == "upstream_rejected"
    assert await movements(database_url, task) == FAILED


async def test_an_outage_sells_no_drawing_and_ends(store, tmp_path, database_url):
    with FakeDashScope() as upstream:
        upstream.fail("submit", Fault.BUSY, times=1000)
        deps = await deps_with(
            store, tmp_path, routes_to(upstream_of(provider_of(upstream))), engine_wait_s=0
        )
        task = await submit(store, await new_key(store))
        ended = await attempt(task, deps)
    assert (ended.status, ended.failure.code) == ("failed", "no_engine_free")
    assert await movements(database_url, task) == FAILED


async def test_a_spent_budget_is_kept_by_all_workers(store, tmp_path):
    with FakeDashScope() as upstream:
        theirs = upstream_of(provider_of(upstream), micro_usd_per_day=600_000)
        deps = await deps_with(store, tmp_path, routes_to(theirs), engine_wait_s=0)
        key = await new_key(store)
        tasks = [await submit(store, key) for _ in range(4)]
        ended = [await attempt(task, deps) for task in tasks]
        assert [task.status for task in ended] == ["completed", "completed", "failed", "failed"]
        assert "budget" in ended[-1].failure.message
        assert len(upstream.orders) == 2


async def test_what_a_cancelled_task_ordered_is_cancelled_there(store, tmp_path, database_url):
    with FakeDashScope(outcome=Outcome.NEVER) as upstream:
        deps = await deps_with(store, tmp_path, routes_to(upstream_of(provider_of(upstream))))
        key = await new_key(store)
        task = await submit(store, key)
        claimed = await store.claim(task.id, worker="w", lease_s=60)
        assert claimed is not None
        purchase = await store.intend_purchase(
            task.id, attempt=claimed.attempt, number=1, upstream="theirs",
            cost_micro_usd=250_000, allowance=deps.routes.upstreams["theirs"].allowance,
        )  # fmt: skip
        provider = deps.routes.upstreams["theirs"].provider
        await store.record_bought(purchase, upstream_id=await provider.submit(ORDER))
        await cancel_task(task.id, key=key, deps=deps)
        await look(database_url, "UPDATE tasks SET ended_at = ended_at - interval '1 minute'")
        await close_purchases(deps=deps)
        (order,) = upstream.orders.values()
        assert order.is_cancelled
        (purchase,) = await store.purchases(task.id)
        assert (purchase.state, purchase.cost_micro_usd) == (PurchaseState.CANCELLED, 0)


@pytest.mark.parametrize("state", [PurchaseState.UNCERTAIN, PurchaseState.WASTED])
async def test_what_may_have_been_charged_is_not_ordered_again_by_a_later_attempt(
    state, store, tmp_path, database_url
):
    with FakeDashScope() as upstream:
        theirs = upstream_of(provider_of(upstream))
        deps = await deps_with(store, tmp_path, routes_to(theirs, then=("draft",)))
        task = await submit(store, await new_key(store))
        claimed = await store.claim(task.id, worker="w", lease_s=60)
        assert claimed is not None
        purchase = await store.intend_purchase(
            task.id, attempt=1, number=1, upstream="theirs", cost_micro_usd=0,
            allowance=theirs.allowance,
        )  # fmt: skip
        await store.end_purchase(purchase, state=state, detail="told by an attempt that died")
        ended = await recovered(task, deps, database_url)
        assert not upstream.orders
    assert (ended.status, ended.failure.code) == ("failed", "upstream_uncertain")


async def test_a_server_of_our_own_that_was_restarted_is_asked_again(store, tmp_path):
    with FakeVllmOmni(outcome=Outcome.NEVER) as upstream:
        deps = await deps_with(store, tmp_path, routes_to(upstream_of(provider_of(upstream))))
        task = await submit(store, await new_key(store))
        async with asyncio.TaskGroup() as group:
            making = group.create_task(attempt(task, deps))
            await until(lambda: upstream.count("look") > 2)
            upstream.outcome = Outcome.DONE
            upstream.orders.clear()
            ended = await making
        assert (ended.status, ended.engine) == ("completed", "theirs")
        assert upstream.count("submit") == 2
