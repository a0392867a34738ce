"""Our films in a browser as people have it: a real Chromium plays pictures and sound from the
server's own links.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from serving import ServerUnderTest, serving

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

FACTS_JS = """() => {
    const video = document.querySelector("video");
    return {
        width: video.videoWidth, height: video.videoHeight, duration: video.duration,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
        soundBytes: video.webkitAudioDecodedByteCount, error: video.error && video.error.message,
    };
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    with serving(tmp_path_factory.mktemp("playback") / "data", engine="testcard") as running:
        yield running


@pytest.fixture(scope="module")
def film(server: ServerUnderTest) -> dict[str, Any]:
    return server.ended(server.submit({"prompt": "a road", "resolution": "480p"}))


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        flags = ["--autoplay-policy=no-user-gesture-required"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser.new_page()
        browser.close()


def shown(page: Any, server: ServerUnderTest, tag: str) -> None:
    """Show one element on a page of the server's own origin, free of its policy."""
    page.route("**/player", lambda route: route.fulfill(body=tag, content_type="text/html"))
    page.goto(f"{server.facts['url']}/player")


def test_chromium_plays_a_film_to_its_end(page, server, film):
    url = film["result"]["videos"][0]["url"][0]
    shown(page, server, f'<video src="{url}" autoplay></video>')
    playing = "() => document.querySelector('video').currentTime > 1"
    page.wait_for_function(playing, timeout=60_000)

    facts = page.evaluate(FACTS_JS)
    assert facts["error"] is None
    assert (facts["width"], facts["height"]) == (832, 480)
    assert facts["duration"] == pytest.approx(5, abs=0.03)
    assert facts["frames"] > 0
    assert facts["soundBytes"] > 0

    page.evaluate("() => { document.querySelector('video').currentTime = 4.5 }")
    page.wait_for_function("() => document.querySelector('video').ended", timeout=60_000)
    assert page.evaluate(FACTS_JS)["error"] is None


def test_chromium_decodes_the_sound_that_was_written(page, server, film):
    url = film["result"]["videos"][0]["url"][0]
    shown(page, server, "<p>sound</p>")
    heard = page.evaluate(
        """async (url) => {
            const bytes = await (await fetch(url)).arrayBuffer();
            const sound = await new OfflineAudioContext(2, 1, 48000).decodeAudioData(bytes);
            const samples = sound.getChannelData(0);
            let loudest = 0;
            for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
            return {channels: sound.numberOfChannels, seconds: sound.duration, loudest};
        }""",
        url,
    )
    assert heard["channels"] == 2
    assert heard["seconds"] == pytest.approx(5, abs=0.05)
    assert heard["loudest"] == pytest.approx(0.1, abs=0.02)  # the test card's tone


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_chromium_shows_a_moving_preview(page, server, film, kind):
    token = server.http.headers["authorization"]
    page.set_extra_http_headers({"Authorization": token})
    shown(page, server, f'<img src="/v1/tasks/{film["id"]}/preview.{kind}">')
    loaded = "() => document.querySelector('img').naturalWidth === 480"
    page.wait_for_function(loaded, timeout=60_000)
    page.set_extra_http_headers({})
