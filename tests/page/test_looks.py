"""No serious barrier in any view, light and dark, phone and wide screen."""

from __future__ import annotations

from typing import Any

import pytest

from reading import Reader, token_of
from serving import ServerUnderTest

NOBODY = "http://127.0.0.1:9"
WIDE = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}
DRAWN_LAST = {
    "library": ".film-card",
    "keys": ".panel td",
    "usage": ".chart",
    "system": ".panels > .panel:last-child td",
}
"""By view what comes last: it is there once the view is whole."""
CUT_OFF = """[...document.querySelectorAll('.button, .pill, .tag, .tabs a, .figure, h1, h2, th')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
        && getComputedStyle(one).display !== 'inline')
    .map((one) => one.textContent)"""
"""Texts that do not fit into what holds them."""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def film(server: ServerUnderTest) -> dict[str, Any]:
    """A finished film and a failed one that could not be told."""
    server.ended(
        server.submit(
            {"prompt": "A film that failed [fail]", "resolution": "480p", "webhook": NOBODY}
        )
    )
    return server.ended(server.submit({"prompt": "A film to look at", "resolution": "480p"}))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.usefixtures("film")
async def test_every_view_is_without_barriers(
    read: Reader, scheme: str, size: dict[str, int]
) -> None:
    reading = await read(scheme=scheme, **size)
    page = reading.page
    found: dict[str, list[str]] = {}
    await page.get_by_text("More", exact=True).click()
    found["studio"] = await reading.barriers()
    await page.locator(".strip .film-card", has_text="A film to look at").first.click()
    await reading.film_ends()
    found["film"] = await reading.barriers()
    is_too_wide = {"studio": await page.evaluate(TOO_WIDE)}
    for name, last in DRAWN_LAST.items():
        await page.locator(f".tabs [data-view={name}]").click()
        await page.locator(last).first.wait_for()
        found[name] = await reading.barriers()
        is_too_wide[name] = await page.evaluate(TOO_WIDE)
    await reading.go("Library")
    await page.locator(".film-card", has_text="A film to look at").first.click()
    await page.get_by_role("dialog").locator("video").wait_for()
    found["look"] = await reading.barriers()
    assert {view: barriers for view, barriers in found.items() if barriers} == {}
    assert not any(is_too_wide.values()), is_too_wide


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_windows_of_keys_and_accounts_are_without_barriers(
    read: Reader, scheme: str
) -> None:
    reading = await read(scheme=scheme, **PHONE)
    await reading.go("Keys")
    page = reading.page
    found: dict[str, list[str]] = {}
    for name in ("New key", "New account", "Grant credits"):
        await page.get_by_role("button", name=name).first.click()
        await page.get_by_role("dialog").wait_for()
        found[name] = await reading.barriers()
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="detached")
    assert {window: barriers for window, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize("width", [320, 768, 1024])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.usefixtures("film")
async def test_every_text_stays_in_its_place(read: Reader, locale: str, width: int) -> None:
    reading = await read(width=width, locale=locale, is_in=False)
    page = reading.page
    await page.locator(".door input").fill(token_of(reading.server))
    await page.locator(".door form button").click()
    await page.locator(".strip .film-card", has_text="A film to look at").first.click()
    await reading.film_ends()
    is_too_wide, cut = {"studio": await page.evaluate(TOO_WIDE)}, await page.evaluate(CUT_OFF)
    for name, last in DRAWN_LAST.items():
        await page.locator(f".tabs [data-view={name}]").click()
        await page.locator(last).first.wait_for()
        is_too_wide[name] = await page.evaluate(TOO_WIDE)
        cut += await page.evaluate(CUT_OFF)
    assert not any(is_too_wide.values()), is_too_wide
    assert cut == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_door_is_without_barriers(read: Reader, scheme: str) -> None:
    reading = await read(scheme=scheme, is_in=False)
    await reading.page.get_by_label("API key").wait_for()
    assert await reading.barriers() == []


async def test_nothing_is_asked_of_any_other_host(read: Reader, server: ServerUnderTest) -> None:
    reading = await read(is_in=False)
    asked: list[str] = []
    reading.page.on("request", lambda request: asked.append(request.url))
    await reading.page.reload()
    await reading.sign_in()
    for name in ("Library", "Keys", "Usage", "System"):
        await reading.go(name)
    others = [url for url in asked if not url.startswith((server.facts["url"], "blob:"))]
    assert len(asked) > 10
    assert others == []
