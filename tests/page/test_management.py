"""Keys, usage and system, as an admin sees them."""

from __future__ import annotations

from reading import Reader
from serving import ServerUnderTest


async def test_a_key_is_made_shown_once_changed_and_revoked(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    reading.allowed = ("401",)
    page = reading.page
    await reading.go("Keys")
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name", exact=True).fill("a tablet")
    await page.get_by_label("Budget a month, USD").fill("12.50")
    await page.get_by_role("button", name="Make the key").click()
    token = await page.get_by_label("API key").input_value()
    as_tablet = {"Authorization": f"Bearer {token}"}
    assert server.http.get("/v1/tasks", headers=as_tablet).status_code == 200
    await page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text="a tablet")
    await row.get_by_text("of $12.50").wait_for()
    assert token not in await page.content()
    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await row.get_by_text("Revoked").wait_for()
    await reading.until(
        f"fetch('/v1/tasks', {{headers: {{Authorization: 'Bearer {token}'}}}})"
        ".then((answer) => answer.status === 401)"
    )


async def test_a_session_ends_with_its_key(read: Reader, server: ServerUnderTest) -> None:
    made = server.http.post("/v1/admin/keys", json={"name": "for a while"}).json()["data"]
    reading = await read(is_in=False)
    reading.allowed = ("401",)
    page = reading.page
    await page.get_by_label("API key").fill(made["token"])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Make the film").wait_for()
    assert await page.get_by_role("link", name="Keys").count() == 0
    server.http.delete(f"/v1/admin/keys/{made['id']}")
    await reading.until("fetch('/v1/tasks').then((answer) => answer.status === 401)")
    await page.get_by_role("link", name="Library").click()
    await page.get_by_label("API key").wait_for()


async def test_usage_counts_what_was_made(read: Reader, server: ServerUnderTest) -> None:
    server.ended(server.submit({"prompt": "A film that counts", "resolution": "480p"}))
    reading = await read()
    await reading.go("Usage")
    await reading.page.get_by_role("img", name="Spend, By day").wait_for()
    total = server.http.get("/v1/admin/usage").json()["data"]["total"]
    videos = reading.page.locator(".figure", has_text="Videos").locator("dd")
    assert int(await videos.inner_text()) == total["videos"] > 0
    await reading.page.get_by_label("Videos").check()
    await reading.page.get_by_role("img", name="Videos, By day").wait_for()


async def test_the_system_view_tells_of_workers_and_failures(
    read: Reader, server: ServerUnderTest
) -> None:
    server.ended(server.submit({"prompt": "It cannot be done [fail]", "resolution": "480p"}))
    reading = await read()
    await reading.go("System")
    page = reading.page
    await (
        page.get_by_role("region", name="Recent failures")
        .last.get_by_text("the test card was told to fail")
        .first.wait_for()
    )
    assert await page.get_by_role("table", name="Workers").get_by_role("row").count() >= 2
    await page.locator(".figure", has_text="Version").wait_for()
