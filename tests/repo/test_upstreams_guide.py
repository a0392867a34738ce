"""The guide of upstreams: every example is read as the server would read it."""

from __future__ import annotations

import json
import re
from importlib.metadata import entry_points

import pytest

from filmgate.bootstrap.routes import UPSTREAM_FIELDS, read_routes
from filmgate.config import Settings
from filmgate.domain.purchase import PurchaseState
from filmgate.providers.comfyui_workflow import NAMES, Workflow
from filmgate.testing.fake_comfyui import IMAGE_WORKFLOW, WORKFLOW
from filmgate.testing.provider_contract import NoWeb
from repo.reference_pages import ROOT

GUIDE = (ROOT / "docs/guides/upstreams.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
FOLDER = "/etc/filmgate"


@pytest.fixture
def read(tmp_path):
    (tmp_path / "text_to_video.json").write_text(json.dumps(WORKFLOW))
    (tmp_path / "image_to_video.json").write_text(json.dumps(IMAGE_WORKFLOW))

    def read(example: str):
        (tmp_path / "routes.toml").write_text(example.replace(FOLDER, str(tmp_path)))
        keys = dict.fromkeys(re.findall(r"env:(\w+)", example), "sk-1")
        settings = Settings(data=str(tmp_path))
        return read_routes(settings, tmp_path, fetcher=NoWeb(), engines=(), environment=keys)

    return read


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("]", 1)[0].strip("["))
def test_an_example_is_taken_as_it_stands(read, example):
    assert read(example).upstreams


def test_every_provider_has_an_example(read):
    shown = {
        upstream.provider.kind for text in EXAMPLES for upstream in read(text).upstreams.values()
    }
    assert shown == {entry.name for entry in entry_points(group="filmgate.providers")}


def test_the_example_of_routes_has_every_condition(read):
    routes = [route for text in EXAMPLES for route in read(text).routes]
    for condition in ("models", "modes", "resolutions", "durations_s", "api_keys", "hours_utc"):
        assert any(getattr(route, condition) for route in routes), condition


def test_the_workflow_of_the_guide_is_one(tmp_path):
    (example,) = re.findall(r"^```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "workflow.json"
    path.write_text(example)
    assert Workflow.read(path, has_image=True).node_count == 4


def test_every_field_placeholder_and_state_is_told():
    told = set(re.findall(r"`([^`\n]+)`", GUIDE))
    assert told >= UPSTREAM_FIELDS
    assert told >= {f"{{{{{name}}}}}" for name in NAMES}
    assert told >= {state.value for state in PurchaseState}
