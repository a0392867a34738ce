"""Keys, usage and system, as an admin sees them."""

from __future__ import annotations

import asyncio
import re

from filmgate.testing.web import WebServer, answer, in_turn
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
    server.ended(server.submit({"prompt": "It takes room", "resolution": "480p"}))
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
    waiting = await page.locator(".figure", has_text="Waiting").inner_text()
    storage = await page.locator(".figure", has_text="Storage").inner_text()
    system = server.http.get("/v1/admin/system").json()["data"]
    assert f"room for {system['queue']['unfinished_max']:,}" in waiting
    assert re.search(r"[1-9][\d.]* [KMG]iB\n", storage)


async def test_the_system_view_shows_where_routes_lead(read: Reader) -> None:
    reading = await read()
    await reading.go("System")
    table = reading.page.get_by_role("table", name="Routes")
    routed = table.get_by_role("row", name="ten seconds").get_by_role("listitem")
    await routed.last.wait_for()
    first, second = [" ".join(text.split()) for text in await routed.all_inner_texts()]
    assert first == ("elsewhere openai_videos 127.0.0.1:9 · 2 films at a time · $10.00 a day")
    assert second == "testcard this server"
    others = table.get_by_role("row", name="All other films")
    assert await others.get_by_role("listitem").count() == 1


async def test_a_delivery_that_was_given_up_is_made_again(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    page = reading.page
    async with WebServer() as web:
        web.route("/films/callback", in_turn(answer(b"", status=410), answer(b"thanks")))
        film = {"prompt": "It is told", "resolution": "480p", "webhook": web.url("/films")}
        task_id = await asyncio.to_thread(server.submit, film)
        await asyncio.to_thread(server.ended, task_id)
        told = f"fetch('/v1/webhooks/deliveries?task_id={task_id}').then((a) => a.json())"
        await reading.until(f"{told}.then(({{data}}) => data[0].status === 'failed')")
        await reading.go("System")
        row = page.get_by_role("table", name="Webhooks").get_by_role("row")
        row = row.filter(has_text=task_id)
        assert re.search(r"Given up.*answered 410\s+tried 1×", await row.inner_text(), re.DOTALL)
        await row.get_by_role("button", name="Deliver again").click()
        await reading.until(f"{told}.then(({{data}}) => data[0].status === 'delivered')")
    assert [request.headers["webhook-id"] for request in web.requests] == [
        f"whd_{task_id.removeprefix('task_')}"
    ] * 2
    await page.get_by_label("State").select_option("Delivered")
    await row.get_by_text("tried 2×").wait_for()
    await page.get_by_label("State").select_option("Given up")
    await page.get_by_text("Nothing was delivered.").wait_for()


async def test_an_account_is_made_limited_granted_credits_and_given_a_key(
    read: Reader, server: ServerUnderTest
) -> None:
    reading = await read()
    page = reading.page
    await reading.go("Keys")
    await page.get_by_role("button", name="New account").click()
    await page.get_by_label("Name", exact=True).fill("a customer")
    await page.get_by_role("button", name="Make the account").click()
    row = page.get_by_role("table", name="Accounts").get_by_role("row")
    row = row.filter(has_text="a customer")
    await row.get_by_text("$0.00").last.wait_for()
    await row.get_by_role("button", name="Grant credits").click()
    await page.get_by_label("Amount, USD").fill("12.50")
    await page.get_by_label("Note").fill("invoice 7")
    await page.get_by_role("dialog").get_by_role("button", name="Grant credits").click()
    await row.get_by_text("$12.50").wait_for()
    await row.get_by_role("button", name="Limit off").click()
    await row.get_by_text("no limit").wait_for()
    await row.get_by_role("button", name="Limit on").click()
    await row.get_by_text("$12.50").wait_for()
    [entry] = server.http.get("/v1/admin/accounts/a customer/credits").json()["data"]
    assert (entry["amount_usd"], entry["note"]) == (12.5, "invoice 7")

    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name", exact=True).fill("a customer's key")
    await page.get_by_label("Account", exact=True).select_option("a customer")
    await page.get_by_role("button", name="Make the key").click()
    token = await page.get_by_label("API key").input_value()
    me = server.http.get("/v1/admin/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["data"]["account"]["name"] == "a customer"


async def test_who_is_no_admin_sees_no_accounts(read: Reader, server: ServerUnderTest) -> None:
    server.http.post("/v1/admin/accounts", json={"name": "a shop"})
    fields = {"name": "its boss", "account": "a shop", "scopes": ["generate", "read", "manage"]}
    made = server.http.post("/v1/admin/keys", json=fields).json()["data"]
    reading = await read(is_in=False)
    page = reading.page
    await page.get_by_label("API key").fill(made["token"])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Make the film").wait_for()
    await reading.go("Keys")
    await page.get_by_role("row").filter(has_text="its boss").wait_for()
    assert await page.get_by_role("heading", name="Accounts").count() == 0
    assert await page.get_by_role("link", name="System").count() == 0
