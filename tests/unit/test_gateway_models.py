"""What the gateway says of its models and of itself: lists, JSON Schema, Markdown, OpenAPI."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from filmgate.catalogue import load_models
from filmgate.domain.api_key import KeyScope, hash_token
from filmgate.domain.errors import InvalidFields
from filmgate.gateway.model_schema import input_schema, markdown
from filmgate.gateway.openapi import openapi_document
from gateway_api_page import PAGE, api_page
from gateway_room import NOW, OTHER_TOKEN, TOKEN, Room

MODEL = load_models()["wan2.5-preview"]
IMAGE = "https://example.com/a.png"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


async def test_the_models_have_the_fields_that_clients_read(room: Room) -> None:
    async with room.client() as client:
        said = (await client.get("/v1/models")).json()
        none = (await client.get("/v1/models?category=image")).json()
    assert said == {
        "data": [
            {
                "id": "wan2.5-preview",
                "object": "model",
                "created": 1758672000,
                "owned_by": "filmgate",
                "supported_endpoint_types": ["video-generation"],
                "category": "video",
                "capability_tags": ["Text to Video", "Image to Video"],
                "title": "Wan 2.5 preview",
                "fps": 24,
                "resolutions": ["480p", "720p", "1080p"],
                "price_usd_per_second": {"480p": 0.0336, "720p": 0.0664, "1080p": 0.1096},
            }
        ],
        "object": "list",
        "success": True,
    }
    assert none["data"] == []


async def test_a_model_of_the_list_is_shown_by_its_id(room: Room) -> None:
    async with room.client() as client:
        (listed,) = (await client.get("/v1/models?expand=frames")).json()["data"]
        shown = await client.get("/v1/models/wan2.5-preview?expand=frames")
    assert (shown.status_code, shown.json()) == (200, listed)


@pytest.mark.parametrize("model", ["nothing", "sora-2", "%00"])
async def test_what_is_not_in_the_list_is_no_model(tmp_path: Path, model: str) -> None:
    room = Room(tmp_path, model_aliases={"sora-2": "wan2.5-preview"})
    async with room.client() as client:
        answer = await client.get(f"/v1/models/{model}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert answer.json()["error"]["message"].endswith("is not known; known are wan2.5-preview")


async def test_a_model_is_shown_to_every_key_that_may_use_it_and_to_no_other(room: Room) -> None:
    keys, one, two = room.store.key_list, hash_token(TOKEN), hash_token(OTHER_TOKEN)
    keys[one] = replace(keys[one], models=frozenset())
    keys[two] = replace(keys[two], scopes=frozenset({KeyScope.MANAGE}))
    path = "/v1/models/wan2.5-preview"
    async with room.client() as barred, room.client(token=OTHER_TOKEN) as manager:
        assert (await barred.get(path)).status_code == 404
        assert (await manager.get(path)).status_code == 200
    async with room.client(token=None) as nobody:
        assert (await nobody.get(path)).status_code == 401


async def test_the_schema_page_is_what_the_skill_client_expects(room: Room) -> None:
    async with room.client() as client:
        said = (
            await client.get("/v1/model-schema?model=wan2.5-preview&operation=video_generation")
        ).json()
    assert said["model"] == "wan2.5-preview"
    assert said["operation"] == "video_generation"
    assert said["input_schema"]["properties"]["duration"]["enum"] == [5, 10]


async def test_the_docs_page_is_what_the_skill_client_expects(room: Room) -> None:
    async with room.client() as client:
        said = (await client.get("/v1/model-docs?model=wan2.5-preview")).json()
        plain = await client.get(said["markdown_url"])
    assert said["object"] == "model.documentation"
    assert said["model"] == "wan2.5-preview"
    assert said["doc_url"].startswith("http://films.example/")
    assert said["fetched_at"] == int(NOW.timestamp())
    assert said["cache_ttl_seconds"] > 0
    assert said["stale"] is False
    assert plain.text == said["markdown"] == markdown(MODEL)
    assert plain.headers["content-type"] == "text/markdown; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "param", "message"),
    [
        ("/v1/model-schema", "model", "model is required; known are wan2.5-preview"),
        (
            "/v1/model-schema?model=x",
            "model",
            'model "x" is not known; known are wan2.5-preview',
        ),
        (
            "/v1/model-schema?model=wan2.5-preview&operation=image_generation",
            "operation",
            'operation must be video_generation, got "image_generation"',
        ),
        ("/v1/model-docs?model=", "model", 'model "" is not known; known are wan2.5-preview'),
    ],
)
async def test_a_wrong_question_about_a_model_is_a_400(
    room: Room, path: str, param: str, message: str
) -> None:
    async with room.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["message"] == message


def test_the_docs_name_every_field_and_size_and_price() -> None:
    text = markdown(MODEL)
    for name in MODEL.fields:
        assert f"| `{name}` |" in text
    assert "| 4:3 | – | 1088×832 | 1632×1248 |" in text
    assert "| 1080p | 0.1096 |" in text


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "prompt": st.sampled_from(["a cat", "", " ", "x" * 5000, "x" * 5001, 5, None]),
    "image_urls": st.sampled_from([[], [IMAGE], [IMAGE, IMAGE], ["data:image/png;base64,aa"], "x"]),
    "negative_prompt": st.sampled_from(["", "x" * 500, "x" * 501]),
    "resolution": st.sampled_from(["480p", "720p", "1080p", "4k", 720]),
    "duration": st.sampled_from([5, 10, 7, "5", True]),
    "size": st.sampled_from(["16:9", "9:16", "1:1", "4:3", "3:4", "2:1"]),
    "seed": st.sampled_from([0, 2**63 - 1, 2**63, -1, "1"]),
    "prompt_extend": st.sampled_from([True, False, 1, "true"]),
    "audio": st.sampled_from([True, False, 1]),
    "audio_url": st.sampled_from(["https://example.com/a.mp3", "ftp://x", 5]),
    "watermark": st.sampled_from([True, False, 0]),
    "webhook": st.sampled_from(["https://example.com", "ftp://x", 5]),
    "language": st.sampled_from(["en", "zh", "xx"]),
    "promt": st.just("x"),
}


@settings(max_examples=400)
@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_the_schema_takes_what_the_model_takes(body: dict[str, Any]) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    is_taken = True
    try:
        MODEL.accept(body, draw_seed=lambda: 1)
    except InvalidFields:
        is_taken = False
    assert jsonschema_rs.is_valid(input_schema(MODEL), body) is is_taken


@pytest.mark.parametrize("resolution", [None, "480p", "720p", "1080p"])
@pytest.mark.parametrize("size", ["16:9", "9:16", "1:1", "4:3", "3:4"])
def test_the_schema_knows_which_size_goes_with_which_resolution(
    resolution: str | None, size: str
) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    body = {"prompt": "a", "size": size} | ({"resolution": resolution} if resolution else {})
    is_taken = size in MODEL.frame_px[resolution or "720p"]
    assert jsonschema_rs.is_valid(input_schema(MODEL), body) is is_taken


DOCUMENT = json.loads(openapi_document(models=load_models(), version="9.9.9"))


def test_every_route_is_described_and_nothing_else(room: Room) -> None:
    routes = {
        (route.path.replace(":path", ""), method.lower())
        for route in room.app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    described = {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    assert described == routes


HEALTH = {"/healthz", "/readyz"}


def test_every_endpoint_says_what_keys_and_rates_may_make_it_answer() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            needed = set() if path in HEALTH else {"429"}
            needed |= {"401", "403"} if operation.get("security") != [] else set()
            assert needed <= set(operation["responses"]), (method, path)


def test_the_headers_that_retrying_clients_read_are_described() -> None:
    responses = DOCUMENT["components"]["responses"]
    submit = DOCUMENT["paths"]["/v1/videos/generations"]["post"]["responses"]
    video = DOCUMENT["paths"]["/v1/videos/{video_id}"]["get"]["responses"]
    assert "Retry-After" in responses["Error429"]["headers"]
    assert "x-should-retry" in responses["Error409"]["headers"]
    assert "Idempotency-Replayed" in submit["200"]["headers"]
    assert "openai-poll-after-ms" in video["200"]["headers"]
    assert "Retry-After" in video["429"]["headers"]
    assert "RateLimit-Remaining" in video["200"]["headers"]


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for inner in value.values() for ref in references(inner)]
        return [r for inner in value for r in references(inner)] if isinstance(value, list) else []

    found = references(DOCUMENT)
    assert found
    for reference in found:
        place = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_task_object_is_described_field_by_field() -> None:
    task = DOCUMENT["components"]["schemas"]["TaskObject"]
    assert set(task["required"]) == {
        "id",
        "status",
        "progress",
        "created",
        "estimated_time",
        "model",
        "seed",
        "orig_prompt",
        "queue_position",
        "stage",
    }
    assert task["properties"]["status"]["enum"] == [
        "cancelled",
        "completed",
        "failed",
        "pending",
        "processing",
    ]


async def test_the_document_needs_no_key_and_names_the_release(room: Room) -> None:
    async with room.client(token=None) as client:
        answer = await client.get("/openapi.json")
    assert answer.json() == DOCUMENT
    assert answer.json()["openapi"] == "3.1.0"
    assert answer.json()["info"]["version"] == "9.9.9"
    assert answer.headers["content-type"] == "application/json"


async def test_answers_keep_to_the_document(room: Room) -> None:
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    async with room.client() as client:
        submitted = await client.post(
            "/v1/videos/generations", json={"model": "wan2.5-preview", "prompt": "a"}
        )
        task_id = submitted.json()["data"][0]["task_id"]
        await room.completed(task_id)
        answers = {
            "SubmittedEnvelope": submitted,
            "TaskEnvelope": await client.get(f"/v1/tasks/{task_id}"),
            "TaskPage": await client.get("/v1/tasks"),
            "ModelList": await client.get("/v1/models"),
            "ErrorEnvelope": await client.get("/nowhere"),
            "Health": await client.get("/healthz"),
        }
    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        jsonschema_rs.validate(schema, answer.json())


def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == api_page(), "run tests/gateway_api_page.py"
