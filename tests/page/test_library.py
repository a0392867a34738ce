"""The library: search, filters, a closer look, two side by side, deletion."""

from __future__ import annotations

import re

import pytest

from reading import Reader
from serving import ServerUnderTest


@pytest.fixture
def films(server: ServerUnderTest, request: pytest.FixtureRequest) -> str:
    """Two finished films and a failed one, found by the word that is returned."""
    word = f"word{abs(hash(request.node.name)) % 10**8}"
    prompts = [f"{word} Quiet Harbour", f"{word} 山间小屋 in snow", f"{word} never [fail]"]
    ids = [server.submit({"prompt": prompt, "resolution": "480p"}) for prompt in prompts]
    for task_id in ids:
        server.ended(task_id)
    return word


async def test_films_are_found_by_words_and_by_state(read: Reader, films: str) -> None:
    reading = await read()
    page = reading.page
    await reading.go("Library")
    cards = page.locator(".film-card")
    await page.get_by_label("Search prompts").fill(films)
    await reading.until("document.querySelectorAll('.film-card').length === 3")
    await page.get_by_label("State").select_option("failed")
    await reading.until("document.querySelectorAll('.film-card').length === 1")
    assert "never" in await cards.inner_text()
    await page.get_by_label("State").select_option("")
    await page.get_by_label("Search prompts").fill(f"harbour {films}")
    await cards.filter(has_text="Quiet Harbour").wait_for()
    await reading.until("document.querySelectorAll('.film-card').length === 1")
    await page.get_by_label("Search prompts").fill("小屋")
    await cards.filter(has_text="山间小屋").first.wait_for()
    await page.get_by_label("Search prompts").fill("100%_of nothing")
    await page.get_by_text("No film matches.").wait_for()


async def test_a_still_plays_under_the_pointer_and_stops_after(read: Reader, films: str) -> None:
    reading = await read()
    page = reading.page
    await reading.go("Library")
    card = page.locator(".film-card", has_text=f"{films} Quiet")
    await card.hover()
    await reading.until("document.querySelector('.film-card video')?.currentTime > 0.1")
    await page.get_by_label("Search prompts").hover()
    await card.locator("video").wait_for(state="detached")


async def test_two_films_play_side_by_side_and_differences_are_marked(
    read: Reader, films: str
) -> None:
    reading = await read()
    page = reading.page
    await reading.go("Library")
    await page.get_by_label(re.compile(f"Choose to compare: {films} Quiet")).check()
    assert await page.get_by_role("button", name="Compare", exact=True).is_disabled()
    await page.get_by_label(re.compile(f"Choose to compare: {films} 山间")).check()
    await page.get_by_role("button", name="Compare", exact=True).click()
    await reading.until(
        "[...document.querySelectorAll('.pair video')].every((video) => video.currentTime > 0.2)"
    )
    await page.locator(".differs", has_text="Seed").wait_for()
    assert await page.locator(".differs", has_text="Model").count() == 0
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_label("Position in both films").fill("2")
    times = "[...document.querySelectorAll('.pair video')].map((video) => video.currentTime)"
    assert await page.evaluate(times) == pytest.approx([2, 2], abs=0.1)


async def test_a_film_opens_goes_back_to_the_studio_and_can_be_erased(
    read: Reader, server: ServerUnderTest, films: str
) -> None:
    reading = await read()
    reading.allowed = ("400",)
    page = reading.page
    await reading.go("Library")
    card = page.locator(".film-card", has_text=f"{films} Quiet")
    task_id = await card.get_attribute("data-task")
    await card.click()
    await page.get_by_role("dialog").get_by_role("button", name="Edit").click()
    prompt = page.get_by_label("What the film shows")
    await prompt.wait_for()
    assert await prompt.input_value() == f"{films} Quiet Harbour"
    assert await page.get_by_label("480p", exact=True).is_checked()
    await reading.go("Library")
    await card.click()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Keep").click()
    assert server.http.get(f"/v1/tasks/{task_id}").status_code == 200
    await page.get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete this film?")
    await question.get_by_role("button", name="Delete").click()
    await card.wait_for(state="detached")
    assert server.http.get(f"/v1/tasks/{task_id}").status_code == 400


async def test_a_long_library_is_read_page_by_page(read: Reader, server: ServerUnderTest) -> None:
    reading = await read(height=500)
    page = reading.page
    for _ in range(30):
        server.submit({"prompt": "one of many [fail]", "resolution": "480p"})
    await reading.go("Library")
    await reading.until("document.querySelectorAll('.film-card').length >= 24")
    await page.mouse.wheel(0, 20_000)
    await reading.until("document.querySelectorAll('.film-card').length >= 30")
