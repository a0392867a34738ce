"""Every fault of every upstream, played through: what the caller sees, what the upstream takes, how
often it was asked for a film. The table stands in fault_table.py.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager

import pytest
from fault_table import (
    CASES,
    ELSEWHERE,
    FILM,
    NOTHING,
    PERHAPS,
    PROVIDERS,
    STEPS,
    Case,
    Ending,
)
from rig import FakeStudio, OnlySeat, look, movements, submit
from upstreams import close_providers, deps_with, provider_of, routes_to, upstream_of

from filmgate.domain.errors import EngineFailed
from filmgate.domain.purchase import PurchaseState
from filmgate.media.footage import DeliveredFilm
from filmgate.ports.engine import Brief, Source, Unobserved
from filmgate.service import buy_film
from filmgate.service.cancel_task import cancel_task
from filmgate.service.close_purchases import close_purchases
from filmgate.service.produce_video import produce_video
from filmgate.testing.fake_apimart import FakeApiMart
from filmgate.testing.fake_comfyui import WORKFLOW, FakeComfyUI
from filmgate.testing.fake_dashscope import FakeDashScope
from filmgate.testing.fake_lightx2v import FakeLightX2V
from filmgate.testing.fake_openai_videos import FakeSglang, FakeVllmOmni
from filmgate.testing.film_file import film_bytes
from filmgate.testing.upstream import Fault
from kept_tasks import new_key

FAKES = (FakeDashScope, FakeApiMart, FakeVllmOmni, FakeSglang, FakeLightX2V, FakeComfyUI)
LATE_S, SILENCE_S = 2.0, 0.3
WAIT_S = 20.0
LEDGER = {"completed": ["hold", "capture"], "failed": ["hold", "release"]}


class ReadingStudio(FakeStudio):
    """A studio that reads what an upstream delivered as the real one does, and encodes nothing."""

    async def make(self, order, on_progress, on_preview):
        if order.footage_path is not None:
            await asyncio.to_thread(_read, order)
        return await super().make(order, on_progress, on_preview)


def _read(order):
    brief = Brief(
        prompt="", negative_prompt="", width_px=order.width_px, height_px=order.height_px,
        fps=order.fps, duration_s=order.duration_s, seed=1,
    )  # fmt: skip
    film = DeliveredFilm(order.footage_path, name=order.engine, source=Source.TRAINED)
    footage = film.make(brief, Unobserved())
    if sum(1 for _ in footage.frames()) != brief.frame_count:
        raise EngineFailed("the footage has another number of frames than was promised")
    footage.sound()


@pytest.fixture(autouse=True)
async def quick(monkeypatch):
    monkeypatch.setattr(buy_film, "AGAIN_S", 0.01)
    yield
    await close_providers()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.kind)
async def test_a_fault_leads_to_what_the_table_says(fake, step, store, tmp_path, database_url):
    cases = [case for case in CASES if case.told.startswith(step)]
    seen = {case.told: await played(fake, case, store, tmp_path, database_url) for case in cases}
    assert seen == {case.told: case.ending(fake.kind) for case in cases}


async def played(fake, case: Case, store, folder, database_url) -> Ending:
    """Play one case through: a task on a route to the upstream, and then to an engine of ours."""
    with misbehaving(fake, case) as upstream:
        theirs = upstream_of(provider_for(upstream, case, folder))
        routes = routes_to(theirs, then=("draft",))
        deps = await deps_with(store, folder, routes, upstream_timeout_s=case.upstream_timeout_s)
        key = await new_key(store)
        task = await submit(store, key)
        seat = OnlySeat(FakeStudio() if case.faults else ReadingStudio())
        async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
            attempt = group.create_task(produce_video(task.id, worker="w", seat=seat, deps=deps))
            if case.meanwhile:
                await until(lambda: upstream.count("look"))
            if case.meanwhile == "forgotten":
                upstream.orders.clear()
            if case.meanwhile == "cancelled":
                await cancel_task(task.id, key=key, deps=deps)
                attempt.cancel()
        if case.meanwhile == "cancelled":
            await look(database_url, "UPDATE tasks SET ended_at = ended_at - interval '1 minute'")
            await close_purchases(deps=deps)
        await close_providers()

        ended = await store.task(task.id)
        assert len(upstream.orders) <= 1, case.told
        assert await movements(database_url, task) == LEDGER.get(ended.status, LEDGER["failed"])
        return Ending(
            task=told(ended),
            charged=charged(await store.purchases(task.id)),
            submits=upstream.count("submit"),
        )


@contextmanager
def misbehaving(fake, case: Case):
    """The fake, with its film made already, as no upstream makes it while it is asked."""
    film_bytes(case.film, width_px=832, height_px=480, duration_s=5.0)
    with fake(outcome=case.outcome) as upstream:
        upstream.film_kind = case.film
        for operation, fault, times, is_taken in case.faults:
            upstream.fail(operation, fault, times=times, is_taken=is_taken)
        yield upstream


def provider_for(upstream, case: Case, folder):
    options = {}
    if upstream.kind == "lightx2v":
        options = {"mode": "text-to-video"}
    if upstream.kind == "comfyui":
        workflow = folder / "workflow.json"
        workflow.write_text(json.dumps(WORKFLOW))
        options = {"text_to_video": str(workflow)}
    hangs = any(fault is Fault.HANG for _, fault, _, _ in case.faults)
    known = gone(type(upstream)) if case.is_down else upstream
    return provider_of(known, timeout_s=SILENCE_S if hangs else LATE_S, **options)


def gone(fake):
    """The same account at a port where nobody listens any more."""
    with fake() as upstream:
        return upstream


def told(task) -> str:
    if task.status == "completed":
        return "completed" if task.engine == "theirs" else ELSEWHERE
    return task.failure.code if task.failure else task.status


def charged(purchases) -> str:
    """What the upstream takes, as the operator is told."""
    if not sum(purchase.cost_micro_usd for purchase in purchases):
        return NOTHING
    known = {PurchaseState.DELIVERED, PurchaseState.WASTED}
    return FILM if all(purchase.state in known for purchase in purchases) else PERHAPS


async def until(condition):
    while not condition():  # noqa: ASYNC110 - it is the fake's thread that changes it
        await asyncio.sleep(0.01)


def test_every_provider_stands_in_the_table_and_every_case_in_a_step():
    assert {fake.kind for fake in FAKES} == set(PROVIDERS)
    assert all(case.told.startswith(STEPS) for case in CASES)
