"""The ComfyUI provider against its fake: the contract, its workflows, and its WebSocket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from filmgate.domain.errors import ConfigError
from filmgate.domain.upstream_fault import UpstreamRefused, UpstreamUnfit
from filmgate.ports.provider import Account, ViewState
from filmgate.providers.comfyui import ComfyUI
from filmgate.providers.comfyui_workflow import Workflow
from filmgate.testing.fake_comfyui import IMAGE_WORKFLOW, WORKFLOW, FakeComfyUI
from filmgate.testing.provider_contract import ORDER, NoWeb, ProviderContract
from filmgate.testing.upstream import Outcome

PNG = b"\x89PNG\r\n\x1a\n picture"
PROMPT = 'She said "{{seed}}" \\ and left'


def written(path, workflow):
    path.write_text(json.dumps(workflow))
    return str(path)


class TestComfyUI(ProviderContract):
    fake, provider = FakeComfyUI, ComfyUI
    can_reject = False

    @pytest.fixture(autouse=True)
    def _workflows(self, tmp_path):
        self.options = {
            "text_to_video": written(tmp_path / "text.json", WORKFLOW),
            "image_to_video": written(tmp_path / "image.json", IMAGE_WORKFLOW),
        }

    async def test_the_workflow_is_filled_and_numbers_stay_numbers(self):
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(replace(ORDER, prompt=PROMPT))
            (made,) = upstream.orders.values()
        nodes = made.body["prompt"]
        assert nodes["1"]["inputs"]["text"] == PROMPT + ", film grain", "filled once, never again"
        assert nodes["2"]["inputs"]["text"] == "blurry"
        assert nodes["3"]["inputs"] == {"width": 832, "height": 480, "length": 81}
        assert nodes["4"]["inputs"] == {"seed": 7, "latent_image": ["3", 0]}
        assert nodes["6"]["inputs"]["filename_prefix"] == ORDER.key

    async def test_a_picture_is_uploaded_and_named(self, tmp_path):
        picture = tmp_path / "p.png"
        picture.write_bytes(PNG)
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                await provider.submit(replace(ORDER, image_path=picture))
            (made,) = upstream.orders.values()
        assert upstream.uploads[made.body["prompt"]["7"]["inputs"]["image"]] == PNG

    async def test_its_websocket_tells_how_far_a_film_is(self):
        pytest.importorskip("websockets")
        with self.upstream(outcome=Outcome.NEVER) as upstream:
            async with self.client(upstream) as provider:
                unheard = await provider.submit(ORDER)
                await until(lambda: upstream.listeners)
                await provider.cancel(unheard)
                upstream_id = await provider.submit(ORDER)
                for _ in range(1000):
                    if (view := await provider.look(upstream_id)).progress == 3.5 / 6:
                        break
                else:
                    raise AssertionError(f"it says {view}")
        assert view.state is ViewState.RUNNING

    async def test_one_that_waits_is_taken_out_of_the_queue_and_the_running_one_stays(self):
        with self.upstream(outcome=Outcome.NEVER) as upstream:
            async with self.client(upstream) as provider:
                first, second = await provider.submit(ORDER), await provider.submit(ORDER)
                assert (await provider.look(second)).state is ViewState.WAITING
                assert await provider.cancel(second)
                assert (await provider.look(second)).state is ViewState.LOST
                assert (await provider.look(first)).state is ViewState.RUNNING
                assert not await provider.cancel(second)

    async def test_what_a_node_misses_is_the_operators_business(self, tmp_path):
        broken = {**WORKFLOW, "4": {"class_type": "KSampler", "inputs": {"seed": "a{{seed}}"}}}
        self.options = {"text_to_video": written(tmp_path / "text.json", broken)}
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamRefused, match="failed validation"):
                    await provider.submit(ORDER)

    async def test_a_workflow_that_saves_no_film_has_failed(self, monkeypatch):
        with self.upstream() as upstream:
            monkeypatch.setattr(upstream, "_ending", lambda order: {
                "outputs": {"6": {"images": [{"filename": "a.png", "type": "output"}]}},
                "status": {"status_str": "success"},
            })  # fmt: skip
            async with self.client(upstream) as provider:
                view = await self.ended(provider, await provider.submit(ORDER))
        assert (view.state, view.message) == (ViewState.FAILED, "its workflow saved no film")

    async def test_a_mode_without_a_workflow_is_not_even_asked_for(self, tmp_path):
        self.options = {"text_to_video": self.options["text_to_video"]}
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamUnfit, match="image_to_video"):
                    await provider.submit(replace(ORDER, image_path=tmp_path / "p.png"))
            assert not upstream.requests


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it is the fake's thread that changes it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("workflow", "has_image", "rule"),
    [
        ("{", False, "cannot be read"),
        ({}, False, "Export"),
        ({"nodes": [], "links": []}, False, "Export"),
        ({"1": {"class_type": "A", "inputs": {"text": "{{prompt}}"}}}, False, "{{seed}}"),
        (WORKFLOW, True, "{{image}}"),
        (IMAGE_WORKFLOW, False, "image-to-video"),
        ({**WORKFLOW, "9": {"class_type": "A", "inputs": {"a": "{{sedd}}"}}}, False, "{{sedd}}"),
    ],
)
def test_a_workflow_that_cannot_serve_is_refused_at_the_start(tmp_path, workflow, has_image, rule):
    path = tmp_path / "workflow.json"
    path.write_text(workflow if isinstance(workflow, str) else json.dumps(workflow))
    with pytest.raises(ConfigError) as refused:
        Workflow.read(path, has_image=has_image)
    assert rule in refused.value.message
    assert str(path) in refused.value.message


def test_a_comfyui_without_a_workflow_is_refused():
    with pytest.raises(ConfigError, match="text_to_video or image_to_video"):
        ComfyUI(Account(name="theirs", url="http://127.0.0.1"), NoWeb())
