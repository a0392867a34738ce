"""What is refused of any request: what is said twice, and names of a query that nobody reads; in
the shape of the door that was asked.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_room import SIMPLE, TOKEN, Room

SUBMIT = "/v1/videos/generations"
BEARER = ("Authorization", f"Bearer {TOKEN}")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize(
    "name", ["Idempotency-Key", "Authorization", "X-APIMart-Response-Version", "Content-Type"]
)
async def test_a_header_that_stands_there_twice_is_refused_and_nothing_is_made(
    room: Room, name: str
) -> None:
    own = [] if name == "Authorization" else [BEARER]
    async with room.client(token=None) as client:
        answer = await client.post(SUBMIT, json=SIMPLE, headers=[*own, (name, "a"), (name, "b")])
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == name
    assert answer.json()["error"]["message"] == f"{name} must be given once, got it 2 times"
    assert not room.store.kept


async def test_headers_that_may_stand_there_twice_do(room: Room) -> None:
    twice = [BEARER, ("Accept", "a/b"), ("Accept", "*/*"), ("Cookie", "a=1"), ("Cookie", "b=2")]
    async with room.client(token=None) as client:
        answer = await client.get("/v1/tasks", headers=twice)
    assert answer.status_code == 200


async def test_each_door_says_it_in_its_own_shape(room: Room) -> None:
    twice = [BEARER, BEARER]
    async with room.client(token=None) as client:
        own = (await client.get("/v1/tasks", headers=twice)).json()
        openai = (await client.get("/v1/videos", headers=twice)).json()
        dashscope = (await client.get("/api/v1/tasks", headers=twice)).json()
    assert set(own["error"]) == {"code", "message", "type", "param"}
    assert openai["error"]["code"] == "invalid_fields"
    assert set(dashscope) == {"code", "message", "request_id"}


@pytest.mark.parametrize(
    ("path", "param", "message"),
    [
        ("/v1/tasks?limt=5", "limt", '"limt" is not a query parameter of this path; did you mean'),
        ("/v1/balance?q=5", "q", '"q" is not a query parameter of this path; there is none'),
        ("/usage?xyz=1", "xyz", '"xyz" is not a query parameter of this path; known are '),
        ("/v1/model-docs?model=wan2.5-preview&xy=1", "xy", "known are model, format"),
        ("/v1/tasks?limit=5&limit=6", "limit", "limit must be given once, got it 2 times"),
        ("/v1/videos?limit=5&limit=6", "limit", "limit must be given once, got it 2 times"),
        ("/v1/tasks?model=a%00", "model", "model must not contain the character U+0000"),
        ("/v1/tasks?expand=films", "expand", 'expand must be request, got "films"'),
        ("/v1/tasks/x/events?expand=films", "expand", 'expand must be request, got "films"'),
        (
            "/v1/model-docs?model=wan2.5-preview&format=pdf",
            "format",
            'format must be json or markdown, got "pdf"',
        ),
    ],
)
async def test_a_query_that_is_not_understood_is_a_400_that_says_why(
    room: Room, path: str, param: str, message: str
) -> None:
    async with room.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/videos", "/v1/models", "/v1/models/wan2.5-preview", "/api/v1/tasks"),
        *("/healthz", "/", "/openapi.json"),
    ],
)
async def test_clients_of_other_apis_and_probes_may_ask_with_names_of_their_own(
    room: Room, path: str
) -> None:
    async with room.client() as client:
        answer = await client.get(f"{path}?api-version=2026-01-01&_=1")
    assert answer.status_code == 200


async def test_a_task_is_told_whatever_else_its_query_says(room: Room) -> None:
    """It is paid for: a client's habit, such as a number against caches, keeps nobody from it."""
    async with room.client() as client:
        made = await client.post(SUBMIT, json=SIMPLE)
        task_id = made.json()["data"][0]["task_id"]
        answer = await client.get(f"/v1/tasks/{task_id}?_=1700000000&language=tlh")
    assert answer.status_code == 200


async def test_a_wrong_query_is_told_before_a_task_is_cancelled(room: Room) -> None:
    async with room.client() as client:
        made = await client.post(SUBMIT, json=SIMPLE)
        task_id = made.json()["data"][0]["task_id"]
        answer = await client.post(f"/v1/tasks/{task_id}/cancel?expand=all")
    assert answer.status_code == 400
    assert not room.store.kept[task_id].is_final


async def test_a_body_or_query_full_of_unknown_names_gets_a_short_answer(room: Room) -> None:
    names = [f"promp{number}" for number in range(2000)]
    async with room.client() as client:
        body = await client.post(SUBMIT, json=dict.fromkeys(names, 1) | {"model": SIMPLE["model"]})
        query = await client.get("/v1/tasks?" + "&".join(f"{name}=1" for name in names))
    for answer in (body, query):
        assert answer.status_code == 400
        assert len(answer.content) < 10_000


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/videos/x/y", 404, "unknown_route"),
        ("/v1/videos/task_x", 404, "video_not_found"),
    ],
)
async def test_the_openai_door_says_unknown_paths_in_its_shape(
    room: Room, path: str, status: int, code: str
) -> None:
    async with room.client() as client:
        answer = await client.get(path)
        wrong = await client.put("/v1/videos")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["param"] is None
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, POST")
    assert wrong.json()["error"]["code"] == "method_not_allowed"


async def test_what_nobody_foresaw_is_said_in_the_openai_shape_too(room: Room) -> None:
    room.store.submit_error = KeyError("a secret")
    async with room.client() as client:
        answer = await client.post("/v1/videos", json={"prompt": "a"})
    assert answer.status_code == 500
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "secret" not in answer.text


async def test_a_range_beyond_a_film_is_said_in_the_shape_of_its_door(room: Room) -> None:
    async with room.client() as client:
        made = await client.post("/v1/videos", json={"prompt": "a"})
        task_id = made.json()["id"]
        await room.completed(task_id, film=b"film")
        answer = await client.get(f"/v1/videos/{task_id}/content", headers={"Range": "bytes=9-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */4"
    assert answer.json()["error"]["code"] == "range_not_satisfiable"
