"""The provider of /v1/videos against fakes of both servers: the contract, and their wire."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from filmgate.domain.upstream_fault import UpstreamRefused
from filmgate.providers.openai_videos import OpenAIVideos
from filmgate.testing.fake_openai_videos import FakeSglang, FakeVllmOmni
from filmgate.testing.provider_contract import ORDER, ProviderContract

PNG = b"\x89PNG\r\n\x1a\n picture"


class TestVllmOmni(ProviderContract):
    fake, provider = FakeVllmOmni, OpenAIVideos
    can_reject = False

    async def test_one_form_says_it_all(self, tmp_path):
        picture = tmp_path / "p.png"
        picture.write_bytes(PNG)
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(replace(ORDER, image_path=picture))
            (made,) = upstream.orders.values()
        assert made.body == {
            "prompt": ORDER.prompt,
            "negative_prompt": "blurry",
            "size": "832x480",
            "seconds": "5",
            "fps": "24",
            "num_frames": "121",
            "seed": "7",
            "input_reference": PNG,
        }


class TestSglang(ProviderContract):
    fake, provider = FakeSglang, OpenAIVideos
    can_reject = False
    options: ClassVar = {
        "fps": 16,
        "fields": {"num_inference_steps": 4, "guidance_scale": 1.0},
        "extra_params": {"auto_duration": False},
        "rename": {"seconds": "seconds", "negative_prompt": ""},
    }

    async def test_the_operators_fields_go_along_and_names_can_be_changed(self):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(ORDER)
            (made,) = upstream.orders.values()
        assert made.body["num_inference_steps"] == "4"
        assert made.body["extra_params"] == '{"auto_duration": false}'
        assert made.body["num_frames"] == "81"
        assert "negative_prompt" not in made.body


class TestServedModel:
    async def test_another_model_than_the_served_one_is_the_operators_business(self):
        contract = TestVllmOmni()
        contract.options = {"model": "another"}
        with contract.upstream() as upstream:
            async with contract.client(upstream) as provider:
                with pytest.raises(UpstreamRefused, match="Model mismatch"):
                    await provider.submit(ORDER)
