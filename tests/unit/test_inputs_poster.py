"""What posting a webhook tells of a receiver, and which receivers are never connected to."""

from __future__ import annotations

import pytest

from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.guard import Guard
from filmgate.inputs.poster import GuardedPoster
from filmgate.testing.web import (
    FakeResolver,
    WebServer,
    answer,
    drip,
    endless,
    garbage,
    hang_up,
    redirect,
    silence,
)

HOST = "hooks.test"
BODY = b'{"id":"task_1"}'


def poster(*, allowed=(HOST,), resolver=None, total_s: float = 5.0) -> GuardedPoster:
    guard = Guard(
        AllowedHosts.parse(allowed),
        resolver or FakeResolver({HOST: ["127.0.0.1"]}),
        None,
        connect_s=2,
        read_s=total_s,
    )
    return GuardedPoster(guard, total_s=total_s)


async def post(web: WebServer, sender: GuardedPoster | None = None, path: str = "/callback"):
    url = web.url(path, host=HOST)
    return await (sender or poster()).post(url, body=BODY, headers={"webhook-id": "whd_1"})


async def test_the_body_and_the_headers_arrive_as_given():
    async with WebServer() as web:
        web.route("/callback", answer(b"thanks", status=202))
        posted = await post(web)
    [seen] = web.requests
    assert (posted.status, posted.error) == (202, None)
    assert (seen.method, seen.body) == ("POST", BODY)
    assert seen.headers["webhook-id"] == "whd_1"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["host"] == f"{HOST}:{web.port}"


async def test_an_endless_answer_is_left_after_its_status():
    async with WebServer() as web:
        web.route("/callback", endless())
        posted = await post(web)
    assert (posted.status, posted.error) == (200, None)


async def test_a_slow_body_does_not_undo_the_status():
    async with WebServer() as web:
        web.route("/callback", drip(b"x", pause_s=0.05))
        posted = await post(web, poster(total_s=0.4))
    assert (posted.status, posted.error) == (200, None)


async def test_silence_ends_at_the_limit():
    async with WebServer() as web:
        web.route("/callback", silence())
        posted = await post(web, poster(total_s=0.2))
    assert (posted.status, posted.error) == (None, "no answer within 0.2 seconds")
    assert 150 <= posted.took_ms < 3000


@pytest.mark.parametrize("fault", [hang_up(), garbage(b"220 smtp ready\r\n")])
async def test_what_is_not_http_is_told_as_such(fault):
    async with WebServer() as web:
        web.route("/callback", fault)
        posted = await post(web)
    assert posted.status is None
    assert posted.error == f"the receiver must be answered in HTTP, {HOST} does not"


async def test_a_redirect_is_an_answer_and_nothing_more():
    async with WebServer() as web:
        web.route("/callback", redirect("/elsewhere"))
        posted = await post(web)
    assert (posted.status, posted.error) == (302, "answered 302")
    assert len(web.requests) == 1


async def test_a_name_that_moved_inside_is_refused_at_that_delivery():
    resolver = FakeResolver({HOST: ["127.0.0.1"]})
    sender = poster(allowed=("127.0.0.1",), resolver=resolver)
    async with WebServer() as web:
        web.route("/callback", answer(b""))
        assert (await post(web, sender)).status == 200
        resolver.change(HOST, ["169.254.169.254"])
        posted = await post(web, sender)
        resolver.change(HOST, ["127.0.0.1", "10.0.0.1"])
        mixed = await post(web, sender)
    for refused in (posted, mixed):
        assert refused.status is None
        assert "public addresses only" in refused.error
    assert len(web.requests) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1/callback", "http://localhost/callback"])
async def test_a_private_address_is_not_connected_to(url):
    posted = await poster(allowed=()).post(url, body=BODY, headers={})
    assert posted.status is None
    assert posted.error.startswith("the receiver must be a URL of a public ")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30), ("9" * 30, 10**6), ("soon", None), ("-1", None), ("²", None)],
)
async def test_the_receivers_wait_is_read_if_it_is_a_number(header, seconds):
    async with WebServer() as web:
        web.route("/callback", answer(b"", status=429, headers={"Retry-After": header}))
        posted = await post(web)
    assert (posted.status, posted.retry_after_s) == (429, seconds)
