"""The APIMart provider against its fake: the contract, and what its wire asks for."""

from __future__ import annotations

from dataclasses import replace

from filmgate.ports.provider import ViewState
from filmgate.providers.apimart import ApiMart
from filmgate.testing.fake_apimart import FakeApiMart
from filmgate.testing.provider_contract import ORDER, ProviderContract
from filmgate.testing.upstream import Outcome


class TestApiMart(ProviderContract):
    fake, provider, key = FakeApiMart, ApiMart, FakeApiMart.key

    async def test_the_order_is_a_request_of_the_public_api(self):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(ORDER)
            (made,) = upstream.orders.values()
        assert made.key == ORDER.key
        assert made.body == {
            "model": "wan2.5-preview",
            "prompt": ORDER.prompt,
            "negative_prompt": "blurry",
            "resolution": "480p",
            "size": "16:9",
            "duration": 5,
            "seed": 7,
            "prompt_extend": False,
            "watermark": False,
        }

    async def test_the_upstream_is_told_where_to_tell_news(self):
        order = replace(ORDER, callback_url="https://films.example/v1/upstreams/task_1/token")
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(order)
            (made,) = upstream.orders.values()
        assert made.body["webhook"] == order.callback_url

    async def test_it_tells_what_the_film_cost_and_how_far_it_is(self):
        with self.upstream(seconds=60) as upstream:
            async with self.client(upstream) as provider:
                running = await provider.look(await provider.submit(ORDER))
                upstream.seconds = 0.0
                done = await self.ended(provider, next(iter(upstream.orders)))
        assert (running.state, running.progress) == (ViewState.RUNNING, 0.0)
        assert done.cost_micro_usd == 150_000

    async def test_a_sound_that_the_upstream_takes_not_is_left_to_us(self, tmp_path):
        sound = tmp_path / "sound"
        sound.write_bytes(b"RIFF")
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(replace(ORDER, sound_path=sound))
            (made,) = upstream.orders.values()
        assert "audio_url" not in made.body

    async def test_content_that_fails_their_rules_is_not_tried_elsewhere(self):
        with self.upstream(outcome=Outcome.REJECTED) as upstream:
            async with self.client(upstream) as provider:
                view = await self.ended(provider, await provider.submit(ORDER))
        assert view.is_callers_fault
