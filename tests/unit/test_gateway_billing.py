"""Balance and usage over HTTP: shapes, rules of the query, CSV, and the language of failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from filmgate.domain.ledger import Balance
from filmgate.domain.task import Failure
from filmgate.domain.usage import UsageLine
from gateway_room import NOW, SIMPLE, Room

LIMITED = Balance(
    granted=12_800_000, available=10_500_000, held=0, captured=2_300_000, is_limited=True
)


@pytest.fixture
def room(tmp_path) -> Room:
    return Room(tmp_path)


def line(
    model: str | None = None, day: int | None = None, amount_micro_usd: int = 332_000
) -> UsageLine:
    return UsageLine(
        model=model, day_index=day, requests=1, seconds=5, amount_micro_usd=amount_micro_usd
    )


@pytest.mark.parametrize("path", ["/v1/user/balance", "/user/balance"])
async def test_an_accounts_balance_says_what_is_left_and_what_was_used(room, path):
    room.store.balance_kept = LIMITED
    async with room.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "remain_balance": 10.5,
        "used_balance": 2.3,
        "remain_credits": 105.0,
        "used_credits": 23.0,
        "unlimited_quota": False,
    }


@pytest.mark.parametrize("path", ["/v1/balance", "/balance"])
async def test_a_keys_balance_is_its_own_use_and_its_accounts_rest(room, path):
    room.store.balance_kept, room.store.captured = LIMITED, 332_000
    async with room.client() as client:
        said = (await client.get(path)).json()
    assert (said["remain_balance"], said["used_balance"], said["used_credits"]) == (
        10.5,
        0.332,
        3.32,
    )


async def test_an_account_without_a_limit_has_minus_one_left(room):
    room.store.balance_kept = replace(LIMITED, is_limited=False)
    async with room.client() as client:
        said = (await client.get("/v1/balance")).json()
    assert (said["remain_balance"], said["remain_credits"], said["unlimited_quota"]) == (
        -1,
        -1,
        True,
    )


@pytest.mark.parametrize("path", ["/v1/balance", "/v1/user/balance", "/v1/usage", "/usage"])
async def test_balance_and_usage_need_a_key(room, path):
    async with room.client(token=None) as client:
        assert (await client.get(path)).status_code == 401


async def test_usage_is_the_last_thirty_days_of_this_key_unless_it_is_asked_otherwise(room):
    room.store.usage_lines = [line()]
    async with room.client() as client:
        said = (await client.get("/v1/usage")).json()
    wanted = room.store.usage_asked[0]

    assert said == {
        "success": True,
        "start": "2026-10-25",
        "end": "2026-11-23",
        "timezone": "UTC",
        "group_by": "none",
        "scope": "key",
        "total": {"requests": 1, "seconds": 5, "amount_usd": 0.332, "credits": 3.32},
        "data": [{"requests": 1, "seconds": 5, "amount_usd": 0.332, "credits": 3.32}],
    }
    assert (wanted.api_key_id, wanted.by_model, wanted.by_day) == ("key_one", False, False)
    assert len(wanted.boundaries) == 31


async def test_usage_by_model_and_date_of_the_whole_account(room):
    room.store.usage_lines = [line("a", 0), line("b", 1, 168_000)]
    query = {"start": "2026-11-01", "end": "2026-11-02", "group_by": "model,date"}
    async with room.client() as client:
        said = (await client.get("/usage", params=query | {"scope": "account"})).json()

    assert [(row["date"], row["model"], row["amount_usd"]) for row in said["data"]] == [
        ("2026-11-01", "a", 0.332),
        ("2026-11-02", "b", 0.168),
    ]
    assert said["total"]["amount_usd"] == 0.5
    assert room.store.usage_asked[0].api_key_id is None


async def test_days_are_those_of_the_time_zone_and_as_long_as_it_makes_them(room):
    query = {"start": "2026-10-25", "end": "2026-10-26", "timezone": "Europe/Berlin"}
    async with room.client() as client:
        said = (await client.get("/v1/usage", params=query)).json()
    first, second, third = (
        moment.astimezone(NOW.tzinfo) for moment in room.store.usage_asked[0].boundaries
    )

    assert said["timezone"] == "Europe/Berlin"
    assert second - first == timedelta(hours=25)
    assert third - second == timedelta(hours=24)


async def test_today_is_that_of_the_time_zone(room):
    async with room.client() as client:
        answer = await client.get("/v1/usage", params={"timezone": "Pacific/Kiritimati"})
    assert answer.json()["end"] == "2026-11-24"


@pytest.mark.parametrize(
    "ask",
    [
        {"params": {"format": "csv"}},
        {"headers": {"Accept": "text/html, text/csv;q=0.9"}},
    ],
)
async def test_usage_as_csv_has_a_heading_and_a_line_a_row(room, ask):
    room.store.usage_lines = [line("wan2.5-preview", 0), line("wan2.5-preview", 3)]
    query = {"start": "2026-11-01", "end": "2026-11-04", "group_by": "date,model"}
    async with room.client() as client:
        answer = await client.get(
            "/v1/usage", params=query | ask.get("params", {}), headers=ask.get("headers", {})
        )
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="usage-2026-11-01-2026-11-04.csv"' in answer.headers["content-disposition"]
    assert answer.text == (
        "date,model,requests,seconds,amount_usd,credits\r\n"
        "2026-11-01,wan2.5-preview,1,5,0.332,3.32\r\n"
        "2026-11-04,wan2.5-preview,1,5,0.332,3.32\r\n"
    )


@pytest.mark.parametrize(
    ("query", "param", "said"),
    [
        ({"start": "2026-13-01"}, "start", "must be a day such as 2026-11-23, got"),
        ({"end": "yesterday"}, "end", "must be a day such as 2026-11-23, got"),
        ({"end": "0001-01-01"}, "end", "must be a day such as"),
        (
            {"start": "2026-11-01", "end": "2026-12-02"},
            "start",
            "start to end must be 1 to 31 days, got 2026-11-01 to 2026-12-02",
        ),
        ({"start": "2026-11-02", "end": "2026-11-01"}, "start", "must be 1 to 31 days"),
        ({"group_by": "hour"}, "group_by", 'none, model, date or model,date, got "hour"'),
        ({"scope": "world"}, "scope", 'scope must be key or account, got "world"'),
        ({"timezone": "Mars/Olympus"}, "timezone", "must be UTC or a name"),
        ({"timezone": "../../etc/passwd"}, "timezone", "must be UTC or a name"),
        ({"timezone": "Europe"}, "timezone", "must be UTC or a name"),
        ({"format": "xlsx"}, "format", 'format must be json or csv, got "xlsx"'),
    ],
)
async def test_a_question_that_breaks_a_rule_is_told_which(room, query, param, said):
    async with room.client() as client:
        answer = await client.get("/v1/usage", params=query)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param)
    assert said in error["message"]


async def failed_task(room: Room, client, **fields) -> str:
    answer = await client.post("/v1/videos/generations", json=SIMPLE | fields)
    task_id = answer.json()["data"][0]["task_id"]
    message = "audio_url must last 3 to 30 seconds, got 2 seconds"
    failure = Failure(code="input_audio_too_short", message=message, param="audio_url")
    task = replace(room.store.kept[task_id], attempt=1)
    room.store.change(task.failed(attempt=1, failure=failure, at=NOW))
    return task_id


@pytest.mark.parametrize(
    ("fields", "query", "said"),
    [
        ({}, {}, "audio_url must last 3 to 30 seconds, got 2 seconds"),
        ({}, {"language": "zh"}, "audio_url 的时长必须为 3 到 30 秒，实际为 2 秒"),
        ({"language": "zh"}, {}, "audio_url 的时长必须为 3 到 30 秒，实际为 2 秒"),
        (
            {"language": "zh"},
            {"language": "en"},
            "audio_url must last 3 to 30 seconds, got 2 seconds",
        ),
        ({}, {"language": "ja"}, "audio_url must last 3 to 30 seconds, got 2 seconds"),
        ({}, {"language": "tlh"}, "audio_url must last 3 to 30 seconds, got 2 seconds"),
        ({}, {"language": "zh-CN"}, "audio_url 的时长必须为 3 到 30 秒，实际为 2 秒"),
    ],
)
async def test_a_failure_is_said_in_the_language_that_was_asked_for(room, fields, query, said):
    async with room.client() as client:
        task_id = await failed_task(room, client, **fields)
        data = (await client.get(f"/v1/tasks/{task_id}", params=query)).json()["data"]
    assert data["error"] == {
        "code": "input_audio_too_short",
        "message": said,
        "type": "task_failed",
        "param": "audio_url",
    }
