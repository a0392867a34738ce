"""A body with several faults is told all of them at once, those of its URLs too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from filmgate.gateway.app import build_app
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.testing.web import FakeResolver
from gateway_room import SIMPLE, Room

WRONG = {"duration": 7, "promt": "x"}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """One that checks URLs, and resolves no name."""
    room = Room(tmp_path)
    fetcher = GuardedFetcher(FetchLimits(), AllowedHosts.parse([]), FakeResolver({}), None)
    room.deps = replace(room.deps, fetcher=fetcher)
    room.app = build_app(room.deps, room.settings, room.watch)
    return room


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/a", "http://[::1]/a", "http://10.0.0.1/a", "http://0x7f.1/a"),
        *("http://user:password@example.com/a", "http://example.com:22/a"),
    ],
)
@pytest.mark.parametrize("param", ["image_urls", "audio_url", "webhook"])
async def test_a_url_that_breaks_a_rule_is_told_with_the_other_faults(
    room: Room, param: str, url: str
) -> None:
    given = {param: [url] if param == "image_urls" else url}
    async with room.client() as client:
        answer = await client.post("/v1/videos/generations", json=SIMPLE | WRONG | given)
    assert answer.status_code == 400
    assert {one["param"] for one in answer.json()["error"]["details"]} == {
        "promt",
        "duration",
        param,
    }
    assert not room.store.kept


@pytest.mark.parametrize("value", ["http://[", "ftp://example.com/a", 5, ["http://10.0.0.1/a"] * 2])
async def test_what_is_no_url_is_told_once(room: Room, value: object) -> None:
    given = {"image_urls": value if isinstance(value, list) else [value], **WRONG}
    async with room.client() as client:
        answer = await client.post("/v1/videos/generations", json=SIMPLE | given)
    told = [one["param"] for one in answer.json()["error"]["details"]]
    assert sorted(told) == ["duration", "image_urls", "promt"]
