"""The APIMart dialect over a store in memory: what is on the wire, to the byte where it counts."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from filmgate.domain.errors import (
    DatabaseAway,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InsufficientCredits,
    OutcomeUnknown,
    QueueFull,
)
from filmgate.domain.task import Failure, Status
from filmgate.gateway import events
from filmgate.gateway.door import VISIT, Visit
from filmgate.service.previews import PreviewWatch
from gateway_room import NOW, OTHER_TOKEN, SIMPLE, TOKEN, Room

SUBMIT = "/v1/videos/generations"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


async def submitted(room: Room, body: dict[str, object] | None = None) -> str:
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=body or SIMPLE)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]["task_id"]


async def test_a_submit_is_answered_exactly_as_the_contract_says(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE)
    task_id = next(iter(room.store.kept))
    assert answer.status_code == 200
    assert answer.content == (
        b'{"code":200,"data":[{"status":"submitted","task_id":"%s"}]}' % task_id.encode()
    )
    assert re.fullmatch("task_[0-9A-HJKMNP-TV-Z]{26}", task_id)
    assert answer.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in answer.headers


async def test_the_version_header_gives_a_ticket_and_comes_back(room: Room) -> None:
    headers = {"X-APIMart-Response-Version": "2026-07-27"}
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE, headers=headers)
    task_id = next(iter(room.store.kept))
    assert answer.status_code == 202
    assert answer.json() == {
        "code": 202,
        "data": {
            "id": task_id,
            "object": "generation.task",
            "status": "pending",
            "poll_url": f"http://films.example/v1/tasks/{task_id}",
        },
    }
    assert answer.headers["x-apimart-response-version"] == "2026-07-27"


async def test_another_version_is_refused_and_nothing_is_submitted(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(
            SUBMIT, json=SIMPLE, headers={"X-APIMart-Response-Version": "2027-01-01"}
        )
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        'X-APIMart-Response-Version must be 2026-07-27 or absent, got "2027-01-01"'
    )
    assert not room.store.kept


async def test_a_replay_says_so(room: Room) -> None:
    async with room.client() as client:
        first = await client.post(SUBMIT, json=SIMPLE, headers={"Idempotency-Key": "a"})
        again = await client.post(SUBMIT, json=SIMPLE, headers={"Idempotency-Key": "a"})
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "a b", "x" * 192, "ä"])
async def test_a_malformed_idempotency_key_is_a_400(room: Room, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("error", "status", "code", "kind", "headers"),
    [
        (
            IdempotencyKeyReused("used for another body"),
            409,
            "idempotency_key_reused",
            "idempotency_error",
            {"x-should-retry": "false"},
        ),
        (
            IdempotencyInProgress("not answered yet"),
            409,
            "idempotency_in_progress",
            "idempotency_error",
            {"x-should-retry": "false", "retry-after": "1"},
        ),
        (InsufficientCredits("costs 0.332"), 402, "insufficient_credits", "payment_required", {}),
        (
            QueueFull("full", retry_after_s=7),
            429,
            "queue_full",
            "rate_limit_error",
            {"retry-after": "7"},
        ),
        (DatabaseAway("away"), 503, 503, "service_unavailable", {"retry-after": "1"}),
        (
            OutcomeUnknown("task_X"),
            503,
            "outcome_unknown",
            "service_unavailable",
            {"retry-after": "1"},
        ),
    ],
)
async def test_every_refusal_of_the_store_has_its_status_code_and_headers(
    room: Room,
    error: Exception,
    status: int,
    code: object,
    kind: str,
    headers: dict[str, str],
) -> None:
    room.store.submit_error = error
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE)
    assert answer.status_code == status
    assert answer.json() == {"error": {"code": code, "message": str(error), "type": kind}}
    assert {name: answer.headers.get(name) for name in headers} == headers


async def test_all_broken_rules_are_listed(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE | {"duration": 7, "audio": False})
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": 400,
        "message": "duration must be 5 or 10 seconds, got 7; "
        "audio must be true, got false: this model has no silent video",
        "type": "invalid_request_error",
        "param": "duration",
        "details": [
            {"param": "duration", "message": "duration must be 5 or 10 seconds, got 7"},
            {
                "param": "audio",
                "message": "audio must be true, got false: this model has no silent video",
            },
        ],
    }


async def test_one_broken_rule_has_no_details(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE | {"duration": 7})
    assert answer.content == (
        b'{"error":{"code":400,"message":"duration must be 5 or 10 seconds, got 7",'
        b'"type":"invalid_request_error","param":"duration"}}'
    )


async def test_a_waiting_task_shows_what_is_known_and_nothing_else(room: Room) -> None:
    task_id = await submitted(room, SIMPLE | {"seed": 7})
    async with room.client() as client:
        answer = await client.get(f"/v1/tasks/{task_id}")
    assert answer.json() == {
        "code": 200,
        "data": {
            "id": task_id,
            "status": "pending",
            "progress": 0,
            "created": int(NOW.timestamp()),
            "estimated_time": 20,
            "model": "wan2.5-preview",
            "seed": 7,
            "orig_prompt": SIMPLE["prompt"],
            "queue_position": 1,
            "stage": "queue",
        },
    }


async def test_a_completed_task_has_result_cost_and_times(room: Room) -> None:
    task_id = await submitted(room, SIMPLE | {"seed": 7})
    task = await room.completed(task_id)
    async with room.client() as client:
        answer = await client.get(f"/v1/tasks/{task_id}?language=de")
    data = answer.json()["data"]
    assert "/1/thumbnail.jpg?expires=" in data.pop("thumbnail_url")
    assert task.expires_at is not None
    path = room.links.path(task.result_key, expires_at=task.expires_at)
    assert data == {
        "id": task_id,
        "status": "completed",
        "progress": 100,
        "created": int(NOW.timestamp()),
        "completed": int(NOW.timestamp()) + 19,
        "estimated_time": 19,
        "actual_time": 19,
        "cost": 0.332,
        "credits_cost": 3.32,
        "result": {
            "videos": [
                {
                    "url": [f"http://films.example{path}"],
                    "expires_at": int(NOW.timestamp()) + 19 + 86400,
                }
            ]
        },
        "model": "wan2.5-preview",
        "seed": 7,
        "orig_prompt": SIMPLE["prompt"],
        "engine": "draft",
        "queue_position": 0,
        "stage": "done",
        "width": 1280,
        "height": 720,
    }
    assert isinstance(data["progress"], int)


async def test_a_failed_task_has_its_error_and_costs_nothing(room: Room) -> None:
    task_id = await submitted(room)
    failure = Failure(code="input_audio_too_short", message="too short", param="audio_url")
    task = replace(room.store.kept[task_id], attempt=1)
    room.store.change(task.failed(attempt=1, failure=failure, at=NOW))
    async with room.client() as client:
        answer = await client.get(f"/v1/tasks/{task_id}")
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert data["status"] == "failed"
    assert data["progress"] == 100
    assert data["completed"] == int(NOW.timestamp())
    assert data["error"] == {
        "code": "input_audio_too_short",
        "message": "too short",
        "type": "task_failed",
        "param": "audio_url",
    }
    assert {"result", "cost", "credits_cost", "actual_time"}.isdisjoint(data)


async def test_only_a_completed_task_shows_a_result(room: Room) -> None:
    task_id = await submitted(room)
    ended = await room.completed(task_id)
    failure = Failure(code="engine_failed", message="no")
    room.store.change(replace(ended, status=Status.FAILED, failure=failure))
    async with room.client() as client:
        data = (await client.get(f"/v1/tasks/{task_id}")).json()["data"]
    assert {"result", "cost", "credits_cost"}.isdisjoint(data)
    assert data["error"] == {"code": "engine_failed", "message": "no", "type": "task_failed"}


@pytest.mark.parametrize(
    "task_id", ["x", "task_0", "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ", "%00", "task_" + "I" * 26, "ü"]
)
async def test_an_unknown_task_is_a_400(room: Room, task_id: str) -> None:
    async with room.client() as client:
        for answer in [
            await client.get(f"/v1/tasks/{task_id}"),
            await client.post(f"/v1/tasks/{task_id}/cancel"),
            await client.get(f"/v1/tasks/{task_id}/events"),
        ]:
            assert answer.status_code == 400
            assert answer.content == (
                b'{"error":{"code":400,"message":"Invalid task ID","type":"invalid_request_error"}}'
            )


async def test_somebody_elses_task_is_no_task(room: Room) -> None:
    task_id = await submitted(room)
    async with room.client(token=OTHER_TOKEN) as client:
        answers = [
            await client.get(f"/v1/tasks/{task_id}"),
            await client.post(f"/v1/tasks/{task_id}/cancel"),
            await client.get(f"/v1/tasks/{task_id}/events"),
        ]
        page = await client.get("/v1/tasks")
    assert [answer.json()["error"]["message"] for answer in answers] == ["Invalid task ID"] * 3
    assert page.json() == {"code": 200, "data": [], "next_cursor": None}


@pytest.mark.parametrize("wait", ["61", "-1", "abc", "", "1e1", "nan", "60.001"])
async def test_a_wait_outside_0_to_60_is_refused(room: Room, wait: str) -> None:
    task_id = await submitted(room)
    async with room.client() as client:
        answer = await client.get(f"/v1/tasks/{task_id}", params={"wait": wait})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f'wait must be 0 to 60 seconds, got "{wait}"'


async def test_wait_answers_at_the_change(room: Room) -> None:
    task_id = await submitted(room)
    async with room.client() as client, asyncio.TaskGroup() as group, asyncio.timeout(10):
        watching = group.create_task(room.watch.run())
        asked = group.create_task(client.get(f"/v1/tasks/{task_id}?wait=60"))
        for _ in range(2):
            await room.store.reads.acquire()
        task = replace(
            room.store.kept[task_id], progress=10, stage="make", status=Status.PROCESSING
        )
        room.store.change(task)
        answer = await asked
        watching.cancel()
    assert answer.json()["data"]["progress"] == 10


async def test_wait_on_an_ended_task_answers_at_once(room: Room) -> None:
    task_id = await submitted(room)
    await room.completed(task_id)
    async with room.client() as client, asyncio.timeout(5):
        answer = await client.get(f"/v1/tasks/{task_id}?wait=60")
    assert answer.json()["data"]["status"] == "completed"


async def test_pages_join_without_gap_or_double(room: Room) -> None:
    ids = [await submitted(room) for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    async with room.client() as client:
        while cursor is not None:
            params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/v1/tasks", params=params)).json()
            assert page["code"] == 200
            seen += [task["id"] for task in page["data"]]
            cursor = page["next_cursor"]
    assert seen == sorted(ids, reverse=True)


async def test_a_page_that_is_exactly_full_is_the_last(room: Room) -> None:
    for _ in range(3):
        await submitted(room)
    async with room.client() as client:
        page = (await client.get("/v1/tasks?limit=3")).json()
    assert len(page["data"]) == 3
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=nope", "cursor"),
        ("status=running", "status"),
    ],
)
async def test_a_wrong_filter_is_a_400(room: Room, query: str, param: str) -> None:
    async with room.client() as client:
        answer = await client.get(f"/v1/tasks?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_a_task_is_cancelled_once_and_stays_so(room: Room) -> None:
    task_id = await submitted(room)
    async with room.client() as client:
        first = await client.post(f"/v1/tasks/{task_id}/cancel")
        again = await client.post(f"/v1/tasks/{task_id}/cancel")
    for answer in (first, again):
        assert answer.status_code == 200
        assert answer.json()["data"]["status"] == "cancelled"
        assert answer.json()["data"]["completed"] == int(NOW.timestamp())


async def test_a_completed_task_cannot_be_cancelled(room: Room) -> None:
    task_id = await submitted(room)
    await room.completed(task_id)
    async with room.client() as client:
        answer = await client.post(f"/v1/tasks/{task_id}/cancel")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "task_not_cancellable"
    assert answer.headers["x-should-retry"] == "false"


def parsed(stream: str) -> list[dict[str, str]]:
    blocks = [block for block in stream.split("\n\n") if block]
    return [
        dict(line.split(": ", 1) for line in block.splitlines())
        for block in blocks
        if not block.startswith(":")
    ]


async def test_events_tell_the_end_and_stop(room: Room) -> None:
    task_id = await submitted(room)
    await room.completed(task_id)
    async with room.client() as client, asyncio.timeout(5):
        answer = await client.get(f"/v1/tasks/{task_id}/events")
        shown = await client.get(f"/v1/tasks/{task_id}")
    (event,) = parsed(answer.text)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert event["event"] == "task"
    assert b"%s" % event["data"].encode() in shown.content


async def test_events_of_an_ended_task_call_nobody_back_once_they_are_known(room: Room) -> None:
    task_id = await submitted(room)
    await room.completed(task_id)
    async with room.client() as client, asyncio.timeout(5):
        first = parsed((await client.get(f"/v1/tasks/{task_id}/events")).text)
        headers = {"Last-Event-ID": first[0]["id"]}
        again = await client.get(f"/v1/tasks/{task_id}/events", headers=headers)
        other = await client.get(f"/v1/tasks/{task_id}/events", headers={"Last-Event-ID": "x"})
    assert (again.status_code, again.text) == (204, "")
    assert (other.status_code, parsed(other.text)) == (200, first)


async def test_events_follow_every_change_with_heartbeats_between(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.01)
    task_id = await submitted(room)
    previews = PreviewWatch(room.deps.store)
    handler = events.Events(
        deps=room.deps, settings=room.settings, watch=room.watch, previews=previews
    )
    async with asyncio.timeout(10):
        answer = await handler.follow(request_for(f"/v1/tasks/{task_id}/events", task_id=task_id))
        assert isinstance(answer, StreamingResponse)
        stream = answer.body_iterator
        assert b'"status":"pending"' in await anext(stream)
        assert await anext(stream) == b": still here\n\n"
        room.store.change(
            replace(room.store.kept[task_id], progress=9, status=Status.PROCESSING, stage="make")
        )
        assert b'"progress":9' in await anext(stream)
        await room.completed(task_id)
        assert b'"status":"completed"' in await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert handler._open == 0


def request_for(path: str, **params: str) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": path,
            "path_params": params,
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"authorization", f"Bearer {TOKEN}".encode()), (b"host", b"a.example")],
            VISIT: Visit("x"),
        }
    )


async def test_too_many_event_streams_are_refused(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 0)
    task_id = await submitted(room)
    async with room.client() as client:
        answer = await client.get(f"/v1/tasks/{task_id}/events")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
