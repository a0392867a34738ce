"""Signing in and out, and what the browser may know of the key."""

from __future__ import annotations

from pathlib import Path

from reading import Reader, token_of
from serving import ServerUnderTest


async def test_the_key_is_nowhere_in_the_browser_once_it_is_in(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    token, page = token_of(server), reading.page
    (cookie,) = await page.context.cookies()
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Strict"
    assert token not in cookie["value"]
    assert await page.evaluate("document.cookie") == ""
    kept = await page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href])")
    assert token not in kept
    assert token not in await page.content()


async def test_a_wrong_key_is_told_and_does_not_open(read: Reader) -> None:
    reading = await read(is_in=False)
    reading.allowed = ("401",)
    await reading.page.get_by_label("API key").fill("fg_wrong")
    await reading.page.get_by_role("button", name="Sign in").click()
    await reading.page.get_by_role("alert").get_by_text("This key is not valid.").wait_for()
    assert await reading.page.context.cookies() == []


async def test_one_comes_in_and_moves_about_by_keyboard_alone(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read(is_in=False)
    keyboard, page = reading.page.keyboard, reading.page
    await page.get_by_label("API key").wait_for()
    await keyboard.type(token_of(server))
    await keyboard.press("Enter")
    await page.get_by_role("button", name="Make the film").wait_for()
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.get_by_label("480p", exact=True).focus()
    await keyboard.press("ArrowRight")
    assert await page.get_by_label("720p", exact=True).is_checked()
    await page.get_by_role("button", name="Copy as code").press("Enter")
    await page.get_by_role("dialog", name="Copy as code").wait_for()
    await keyboard.press("Escape")
    assert await page.get_by_role("dialog").count() == 0
    focused = await page.evaluate("document.activeElement.textContent")
    assert focused == "Copy as code"


async def test_signing_out_ends_the_session_on_the_server_too(read: Reader) -> None:
    reading = await read()
    reading.allowed = ("401",)
    page = reading.page
    cookies = await page.context.cookies()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("API key").wait_for()
    await page.context.add_cookies(cookies)
    assert await page.evaluate("fetch('/v1/tasks').then((answer) => answer.status)") == 401


async def test_the_page_speaks_the_browsers_language_and_the_one_that_is_chosen(
    read: Reader,
) -> None:
    reading = await read(locale="zh-CN", is_in=False)
    await reading.page.get_by_role("button", name="登录").wait_for()
    assert await reading.page.evaluate("document.documentElement.lang") == "zh-Hans"
    await reading.page.locator(".language").select_option("en")
    await reading.page.get_by_role("button", name="Sign in").wait_for()
    await reading.page.reload()
    await reading.page.get_by_role("button", name="Sign in").wait_for()


async def test_another_page_cannot_act_with_the_session(read: Reader, tmp_path: Path) -> None:
    reading = await read()
    reading.allowed = ("403",)
    answer = await reading.page.evaluate(
        "fetch('/v1/session', {method: 'DELETE'}).then((answer) => answer.status)"
    )
    assert answer == 403
    still = await reading.page.evaluate("fetch('/v1/tasks').then((answer) => answer.status)")
    assert still == 200
