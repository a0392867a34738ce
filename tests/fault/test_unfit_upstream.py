"""An upstream that makes no films of a kind: they go elsewhere at once, and it stays in use."""

from __future__ import annotations

import pytest
from rig import FakeStudio, OnlySeat, submit
from upstreams import close_providers, deps_with, provider_of, routes_to, upstream_of

from filmgate.service.produce_video import produce_video
from filmgate.testing.fake_lightx2v import FakeLightX2V
from filmgate.testing.fake_openai_videos import FakeSglang
from kept_tasks import new_key

PICTURE = "https://films.example/p.png"


@pytest.fixture(autouse=True)
async def closed():
    yield
    await close_providers()


async def attempt(task, deps):
    await produce_video(task.id, worker="w", seat=OnlySeat(FakeStudio()), deps=deps)
    return await deps.store.task(task.id)


def for_texts(fake):
    return upstream_of(provider_of(fake, mode="text-to-video"), "texts")


async def test_a_film_of_another_kind_goes_to_the_next_engine(store, tmp_path):
    with FakeLightX2V() as first, FakeSglang() as second:
        texts = for_texts(first)
        both = upstream_of(provider_of(second), "both")
        deps = await deps_with(store, tmp_path, routes_to(texts, both))
        key = await new_key(store)
        pictured = [await submit(store, key, image=PICTURE) for _ in range(6)]
        made = [(await attempt(task, deps)).engine for task in pictured]
        assert made == ["both"] * 6
        assert not first.requests
        assert not texts.breaker.is_open, "it is well"
        assert (await attempt(await submit(store, key), deps)).engine == "texts"


async def test_a_film_that_nobody_here_makes_fails_without_waiting(store, tmp_path):
    with FakeLightX2V() as upstream:
        deps = await deps_with(
            store, tmp_path, routes_to(for_texts(upstream)), engine_wait_s=86_400
        )
        task = await submit(store, await new_key(store), image=PICTURE)
        ended = await attempt(task, deps)
        (purchase,) = await store.purchases(task.id)
    assert (ended.status, ended.failure.code) == ("failed", "no_engine_free")
    assert "text-to-video only" in ended.failure.message
    assert (purchase.state, purchase.cost_micro_usd) == ("refused", 0)
