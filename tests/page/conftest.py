"""A real Chromium on a real server. Screenshots of every test stand in out/page/ afterwards.

Without Chromium, or without playwright, these tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from reading import PATIENCE_MS, Reader, Reading
from serving import ServerUnderTest, serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("FILMGATE_TEST_CHROMIUM") or next(
    filter(None, map(shutil.which, NAMES)), ""
)
PICTURES = Path(__file__).parents[2] / "out" / "page"
FLAGS = ["--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-dev-shm-usage"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none."""
    why = ""
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as missing:
        why = f"{missing.name} is not installed: ./check sets it up"
    if not CHROMIUM:
        why = "no Chromium: install the package `chromium`, or set FILMGATE_TEST_CHROMIUM"
    if why:
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason=why))


ROUTES = """
[upstreams.elsewhere]
provider = "openai_videos"
url = "http://127.0.0.1:9/v1"
concurrent_max = 2
budget_usd_per_day = 10
usd_per_s = { 480p = 0.02, 720p = 0.05, 1080p = 0.1 }

[[routes]]
name = "ten seconds"
durations_s = [10]
engines = ["elsewhere", "testcard"]
"""
"""An upstream that is never there, for some of the films."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    """One server with the test card for all readers."""
    data = tmp_path_factory.mktemp("page") / "data"
    data.mkdir()
    (data / "routes.toml").write_text(ROUTES)
    with serving(data, engine="testcard", fetch_allowed="127.0.0.1") as server:
        yield server


@pytest.fixture
async def read(server: ServerUnderTest, request: pytest.FixtureRequest) -> AsyncIterator[Reader]:
    """Open the page: `reading = await read(scheme="dark", width=390, height=844)`.

    At the end each window is photographed, and must have had no fault.
    """
    from playwright.async_api import async_playwright

    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    readings: list[Reading] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=flags)

        async def opened(
            *,
            scheme: Any = "light",
            width: int = 1280,
            height: int = 900,
            locale: str = "en-US",
            is_in: bool = True,
        ) -> Reading:
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                locale=locale,
                permissions=["clipboard-read", "clipboard-write"],
            )
            context.set_default_timeout(PATIENCE_MS)
            reading = Reading(await context.new_page(), server)
            readings.append(reading)
            reading.page.on("pageerror", lambda error: reading.faults.append(str(error)))
            reading.page.on(
                "console",
                lambda said: reading.faults.append(said.text) if said.type == "error" else None,
            )
            await reading.page.goto(server.facts["url"])
            if is_in:
                await reading.sign_in()
            return reading

        yield opened
        for number, reading in enumerate(readings):
            PICTURES.mkdir(parents=True, exist_ok=True)
            name = f"{request.node.name.replace('/', '-')}-{number}.png"
            await reading.page.screenshot(path=PICTURES / name)
        await browser.close()
    faults = [f for r in readings for f in r.faults if not any(part in f for part in r.allowed)]
    assert faults == []
