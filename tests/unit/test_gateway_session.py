"""Browsers that are signed in: what the cookie opens, whose requests it serves, how it ends."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from filmgate.domain.api_key import hash_token
from filmgate.gateway.auth import PAGE_HEADER, SESSION_COOKIE
from gateway_room import SIMPLE, TOKEN, Room

ORIGIN = "http://films.example"
OWN = {PAGE_HEADER: "1", "Origin": ORIGIN}
SUBMIT = "/v1/videos/generations"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


async def signed_in(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/v1/session", json={"key": TOKEN}, headers={**OWN, **headers})


async def test_a_session_serves_what_its_key_does_without_holding_the_key(room: Room) -> None:
    async with room.client(token=None) as client:
        answer = await signed_in(client)
        assert answer.json()["data"]["key_name"] == "one"
        assert (await client.get("/v1/tasks")).status_code == 200
        made = await client.post(SUBMIT, json=SIMPLE, headers=OWN)
    assert made.status_code == 200
    assert TOKEN not in answer.text + answer.headers["set-cookie"]
    (session,) = room.store.sessions.values()
    assert hash_token(client.cookies[SESSION_COOKIE]) == session.token_hash


async def test_the_cookie_is_for_this_server_alone_and_no_script(
    room: Room, tmp_path: Path
) -> None:
    async with room.client(token=None) as client:
        plain = (await signed_in(client)).headers["set-cookie"]
    behind = Room(tmp_path / "behind", public_url="https://films.example")
    async with behind.client(token=None) as client:
        secure = (await signed_in(client)).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"):
        assert part in plain
    assert "Secure" not in plain
    assert "Secure" in secure


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {PAGE_HEADER: "1"},
        {"Origin": ORIGIN},
        {PAGE_HEADER: "1", "Origin": "http://evil.example"},
        {PAGE_HEADER: "1", "Origin": "null"},
        {PAGE_HEADER: "1", "Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {PAGE_HEADER: "1", "Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", SUBMIT, SIMPLE), ("DELETE", "/v1/session", None), ("DELETE", "/v1/tasks/x", None)],
)
async def test_a_change_that_another_site_asks_for_is_refused(
    room: Room, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    async with room.client(token=None) as client:
        await signed_in(client)
        answer = await client.request(method, path, json=body, headers=headers)
    assert answer.status_code == 403
    assert room.store.kept == {}
    assert len(room.store.sessions) == 1


async def test_another_site_cannot_sign_a_browser_in(room: Room) -> None:
    async with room.client(token=None) as client:
        answer = await signed_in(client, Origin="http://evil.example")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_key_in_the_header_needs_nothing_of_a_page(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE, headers={"Cookie": f"{SESSION_COOKIE}=x"})
    assert answer.status_code == 200


async def test_a_session_ends_by_itself_by_signing_out_and_with_its_key(room: Room) -> None:
    async with room.client(token=None) as client:
        await signed_in(client)
        room.clock.at += timedelta(days=7)
        assert (await client.get("/v1/tasks")).status_code == 401
        await signed_in(client)
        kept = client.cookies[SESSION_COOKIE]
        assert (await client.delete("/v1/session", headers=OWN)).status_code == 204
        client.cookies.set(SESSION_COOKIE, kept)
        assert (await client.get("/v1/tasks")).status_code == 401
        client.cookies.clear()
        await signed_in(client)
        room.clock.at += timedelta(seconds=2)
        del room.store.key_list[hash_token(TOKEN)]
        assert (await client.get("/v1/tasks")).status_code == 401


async def test_who_is_signed_in_is_told_and_that_nobody_is(room: Room) -> None:
    async with room.client(token=None) as client:
        assert (await client.get("/v1/session")).json() == {"code": 200, "data": None}
        await signed_in(client)
        assert (await client.get("/v1/session")).json()["data"]["key_prefix"] == "fg_t"


@pytest.mark.parametrize("body", [{}, {"key": 5}, {"key": TOKEN, "more": 1}, {"token": TOKEN}])
async def test_a_body_without_a_key_is_refused(room: Room, body: dict[str, Any]) -> None:
    async with room.client(token=None) as client:
        answer = await client.post("/v1/session", json=body, headers=OWN)
    assert answer.status_code == 400
    assert room.store.sessions == {}


@pytest.mark.parametrize("key", ["fg_wrong", "", "ä"])
async def test_a_wrong_key_opens_no_session(room: Room, key: str) -> None:
    async with room.client(token=None) as client:
        answer = await client.post("/v1/session", json={"key": key}, headers=OWN)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
