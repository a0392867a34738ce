"""Real answers against the API's own document: each status and each header is described there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_room import AdminRoom
from filmgate.catalogue import load_models
from filmgate.gateway.openapi import openapi_document
from filmgate.store.store import PostgresStore
from gateway_room import SIMPLE

DOCUMENT = json.loads(openapi_document(models=load_models(), version="9.9.9"))
OF_HTTP = {"content-type", "content-length", "allow", "x-accel-buffering"}
FOR_BROWSERS = {
    *("cache-control", "content-security-policy", "x-content-type-options"),
    *("referrer-policy", "x-frame-options"),
}
SUBMIT, VIDEO = "/v1/videos/generations", "/v1/videos/{video_id}"
SYNTHESIS = "/api/v1/services/aigc/video-generation/video-synthesis"
ABSENT = "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"


@pytest.fixture
def room(tmp_path: Path, store: PostgresStore) -> AdminRoom:
    return AdminRoom(
        tmp_path, store, key_requests_per_minute=9_999, address_requests_per_minute=9_999
    )


def described(path: str, method: str, status: int) -> set[str]:
    """The headers that the document gives an answer. The status must be there."""
    answers = DOCUMENT["paths"][path][method.lower()]["responses"]
    answer = answers[str(status)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return {name.lower() for name in answer["headers"]}


def check(path: str, answer: httpx.Response) -> None:
    """Every header of the answer is described for it."""
    method = answer.request.method.replace("HEAD", "GET")
    sent = set(answer.headers) - OF_HTTP - FOR_BROWSERS
    missing = sent - described(path, method, answer.status_code)
    assert not missing, (method, path, answer.status_code, missing)


def url_of(path: str, name: str = "x") -> str:
    """The path with one name in each of its places."""
    parts = [name if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


async def test_every_header_of_every_get_is_described(room: AdminRoom) -> None:
    root = await room.begin()
    async with room.client(token=root) as keyed, room.client(token=None) as keyless:
        for path, item in DOCUMENT["paths"].items():
            if "get" not in item:
                continue
            for client, name in ((keyed, "x"), (keyed, ABSENT), (keyless, "x")):
                check(path, await client.get(url_of(path, name)))
            twice = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
            refused = await keyless.get(url_of(path), headers=twice)
            assert refused.status_code == 400
            check(path, refused)


async def test_every_header_of_every_refused_change_is_described(room: AdminRoom) -> None:
    root = await room.begin()
    async with room.client(token=root) as keyed, room.client(token=None) as keyless:
        for path, item in DOCUMENT["paths"].items():
            for method in item.keys() - {"get"}:
                if path != "/mcp":  # its package answers only while the app's lifespan runs
                    check(path, await keyed.request(method, url_of(path), content=b"x"))
                check(path, await keyless.request(method, url_of(path)))


async def test_every_header_of_a_film_from_submit_to_file_is_described(room: AdminRoom) -> None:
    token = await room.begin()
    version = {"X-APIMart-Response-Version": "2026-07-27"}
    asynchronous = {"X-DashScope-Async": "enable"}
    spoken = {"model": "wan2.5-t2v-preview", "input": {"prompt": "a"}}
    passed_over = {"prompt": "a", "num_inference_steps": 4}
    async with room.client(token=token) as http:

        async def told(path: str, method: str, url: str = "", **given: Any) -> httpx.Response:
            answer = await http.request(method, url or path, **given)
            check(path, answer)
            return answer

        for number, (path, body, headers) in enumerate(
            ((SUBMIT, SIMPLE, {}), (SUBMIT, SIMPLE, version), (SYNTHESIS, spoken, asynchronous))
        ):
            named = {**headers, "Idempotency-Key": f"k{number}"}
            await told(path, "POST", json=body, headers=named)
            again = await told(path, "POST", json=body, headers=named)
            assert again.headers["idempotency-replayed"] == "true"
        made = await told("/v1/videos", "POST", json=passed_over)
        assert "x-filmgate-passed-over" in made.headers
        await told(VIDEO, "GET", f"/v1/videos/{made.json()['id']}")
        unfinished = f"/v1/videos/{made.json()['id']}/content"
        await told(f"{VIDEO}/content", "GET", unfinished)
        reused = await told(SUBMIT, "POST", json=SIMPLE | {"seed": 5}, headers=named)
        assert reused.status_code == 409


async def test_an_answer_tells_the_rate_under_both_names(room: AdminRoom) -> None:
    async with room.client(token=await room.begin()) as http:
        answer = await http.get("/v1/models")
    for name in ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"):
        assert name in answer.headers
        assert answer.headers[f"x-{name}"] == answer.headers[name]
        assert name in described("/v1/models", "GET", 200)
