"""Those who manage keys and accounts by the API, on real PostgreSQL: what they may, what not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_room import ADMIN, AdminRoom
from filmgate.domain.route import Route
from filmgate.domain.task import Failure, Task
from filmgate.domain.webhook import DeliveryState, Try, Verdict
from filmgate.ports.provider import Account
from filmgate.ports.store import Allowance
from filmgate.providers.dashscope import DashScope
from filmgate.service.upstream import Patience, Routes, Upstream
from filmgate.store.store import PostgresStore
from filmgate.testing.provider_contract import NoWeb
from kept_tasks import claim, done


@pytest.fixture
def room(tmp_path: Path, store: PostgresStore) -> AdminRoom:
    return AdminRoom(tmp_path, store, failed_logins_per_minute=0)


def error_of(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]


def failed_now(task: Task) -> Task:
    wrong = Failure(code="engine_failed", message="it broke")
    return task.failed(attempt=task.attempt, failure=wrong, at=datetime.now(UTC))


async def test_a_key_is_made_shown_once_and_listed_without_its_token(room: AdminRoom) -> None:
    root = await room.begin()
    key, token = await room.new_key(
        root,
        name="web",
        scopes=["read"],
        models=["wan2.5-preview"],
        networks=["127.0.0.1", "10.0.0.0/8"],
        requests_per_minute=60,
        concurrent_tasks_max=2,
        queue_length_max=9,
        priority="high",
        budget_usd_day=5,
        budget_usd_month="50.25",
        expires_at="2099-01-31T12:00:00+02:00",
    )
    assert token.startswith("fg_")
    assert (key["account"], key["state"], key["priority"]) == ("main", "active", "high")
    assert (key["budget_usd_day"], key["budget_usd_month"]) == (5.0, 50.25)
    assert key["expires_at"] == "2099-01-31T10:00:00Z"

    async with room.client(token=root) as http:
        listed = (await http.get(f"{ADMIN}/keys")).json()["data"]
        shown = (await http.get(f"{ADMIN}/keys/web")).json()["data"]
    assert [each["name"] for each in listed] == ["web", "first"]
    assert shown == listed[0] == key
    assert token not in str(listed)


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"scopes": ["write"]}, 'scopes must be some of generate, read, manage, got ["write"]'),
    ({"scopes": []}, "scopes must name at least one of generate, read, manage"),
    ({"models": ["sora"]}, 'models must be among wan2.5-preview, got "sora"'),
    ({"networks": ["10.0.0.1/8"]}, "networks must be addresses or networks such as"),
    ({"requests_per_minute": 0}, "requests_per_minute must be 1 to 1,000,000, got 0"),
    ({"queue_length_max": "5"}, 'queue_length_max must be an integer, got "5"'),
    ({"budget_usd_day": -1}, "budget_usd_day must be 0 to 1,000,000,000 US dollars, got -1"),
    ({"budget_usd_total": "1.0000001"}, "US dollars with at most 6 decimals"),
    ({"budget_usd_total": "NaN"}, "US dollars with at most 6 decimals"),
    ({"priority": "urgent"}, 'priority must be low, normal or high, got "urgent"'),
    ({"expires_at": "soon"}, "expires_at must be a date and time such as"),
    ({"expires_at": "2020-01-01"}, "expires_at must be in the future"),
    ({"name": " "}, "a name must have 1 to 100 printable characters"),
    ({"budget_usd_daily": 5}, '"budget_usd_daily" is not a field of a key; did you mean'),
    ({"account": "nobody"}, 'no account is named "nobody"'),
)


async def test_a_wrong_field_is_told_with_its_rule(room: AdminRoom) -> None:
    root = await room.begin()
    async with room.client(token=root) as http:
        for fields, words in WRONG:
            answer = await http.post(f"{ADMIN}/keys", json={"name": "web", **fields})
            assert answer.status_code in {400, 404}, answer.text
            assert words in error_of(answer)["message"]
        listed = (await http.get(f"{ADMIN}/keys")).json()["data"]
    assert [key["name"] for key in listed] == ["first"]


async def test_a_change_is_in_force_at_once_and_null_lifts_a_limit(room: AdminRoom) -> None:
    root = await room.begin()
    key, token = await room.new_key(root, budget_usd_total=1)
    assert (await room.submit(token)).status_code == 200
    async with room.client(token=root) as http:
        path = f"{ADMIN}/keys/{key['id']}"
        edited = await http.patch(path, json={"budget_usd_total": 0.5, "scopes": ["generate"]})
        refused = await room.submit(token)
        lifted = await http.patch(path, json={"budget_usd_total": None})
    assert edited.json()["data"]["spent_usd_total"] == 0.332
    assert (refused.status_code, error_of(refused)["code"]) == (402, "budget_spent")
    assert "costs $0.3320, left of this key's budget in all are $0.1680" in refused.text
    assert lifted.json()["data"]["budget_usd_total"] is None
    assert lifted.json()["data"]["scopes"] == ["generate"]
    assert (await room.submit(token)).status_code == 200


async def test_a_rotated_key_takes_both_tokens_until_the_overlap_is_over(room: AdminRoom) -> None:
    root = await room.begin()
    key, old = await room.new_key(root)
    async with room.client(token=root) as http:
        answer = await http.post(f"{ADMIN}/keys/{key['id']}/rotate", json={"overlap_s": 60})
    rotated = answer.json()["data"]
    new = rotated["token"]
    assert rotated["previous_token_until"] is not None

    async def status(token: str) -> int:
        async with room.client(token=token) as http:
            return (await http.get("/v1/tasks")).status_code

    assert (new != old, await status(old), await status(new)) == (True, 200, 200)
    room.clock.at += timedelta(seconds=61)
    async with room.client(token=old) as http:
        over = await http.get("/v1/tasks")
    assert (over.status_code, await status(new)) == (401, 200)
    assert "was replaced by a new one" in over.text


async def test_a_leaked_token_ends_at_once_without_an_overlap(room: AdminRoom) -> None:
    root = await room.begin()
    key, old = await room.new_key(root)
    async with room.client(token=old) as http:
        assert (await http.get("/v1/tasks")).status_code == 200
        async with room.client(token=root) as admin:
            await admin.post(f"{ADMIN}/keys/{key['id']}/rotate", json={"overlap_s": 0})
        assert (await http.get("/v1/tasks")).status_code == 401


async def test_a_key_is_disabled_enabled_and_revoked_for_ever(room: AdminRoom) -> None:
    root = await room.begin()
    key, token = await room.new_key(root)
    path = f"{ADMIN}/keys/{key['id']}"
    async with room.client(token=root) as admin, room.client(token=token) as http:
        disabled = await admin.post(f"{path}/disable")
        refused = await http.get("/v1/tasks")
        await admin.post(f"{path}/enable")
        served = await http.get("/v1/tasks")
        revoked = await admin.delete(path)
        gone = await http.get("/v1/tasks")
        again = await admin.post(f"{path}/enable")
    assert disabled.json()["data"]["state"] == "disabled"
    assert (refused.status_code, error_of(refused)["message"]) == (401, "this API key is disabled")
    assert served.status_code == 200
    assert revoked.json()["data"]["state"] == "revoked"
    assert (gone.status_code, again.status_code) == (401, 400)
    assert "revoked, which is for ever" in again.text


async def test_a_manager_of_an_account_sees_and_changes_only_its_keys(room: AdminRoom) -> None:
    root = await room.begin()
    await room.new_account(root, "customer")
    mine, token = await room.new_key(root, name="boss", account="customer", scopes=["manage"])
    made, _ = await room.new_key(token, name="web")
    assert made["account"] == "customer"
    first = (await room.database.keys())[-1]
    async with room.client(token=token) as http:
        listed = (await http.get(f"{ADMIN}/keys")).json()["data"]
        accounts = (await http.get(f"{ADMIN}/accounts")).json()["data"]
        foreign = [
            await http.get(f"{ADMIN}/keys/{first.id}"),
            await http.patch(f"{ADMIN}/keys/{first.id}", json={"name": "x"}),
            await http.delete(f"{ADMIN}/keys/{first.id}"),
            await http.post(f"{ADMIN}/keys/{first.id}/rotate"),
            await http.post(f"{ADMIN}/keys/{first.id}/disable"),
            await http.post(f"{ADMIN}/keys", json={"name": "x", "account": "main"}),
            await http.get(f"{ADMIN}/keys?account=main"),
            await http.get(f"{ADMIN}/accounts/main"),
            await http.get(f"{ADMIN}/accounts/main/credits"),
            await http.get(f"{ADMIN}/usage?account=main"),
            await http.get(f"{ADMIN}/usage?key={first.id}"),
        ]
        beyond = [
            await http.post(f"{ADMIN}/accounts", json={"name": "x"}),
            await http.patch(f"{ADMIN}/accounts/customer", json={"is_admin": True}),
            await http.post(f"{ADMIN}/accounts/customer/credits", json={"usd": 5}),
            await http.get(f"{ADMIN}/system"),
        ]
        pushed = await http.patch(f"{ADMIN}/keys/{mine['id']}", json={"priority": "high"})
    assert {key["name"] for key in listed} == {"boss", "web"}
    assert [account["name"] for account in accounts] == ["customer"]
    assert [answer.status_code for answer in foreign] == [404] * len(foreign)
    assert [answer.status_code for answer in beyond] == [403] * len(beyond)
    assert pushed.status_code == 400
    assert "only an admin account may set high" in pushed.text


async def test_without_the_scope_nothing_is_managed(room: AdminRoom) -> None:
    root = await room.begin()
    _, token = await room.new_key(root)
    async with room.client(token=token) as http:
        refused = await http.get(f"{ADMIN}/keys")
        me = await http.get(f"{ADMIN}/me")
    assert refused.status_code == 403
    assert error_of(refused)["message"] == (
        "this needs an API key with the scope manage; this one has generate, read"
    )
    assert me.json()["data"]["key"]["scopes"] == ["generate", "read"]


async def test_accounts_are_made_limited_and_granted_credits(room: AdminRoom) -> None:
    root = await room.begin()
    made = await room.new_account(root, "customer", is_limited=True)
    assert (made["is_limited"], made["is_admin"]) == (True, False)
    path = f"{ADMIN}/accounts/customer"
    async with room.client(token=root) as http:
        taken = await http.post(f"{ADMIN}/accounts", json={"name": "customer"})
        granted = await http.post(f"{path}/credits", json={"usd": 25.5, "note": "invoice 7"})
        await http.post(f"{path}/credits", json={"usd": "-5"})
        page = (await http.get(f"{path}/credits?limit=1")).json()
        rest = (await http.get(f"{path}/credits?cursor={page['next_cursor']}")).json()
        renamed = await http.patch(path, json={"name": "client", "is_limited": False})
        alone = await http.patch(f"{ADMIN}/accounts/main", json={"is_admin": False})
        unknown = await http.post(f"{ADMIN}/accounts", json={"name": "x", "limit": 5})
    assert (taken.status_code, granted.json()["data"]["available_usd"]) == (400, 25.5)
    assert [entry["amount_usd"] for entry in page["data"] + rest["data"]] == [-5.0, 25.5]
    assert (rest["data"][0]["note"], rest["next_cursor"]) == ("invoice 7", None)
    client = renamed.json()["data"]
    assert (client["name"], client["is_limited"]) == ("client", False)
    assert "is the only admin account" in alone.text
    assert "is not known; known are name, is_limited, is_admin" in unknown.text


async def test_usage_counts_videos_failures_and_cancellations_of_all_accounts(
    room: AdminRoom, store: PostgresStore
) -> None:
    root = await room.begin()
    await room.new_account(root, "customer")
    _, other = await room.new_key(root, name="web", account="customer")
    ids = [(await room.submit(token)).json()["data"][0]["task_id"] for token in (root, root, other)]
    finished, failed, cancelled = [await store.task(task_id) for task_id in ids]
    finished = await claim(store, finished)
    await store.settle(done(finished), attempt=finished.attempt)
    failed = await claim(store, failed)
    await store.settle(failed_now(failed), attempt=failed.attempt)
    async with room.client(token=other) as http:
        await http.post(f"/v1/tasks/{cancelled.id}/cancel")
    await store.erase_task(failed.id, at=datetime.now(UTC))

    async with room.client(token=root) as http:
        whole = (await http.get(f"{ADMIN}/usage")).json()["data"]
        by_key = (await http.get(f"{ADMIN}/usage?group_by=key,date")).json()["data"]["rows"]
        table = (await http.get(f"{ADMIN}/usage?group_by=account&format=csv")).text
        wrong_group = await http.get(f"{ADMIN}/usage?group_by=moon")
    assert whole["total"] == {
        "videos": 1,
        "seconds": 5,
        "spend_usd": 0.332,
        "failures": 1,
        "cancelled": 1,
    }
    told = {row["key"]: (row["videos"], row["failures"], row["cancelled"]) for row in by_key}
    assert told == {"first": (1, 1, 0), "web": (0, 0, 1)}
    assert by_key[0]["date"] == datetime.now(UTC).date().isoformat()
    assert table.splitlines()[0] == (
        "account_id,account,videos,seconds,spend_usd,failures,cancelled"
    )
    assert "group_by must be some of date, model, key, account" in wrong_group.text


async def test_the_system_page_shows_queue_failures_webhooks_and_storage(
    room: AdminRoom, store: PostgresStore
) -> None:
    root = await room.begin()
    ids = [(await room.submit(root)).json()["data"][0]["task_id"] for _ in range(3)]
    failed = await claim(store, await store.task(ids[0]))
    await store.settle(failed_now(failed), attempt=failed.attempt)
    await claim(store, await store.task(ids[1]))
    async with room.client(token=root) as http:
        system = (await http.get(f"{ADMIN}/system")).json()["data"]
    assert (system["queue"]["pending"], system["queue"]["processing"]) == (1, 1)
    assert [(f["task_id"], f["code"], f["key"]) for f in system["failures"]] == [
        (ids[0], "engine_failed", "first")
    ]
    assert system["engines"] == ["draft"]
    assert system["routes"] == [{"name": "otherwise", "engines": [["draft"]]}]
    assert system["upstreams"] == []
    assert system["webhooks"] == {
        "pending": 0,
        "delivered_last_day": 0,
        "failed_last_day": 0,
        "latest_failed": [],
    }
    assert system["storage"]["free_bytes"] > 0


async def test_the_system_page_says_where_routes_lead_and_tells_no_secret_of_it(
    room: AdminRoom,
) -> None:
    root = await room.begin()
    provider = DashScope(
        Account(name="singapore", url="https://me:secret@dash.example:8443/v1", key="sk-1"),
        NoWeb(),
    )
    upstream = Upstream(
        "singapore",
        provider,
        allowance=Allowance(concurrent_max=5, micro_usd_per_day=10_000_000),
        patience=Patience(),
        price_micro_usd_per_s={},
    )
    routes = Routes(
        routes=(Route(name="long films", choices=({"singapore": 3, "draft": 1},)),),
        otherwise=Route(name="otherwise", choices=({"singapore": 1}, {"draft": 1})),
        upstreams={"singapore": upstream},
    )
    room.deps = replace(room.deps, routes=routes)
    room.trust()
    async with room.client(token=root) as http:
        answer = await http.get(f"{ADMIN}/system")
    await routes.close()
    system = answer.json()["data"]
    assert system["routes"] == [
        {"name": "long films", "engines": [["singapore", "draft"]]},
        {"name": "otherwise", "engines": [["singapore"], ["draft"]]},
    ]
    assert system["upstreams"] == [
        {
            "name": "singapore",
            "provider": "dashscope",
            "host": "dash.example:8443",
            "films_max": 5,
            "usd_per_day": 10.0,
            "usd_per_month": None,
        }
    ]
    assert "secret" not in answer.text
    assert "sk-1" not in answer.text


async def test_a_delivery_is_made_again_by_its_owner_and_by_those_who_manage_it(
    room: AdminRoom, store: PostgresStore
) -> None:
    root = await room.begin()
    await room.new_account(root, "customer")
    _, owner = await room.new_key(root, name="web", account="customer")
    _, boss = await room.new_key(root, name="boss", account="customer", scopes=["manage"])
    submitted = await room.submit(owner, webhook="https://hooks.example/v")
    task = await claim(store, await store.task(submitted.json()["data"][0]["task_id"]))
    await store.settle(done(task), attempt=task.attempt)
    own, every = "/v1/webhooks/deliveries", f"{ADMIN}/webhooks/deliveries"
    for token, path in ((owner, own), (root, every), (boss, every)):
        [given_up] = await store.claim_deliveries(limit=9, receiver_max=9, lease_s=60)
        tried = Try(
            number=given_up.attempts, at=datetime.now(UTC), status=410, error=None, took_ms=5
        )
        await store.record_try(
            given_up.id, tried=tried, verdict=Verdict(state=DeliveryState.FAILED)
        )
        async with room.client(token=token) as http:
            [listed] = (await http.get(f"{path}?status=failed")).json()["data"]
            again = await http.post(f"{path}/{given_up.id}/redeliver")
        assert (listed["id"], listed["log"][0]["http_status"]) == (given_up.id, 410)
        assert (again.status_code, again.json()["data"]["status"]) == (200, "pending")
    async with room.client(token=root) as http:
        not_its_own = await http.post(f"{own}/{given_up.id}/redeliver")
        unknown = await http.post(f"{every}/whd_1/redeliver")
    assert (not_its_own.status_code, unknown.status_code) == (404, 404)
    assert error_of(unknown)["message"] == 'there is no delivery "whd_1"'


async def test_a_hundred_submits_at_once_by_the_api_hold_a_budget(room: AdminRoom) -> None:
    root = await room.begin()
    _, token = await room.new_key(root, budget_usd_day=3.32)
    answers = await asyncio.gather(*(room.submit(token) for _ in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(402)) == (10, 90)


@pytest.mark.parametrize("path", ["accounts/%00", "accounts/%00/credits", "keys/%00"])
async def test_a_name_that_no_database_could_hold_is_not_found(room: AdminRoom, path: str) -> None:
    async with room.client(token=await room.begin()) as http:
        assert (await http.get(f"/v1/admin/{path}")).status_code == 404
        assert (await http.post("/v1/admin/keys/%00/disable")).status_code == 404
        assert (await http.get("/v1/admin/usage?account=%00")).status_code == 400
