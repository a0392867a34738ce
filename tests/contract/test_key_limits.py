"""What keys may do, whence and how often: at every door, exact over gateways of one database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from admin_room import ADMIN, AdminRoom
from filmgate.store.store import PostgresStore
from gateway_room import SIMPLE


@pytest.fixture
def room(tmp_path: Path, store: PostgresStore) -> AdminRoom:
    return AdminRoom(tmp_path, store)


ENDPOINTS = (
    ("POST", "/v1/videos/generations", "generate"),
    ("POST", "/v1/videos", "generate"),
    ("POST", "/v1/uploads/images", "generate"),
    ("POST", "/v1/tasks/task_x/cancel", "generate"),
    ("DELETE", "/v1/tasks/task_x", "generate"),
    ("GET", "/v1/webhooks/secret", "generate"),
    ("GET", "/v1/tasks", "read"),
    ("GET", "/v1/tasks/task_x", "read"),
    ("GET", "/v1/videos", "read"),
    ("GET", "/v1/balance", "read"),
    ("GET", "/v1/usage", "read"),
    ("GET", "/v1/admin/keys", "manage"),
)


async def test_an_endpoint_needs_its_scope(room: AdminRoom) -> None:
    root = await room.begin()
    scopes = ("generate", "read", "manage")
    with_it = {word: (await room.new_key(root, scopes=[word]))[1] for word in scopes}
    without = {
        word: (await room.new_key(root, scopes=[other for other in scopes if other != word]))[1]
        for word in scopes
    }
    for method, path, scope in ENDPOINTS:
        async with room.client(token=without[scope]) as http:
            refused = await http.request(method, path)
        async with room.client(token=with_it[scope]) as http:
            admitted = await http.request(method, path)
        assert refused.status_code == 403, path
        assert f"the scope {scope};" in refused.json()["error"]["message"]
        assert refused.json()["error"]["type"] == "permission_error"
        assert admitted.status_code != 403, path


async def test_every_key_may_read_what_models_there_are(room: AdminRoom) -> None:
    root = await room.begin()
    for scope in ("generate", "read", "manage"):
        _, token = await room.new_key(root, scopes=[scope])
        async with room.client(token=token) as http:
            assert (await http.get("/v1/models")).status_code == 200


async def test_a_model_that_a_key_may_not_use_is_refused_at_every_door(room: AdminRoom) -> None:
    root = await room.begin()
    model = room.deps.models["wan2.5-preview"]
    room.deps.models["other"] = replace(model, id="other")  # type: ignore[index] - a dict here
    _, token = await room.new_key(root, models=["other"])
    async with room.client(token=token) as http:
        listed = (await http.get("/v1/models")).json()["data"]
        answers = [
            await http.post("/v1/videos/generations", json=SIMPLE),
            await http.post("/v1/videos", json=SIMPLE),
        ]
        unknown = await http.post("/v1/videos/generations", json={**SIMPLE, "model": "x"})
    assert [model["id"] for model in listed] == ["other"]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "may not use the model wan2.5-preview; it may use other" in answers[0].text
    assert unknown.json()["error"]["message"].endswith("known are other")


async def test_an_expired_key_is_refused_also_while_it_is_remembered(room: AdminRoom) -> None:
    root = await room.begin()
    soon = room.clock.at + timedelta(seconds=0.5)
    _, token = await room.new_key(root, expires_at=soon.isoformat())
    async with room.client(token=token) as http:
        assert (await http.get("/v1/tasks")).status_code == 200
        room.clock.at += timedelta(seconds=0.6)
        expired = await http.get("/v1/tasks")
    assert expired.status_code == 401
    assert "this API key expired on" in expired.json()["error"]["message"]


CALLERS = (
    ("10.1.2.3", None, 200),
    ("192.0.2.1", None, 403),
    ("192.0.2.1", "10.1.2.3", 403),
    ("172.16.0.1", "10.1.2.3", 200),
    ("172.16.0.1", "192.0.2.1", 403),
    ("172.16.0.1", "10.1.2.3, 192.0.2.1", 403),
    ("::ffff:10.1.2.3", None, 200),
    ("2001:db8:1::5", None, 200),
    ("2001:db9::5", None, 403),
)


async def test_a_key_is_used_from_its_networks_only(room: AdminRoom) -> None:
    _, token = await room.new_key(await room.begin(), networks=["10.0.0.0/8", "2001:db8::/32"])
    room.trust("172.16.0.0/12")
    for address, forwarded, status in CALLERS:
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        async with room.client(token=token, address=address) as http:
            answer = await http.get("/v1/tasks", headers=headers)
        assert answer.status_code == status, (address, forwarded)
    async with room.client(token=token, address="172.16.0.1") as http:
        refused = await http.get("/v1/tasks", headers={"X-Forwarded-For": "192.0.2.1"})
    message = refused.json()["error"]["message"]
    assert message == "this API key may not be used from 192.0.2.1"


async def test_when_and_whence_a_key_was_last_used_is_told(room: AdminRoom) -> None:
    root = await room.begin()
    key, token = await room.new_key(root)
    assert key["last_used_at"] is None
    async with room.client(token=token, address="192.0.2.7") as http:
        await http.get("/v1/tasks")
    async with room.client(token=root) as http:
        shown = (await http.get(f"{ADMIN}/keys/{key['id']}")).json()["data"]
    assert (shown["last_used_address"], shown["last_used_at"] is None) == ("192.0.2.7", False)


async def statuses(rooms: list[AdminRoom], count: int, path: str, **client: Any) -> list[int]:
    async def ask(room: AdminRoom) -> int:
        async with room.client(**client) as http:
            return (await http.get(path)).status_code

    return await asyncio.gather(*(ask(rooms[n % len(rooms)]) for n in range(count)))


async def test_a_keys_rate_is_exact_over_two_gateways(tmp_path: Path, store: PostgresStore) -> None:
    rooms = [AdminRoom(tmp_path / name, store) for name in ("one", "two")]
    _, token = await rooms[0].new_key(await rooms[0].begin(), requests_per_minute=40)
    found = await statuses(rooms, 100, "/v1/tasks", token=token)
    assert (found.count(200), found.count(429)) == (40, 60)


async def test_an_answer_says_what_is_left_of_the_rate(room: AdminRoom) -> None:
    _, token = await room.new_key(await room.begin(), requests_per_minute=2)
    async with room.client(token=token) as http:
        answers = [await http.get("/v1/tasks") for _ in range(3)]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"2"}
    assert all(0 < int(answer.headers["ratelimit-reset"]) <= 61 for answer in answers)
    assert answers[2].status_code == 429
    assert answers[2].headers["retry-after"] == answers[2].headers["ratelimit-reset"]
    assert answers[2].json()["error"]["type"] == "rate_limit_error"


async def test_the_servers_rate_holds_for_keys_without_their_own(
    tmp_path: Path, store: PostgresStore
) -> None:
    room = AdminRoom(tmp_path, store, key_requests_per_minute=3)
    root = await room.begin()
    _, token = await room.new_key(root, requests_per_minute=5)
    assert (await statuses([room], 9, "/v1/tasks", token=token)).count(200) == 5
    assert (await statuses([room], 9, "/v1/tasks", token=root)).count(200) == 2


async def test_wrong_keys_of_one_address_are_counted_and_right_ones_served(
    tmp_path: Path, store: PostgresStore
) -> None:
    rooms = [AdminRoom(tmp_path / n, store, failed_logins_per_minute=5) for n in ("one", "two")]
    root = await rooms[0].begin()
    wrong = await statuses(rooms, 20, "/v1/tasks", token="fg_wrong", address="192.0.2.1")
    other = await statuses(rooms, 5, "/v1/tasks", token="fg_wrong", address="192.0.2.2")
    assert (wrong.count(401), wrong.count(429)) == (5, 15)
    assert other == [401] * 5
    assert await statuses(rooms, 4, "/v1/tasks", token=root, address="192.0.2.1") == [200] * 4


async def test_signing_in_keeps_the_same_limits(tmp_path: Path, store: PostgresStore) -> None:
    room = AdminRoom(tmp_path, store, failed_logins_per_minute=2)
    _, token = await room.new_key(await room.begin(), networks=["10.0.0.0/8"], scopes=["read"])
    own_page = {"X-Filmgate-Page": "1", "Origin": "http://films.example"}

    async def sign_in(key: str, address: str) -> int:
        async with room.client(token=None, address=address) as http:
            answer = await http.post("/v1/session", json={"key": key}, headers=own_page)
            return answer.status_code

    wrong = [await sign_in("fg_wrong", "10.0.0.1") for _ in range(3)]
    assert wrong == [401, 401, 429]
    assert [await sign_in(token, "192.0.2.1"), await sign_in(token, "10.0.0.1")] == [403, 200]
    forged = {"Cookie": "filmgate_session=x"}
    async with room.client(token=None, address="10.0.0.9") as http:
        found = [(await http.get("/v1/tasks", headers=forged)).status_code for _ in range(3)]
    assert found == [401, 401, 429]


async def test_addresses_of_one_ipv6_network_count_as_one(
    tmp_path: Path, store: PostgresStore
) -> None:
    room = AdminRoom(tmp_path, store, failed_logins_per_minute=1)
    found: list[int] = []
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
        found += await statuses([room], 1, "/v1/tasks", token="fg_wrong", address=address)
    assert found == [401, 429, 401]


async def test_requests_without_a_key_are_limited_by_address(
    tmp_path: Path, store: PostgresStore
) -> None:
    room = AdminRoom(tmp_path, store, address_requests_per_minute=3)
    root = await room.begin()
    cookie = {"Cookie": "filmgate_session=x"}
    async with room.client(token=None) as http:
        found = [(await http.get("/openapi.json", headers=cookie)).status_code for _ in range(5)]
        health = [(await http.get("/healthz")).status_code for _ in range(5)]
    assert found == [200, 200, 200, 429, 429]
    assert health == [200] * 5
    assert await statuses([room], 5, "/v1/tasks", token=root) == [200] * 5


async def asked(store: PostgresStore, count: int, *, most: int = 10) -> int:
    turns = [await store.take_turn("who", most=most, window_s=60) for _ in range(count)]
    return sum(turn.is_given for turn in turns)


async def passed(store: PostgresStore, seconds: float) -> None:
    await store._database.rows(
        "UPDATE turns SET began_at = began_at - make_interval(secs => %(s)s)", {"s": seconds}
    )


async def test_a_rate_comes_back_as_the_window_slides(store: PostgresStore) -> None:
    assert await asked(store, 4) == 4
    await passed(store, 20)
    assert await asked(store, 12) == 6
    refused = await store.take_turn("who", most=10, window_s=60)
    assert 35 < refused.again_s <= 41
    assert refused.reset_s == pytest.approx(refused.again_s)
    await passed(store, 42)
    assert await asked(store, 12) == 4
    await passed(store, 200)
    assert await asked(store, 12) == 10
    await passed(store, 200)
    await store.forget_turns(idle_s=180)
    rows = await store._database.rows("SELECT * FROM turns")
    assert rows == []


async def test_a_rate_of_one_gives_one_each_minute(store: PostgresStore) -> None:
    assert await asked(store, 2, most=1) == 1
    refused = await store.take_turn("who", most=1, window_s=60)
    assert 55 < refused.again_s <= 61
    await passed(store, refused.again_s)
    assert await asked(store, 2, most=1) == 1


async def test_no_window_lets_more_through_than_the_rate(store: PostgresStore) -> None:
    given_at_s: list[int] = []
    for second in range(0, 240, 3):
        tries = 20 if second == 57 else int(second == 0 or second > 57)
        given_at_s += [second] * await asked(store, tries)
        await passed(store, 3)
    assert all(sum(begin <= at_s < begin + 60 for at_s in given_at_s) <= 10 for begin in range(240))
    assert len(given_at_s) >= 30
