"""The LightX2V provider against its fake: the contract, and what its wire asks for."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import ClassVar

import pytest

from filmgate.domain.errors import ConfigError
from filmgate.domain.upstream_fault import UpstreamUnfit
from filmgate.ports.provider import Account
from filmgate.providers.lightx2v import LightX2V
from filmgate.testing.fake_lightx2v import FakeLightX2V
from filmgate.testing.provider_contract import ORDER, NoWeb, ProviderContract

PNG = b"\x89PNG\r\n\x1a\n picture"


class TestLightX2V(ProviderContract):
    fake, provider = FakeLightX2V, LightX2V
    can_reject = False
    options: ClassVar = {"mode": "text-to-video", "fields": {"infer_steps": 4}}

    async def test_only_what_the_film_needs_is_set(self):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(ORDER)
            (made,) = upstream.orders.values()
        assert made.body == {
            "task_id": ORDER.key,
            "prompt": ORDER.prompt,
            "negative_prompt": "blurry",
            "seed": 7,
            "target_video_length": 81,
            "target_fps": 16,
            "target_shape": [480, 832],
            "infer_steps": 4,
        }

    async def test_a_film_of_the_other_mode_is_not_even_asked_for(self, tmp_path):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamUnfit, match="text-to-video only"):
                    await provider.submit(replace(ORDER, image_path=tmp_path / "p.png"))
            assert not upstream.requests


class TestImages(TestLightX2V):
    options: ClassVar = {"mode": "image-to-video"}

    @pytest.fixture(autouse=True)
    def _picture(self, tmp_path):
        picture = tmp_path / "p.png"
        picture.write_bytes(PNG)
        type(self).order = replace(ORDER, image_path=picture)

    async def test_only_what_the_film_needs_is_set(self):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(self.order)
            (made,) = upstream.orders.values()
        sent = made.body["image_path"].removeprefix("data:image/png;base64,")
        assert base64.b64decode(sent) == PNG
        assert made.body["resize_mode"] == "fixed_shape"

    async def test_a_film_of_the_other_mode_is_not_even_asked_for(self):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamUnfit, match="image-to-video only"):
                    await provider.submit(ORDER)
            assert not upstream.requests


@pytest.mark.parametrize("options", [{}, {"mode": "both"}])
def test_what_it_was_started_for_must_be_said(options):
    account = Account(name="theirs", url="http://127.0.0.1", options=options)
    with pytest.raises(ConfigError, match="text-to-video or image-to-video"):
        LightX2V(account, NoWeb())
