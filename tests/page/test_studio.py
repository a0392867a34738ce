"""The studio: what the form allows and tells, and a film from click to playing."""

from __future__ import annotations

import re
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from reading import Reader
from serving import ServerUnderTest

PLAYS = "document.querySelector('.screen video')?.currentTime > 0.3"


async def test_a_film_is_followed_from_click_to_playing(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    page = reading.page
    assert await page.locator(".price strong").text_content() == "$0.332"
    await reading.make("A lighthouse at dusk [steady]")
    assert await page.locator(".price strong").text_content() == "$0.168"
    await page.locator(".steps .now", has_text="Filming").wait_for()
    await page.get_by_alt_text("A frame of the film in the making").wait_for()
    await reading.until("document.querySelector('.below progress')?.value > 10")
    await reading.film_ends()
    await reading.until(PLAYS)
    (newest, *_) = server.http.get("/v1/tasks").json()["data"]
    assert newest["orig_prompt"] == "A lighthouse at dusk [steady]"
    assert newest["cost"] == 0.168
    facts = await page.locator(".facts").inner_text()
    assert str(newest["seed"]) in facts
    assert "480p · 832×480" in facts


async def test_it_is_said_why_an_engine_made_a_film(read: Reader, server: ServerUnderTest) -> None:
    only = server.submit({"prompt": "By the only one", "resolution": "480p"})
    other = server.submit({"prompt": "By another one", "resolution": "480p", "duration": 10})
    server.ended(only)
    assert server.ended(other)["engine_reason"].startswith("those before it")
    page = (await read()).page
    fact = page.locator(".fact-engine")
    await page.locator(".strip .film-card", has_text="By the only one").click()
    await fact.get_by_text("the only one on its route").wait_for()
    await page.locator(".strip .film-card", has_text="By another one").click()
    await fact.get_by_text("those before it in elsewhere, testcard did not take it").wait_for()
    await page.get_by_label("Language", exact=True).select_option("zh")
    await page.locator(".strip .film-card", has_text="By another one").click()
    await fact.get_by_text("elsewhere, testcard 中排在前面的均未接受").wait_for()
    assert "testcard" in await fact.locator("dd").first.inner_text()


async def test_a_first_visit_offers_ideas_that_need_one_click(read: Reader) -> None:
    page = (await read()).page
    await page.get_by_text("Your film will appear here.").wait_for()
    ideas = page.locator(".chips button")
    assert await ideas.count() >= 3
    await ideas.first.click()
    prompt = page.get_by_label("What the film shows")
    assert await prompt.input_value() == await ideas.first.inner_text()


async def test_the_form_offers_what_the_resolution_allows(read: Reader) -> None:
    page = (await read()).page
    await page.get_by_label("4:3").check()
    await page.get_by_label("480p", exact=True).check()
    assert await page.get_by_label("4:3").is_disabled()
    assert await page.get_by_label("16:9").is_checked()
    assert "832×480" in await page.locator(".price").inner_text()
    await page.get_by_label("10 s").check()
    assert await page.locator(".price strong").text_content() == "$0.336"


async def test_a_picture_shows_what_will_be_cut_off_and_sets_the_size(
    read: Reader, tmp_path: Path
) -> None:
    reading = await read()
    page, picture = reading.page, tmp_path / "wide.png"
    Image.new("RGB", (1600, 400), (30, 90, 160)).save(picture)
    await page.get_by_label("480p", exact=True).check()
    await page.get_by_label("Start from a picture").set_input_files(picture)
    said = page.get_by_text("24.6 % of the picture are cut off")
    wanted = re.search(r"(\d+×\d+)", await said.inner_text())
    assert wanted is not None
    assert not await page.get_by_role("group", name="Shape").is_visible()
    await page.get_by_role("button", name="Make the film").click()
    await reading.film_ends()
    assert wanted[1] in await page.locator(".facts").inner_text()


async def test_a_sound_shows_where_the_film_ends(read: Reader, tmp_path: Path) -> None:
    page = (await read()).page
    await page.get_by_label("Use my own sound").set_input_files(sound(tmp_path, seconds=7))
    await page.get_by_text("The first 5 s of 7 s are used.").wait_for()
    await page.get_by_label("10 s").check()
    await page.get_by_text("The sound lasts 7 s; the last 3 s are silent.").wait_for()
    await page.get_by_role("button", name="Remove the sound").click()
    await page.get_by_label("Use my own sound").set_input_files(sound(tmp_path, seconds=2))
    await page.get_by_text("The sound must last 3 to 30 s; this one lasts 2 s.").wait_for()


async def test_what_breaks_a_rule_is_told_at_its_field(read: Reader, tmp_path: Path) -> None:
    reading = await read()
    reading.allowed = ("400",)
    page = reading.page
    await page.get_by_role("button", name="Make the film").click()
    await page.get_by_text("Say what the film shows, or start from a picture.").wait_for()
    assert await page.get_by_label("What the film shows").get_attribute("aria-invalid") == "true"
    await page.get_by_label("What the film shows").fill("A lighthouse")
    await page.get_by_text("More", exact=True).click()
    await page.get_by_label("Webhook").fill("ftp://example.com")
    await page.get_by_role("button", name="Make the film").click()
    await page.get_by_role("alert").get_by_text(re.compile("webhook must be")).wait_for()
    assert await page.get_by_label("Webhook").get_attribute("aria-invalid") == "true"
    (tmp_path / "broken.png").write_bytes(b"no picture")
    await page.get_by_label("Start from a picture").set_input_files(tmp_path / "broken.png")
    await page.get_by_text("This file is not a picture that can be read.").wait_for()


async def test_again_with_a_new_seed_changes_nothing_but_the_seed(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    page = reading.page
    await page.get_by_label("Seed", exact=True).fill("9007199254740993")
    await reading.make("A kite over the dunes")
    await reading.film_ends()
    await page.get_by_role("button", name="Again with a new seed").click()
    await page.get_by_role("button", name="Cancel").wait_for()
    await reading.film_ends()
    other, first = server.http.get("/v1/tasks", params={"expand": "request", "limit": 2}).json()[
        "data"
    ]
    assert first["request"]["seed"] == 9007199254740993
    assert first["request"].pop("seed") != other["request"].pop("seed")
    assert first["request"] == other["request"]


async def test_a_film_can_be_shared_downloaded_and_copied_as_a_program(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    page = reading.page
    await page.get_by_label("Seed", exact=True).fill("9223372036854775807")
    await reading.make('It\'s a "quiet" harbour')
    await reading.film_ends()
    async with page.expect_download() as coming:
        await page.get_by_role("button", name="Download").click()
    download = await coming.value
    assert (await download.path()).stat().st_size > 10_000
    await page.get_by_role("button", name="Share").click()
    link = await page.get_by_label("Link to the film").input_value()
    assert server.http.get(link, headers={"Authorization": ""}).status_code == 200
    await page.keyboard.press("Escape")
    await page.locator(".actions").get_by_role("button", name="Copy as code").click()
    code = page.locator(".code")
    curl = await code.inner_text()
    assert '"seed": 9223372036854775807' in curl
    assert "It'\\''s a" in curl
    await page.get_by_label("Python").check()
    compile(await code.inner_text(), "film.py", "exec")
    await page.get_by_label("JavaScript").check()
    await page.get_by_role("button", name="Copy", exact=True).click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await code.inner_text()
    assert 'seed": 9223372036854775807' in copied


async def test_a_film_in_the_making_can_be_cancelled(read: Reader) -> None:
    reading = await read()
    await reading.make("A long wait [slow]")
    await reading.page.get_by_role("button", name="Cancel").click()
    await reading.page.get_by_text("This film was cancelled. It cost nothing.").wait_for()


async def test_a_failed_film_says_why(read: Reader) -> None:
    reading = await read()
    await reading.make("It cannot be done [fail]")
    await reading.page.locator(".screen").get_by_text("the test card was told to fail").wait_for()


def sound(folder: Path, *, seconds: int) -> Path:
    """A wav file with a tone."""
    path = folder / f"{seconds}.wav"
    at = np.arange(22_050 * seconds) / 22_050
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes((np.sin(at * 1500) * 9000).astype("<i2").tobytes())
    return path
