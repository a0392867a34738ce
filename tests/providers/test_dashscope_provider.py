"""The DashScope provider against its fake: the contract, and what its wire asks for."""

from __future__ import annotations

import base64
from dataclasses import replace

from filmgate.providers.dashscope import DashScope
from filmgate.testing.fake_dashscope import FakeDashScope
from filmgate.testing.provider_contract import ORDER, ProviderContract

PNG = b"\x89PNG\r\n\x1a\n picture"
WAV = b"RIFF....WAVE"


class TestDashScope(ProviderContract):
    fake, provider, key = FakeDashScope, DashScope, FakeDashScope.key

    async def test_text_becomes_the_wan_models_fields(self):
        order = replace(ORDER, prompt="long " * 400, may_rewrite_prompt=True)
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(order)
            (made,) = upstream.orders.values()
        assert made.body == {
            "model": "wan2.5-t2v-preview",
            "input": {"prompt": order.prompt[:800], "negative_prompt": "blurry"},
            "parameters": {
                "size": "832*480",
                "duration": 5,
                "prompt_extend": True,
                "watermark": False,
                "seed": 7,
            },
        }

    async def test_a_picture_travels_inside_and_a_sound_by_upload(self, tmp_path):
        picture, sound = tmp_path / "p.png", tmp_path / "audio_url"
        picture.write_bytes(PNG)
        sound.write_bytes(WAV)
        order = replace(ORDER, image_path=picture, sound_path=sound)
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(order)
            (made,) = upstream.orders.values()
            given = made.body["input"]
            assert upstream.uploads[given["audio_url"]] == WAV
        assert made.body["model"] == "wan2.5-i2v-preview"
        assert base64.b64decode(given["img_url"].removeprefix("data:image/png;base64,")) == PNG
        assert made.body["parameters"]["resolution"] == "480P"
        assert "size" not in made.body["parameters"]
