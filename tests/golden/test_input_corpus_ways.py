"""The corpus of the ways a file may come: URLs, data URIs, upload forms. Each has its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.domain.errors import InputRejected, InputUnreachable, InvalidFields
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.testing.web import FakeResolver, WebServer, redirect
from gateway_room import Room
from input_corpus import addresses, forms, pictures, sounds
from web_fixtures import BODY, HOST, names_in

CASES_MIN = 80
QUICK = FetchLimits(total_s=3, connect_s=1, read_s=0.4, retry_delay_s=0.001)
DRIP = FetchLimits(total_s=0.4, read_s=0.3, retry_delay_s=0.001)
SIZE_MAX = 100_000


def fetcher(resolver: FakeResolver, limits: FetchLimits = QUICK) -> GuardedFetcher:
    """Only the test server's own name may be private; each look-up is checked all the same."""
    allowed = AllowedHosts.parse(["127.0.0.1/32"])
    return GuardedFetcher(limits, allowed, resolver, None)


def test_the_corpus_is_large_enough() -> None:
    counts = [
        len(table)
        for table in (
            pictures.TAKEN,
            pictures.REFUSED,
            sounds.TAKEN,
            sounds.REFUSED,
            addresses.REFUSED_AT_ONCE,
            addresses.FETCHED,
            forms.DATA_URIS,
            forms.FORMS,
        )
    ]
    assert sum(counts) >= CASES_MIN


@pytest.mark.parametrize("name", addresses.REFUSED_AT_ONCE)
async def test_a_url_is_refused_at_once(name: str) -> None:
    url, word = addresses.REFUSED_AT_ONCE[name]
    resolver = FakeResolver({})
    guarded = GuardedFetcher(QUICK, AllowedHosts.parse([]), resolver, None)
    with pytest.raises(InvalidFields) as caught:
        guarded.check(url, param="audio_url")
    assert (caught.value.http_status, caught.value.param) == (400, "audio_url")
    assert caught.value.message.startswith("audio_url must be ")
    assert word in caught.value.message
    assert resolver.asked == []


@pytest.mark.parametrize("name", addresses.FETCHED)
async def test_a_url_is_fetched_or_fails_with_its_reason(name: str, tmp_path: Path) -> None:
    case = addresses.FETCHED[name]
    resolver = FakeResolver(addresses.NAMES)
    if case.later is not None:
        resolver.change(case.host, addresses.NAMES[case.host], case.later)
    guarded = fetcher(resolver, DRIP if name == "a slow drip" else QUICK)
    target = tmp_path / "input"
    async with WebServer() as web:
        for path, route in case.routes.items():
            web.route(path, route)
        url = web.url("/a", host=case.host)
        if case.code:
            with pytest.raises((InputRejected, InputUnreachable)) as caught:
                await guarded.fetch(url, target, size_bytes_max=SIZE_MAX, param="image_urls")
            failure = caught.value
            assert (failure.reason, failure.param) == (case.code, "image_urls")
            assert failure.message.startswith("image_urls must ")
            assert case.word in failure.message
            assert "127.0.0.1" not in failure.message
            assert names_in(tmp_path) == []
        else:
            await guarded.fetch(url, target, size_bytes_max=SIZE_MAX, param="image_urls")
            assert target.read_bytes() == BODY
        if case.hits is not None:
            assert len(web.requests) == case.hits


@pytest.mark.parametrize("way", ["redirect", "changed name"])
async def test_a_server_inside_is_not_even_connected_to(way: str, tmp_path: Path) -> None:
    """A real server waits at an address that is not admitted, on the very port that is asked."""
    resolver = FakeResolver({HOST: ["127.0.0.1"]})
    async with WebServer() as web, WebServer(address="127.0.0.2", port=web.port) as inside:
        inside.route("/a", addresses.FINE)
        if way == "redirect":
            web.route("/a", redirect(inside.url("/a")))
        else:
            web.route("/a", redirect(f"http://{HOST}:{web.port}/a"))
            resolver.change(HOST, ["127.0.0.1"], ["127.0.0.2"])
        with pytest.raises(InputRejected) as caught:
            await fetcher(resolver).fetch(
                web.url("/a", host=HOST),
                tmp_path / "input",
                size_bytes_max=SIZE_MAX,
                param="image_urls",
            )
        assert caught.value.reason == "input_url_refused"
        assert (len(web.requests), inside.connections) == (1, 0)


@pytest.mark.parametrize("name", forms.DATA_URIS)
async def test_a_data_uri_is_judged_at_once(name: str, tmp_path: Path) -> None:
    text, status, word = forms.DATA_URIS[name]
    room = Room(tmp_path, body_bytes_max=8 * 2**20)
    async with room.client() as client:
        answer = await client.post(
            "/v1/videos/generations",
            json={"model": "wan2.5-preview", "prompt": "x", "image_urls": [text()]},
        )
    assert answer.status_code == status, answer.text
    if status == 200:
        (asset,) = room.store.assets.values()
        assert await room.storage.head(asset.key) is not None
    else:
        error = answer.json()["error"]
        assert error["param"] == "image_urls"
        assert word in error["message"]
        assert not room.store.assets
        assert not [stored async for stored in room.storage.list_keys("")]


@pytest.mark.parametrize("name", forms.FORMS)
async def test_an_upload_is_kept_or_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    case = forms.FORMS[name]
    room = Room(tmp_path)
    async with room.client() as client:
        answer = await client.post(
            f"/v1/uploads/{case.kind}",
            content=case.body(),
            headers={"Content-Type": case.content_type},
        )
    assert answer.status_code == case.status, answer.text
    if case.status == 200:
        (asset,) = room.store.assets.values()
        assert asset.size_bytes == answer.json()["bytes"] > 0
        assert "/" not in asset.filename
    else:
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error"
        assert case.word in error["message"]
        assert not room.store.assets
        assert not [stored async for stored in room.storage.list_keys("")]
