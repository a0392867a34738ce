"""The paths of the OpenAI Videos door, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from filmgate.gateway.body import URLENCODED
from filmgate.gateway.openai_videos import PAGE_DEFAULT, PASSED_OVER, POLL_AFTER, VARIANTS
from filmgate.gateway.openai_wire import Video, VideoDeleted, VideoErrorEnvelope, VideoList
from filmgate.gateway.openapi_headers import REPLAYED, file_answers
from filmgate.gateway.openapi_parts import (
    REF,
    Json,
    content,
    json_content,
    operation,
    parameter,
)
from filmgate.service.read_task import PAGE_MAX

VIDEO_ANSWERS = (Video, VideoList, VideoDeleted, VideoErrorEnvelope)
"""The structs whose schemas these paths name."""

_TEXT: Json = {"type": "string"}
_ID = parameter("video_id", "path", _TEXT, "The task's id.")
_FORM: Json = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string"},
        "model": {"type": "string", "description": "A model or an alias of one."},
        "seconds": {"type": "string", "description": "The nearest length is made.", "default": "4"},
        "size": {
            "type": "string",
            "description": "WIDTHxHEIGHT in pixels; the nearest size is made.",
            "default": "720x1280",
        },
        "input_reference": {"description": "A picture to start from: a file, or its URL."},
    },
    "additionalProperties": {"description": "Any field of POST /v1/videos/generations."},
}
_POLL: Json = {
    POLL_AFTER.decode(): {
        "schema": {"type": "integer"},
        "description": "Unfinished videos: how long to wait before asking again.",
    }
}
_NEEDED = {"required": ["prompt"]}
_IDEMPOTENCY = parameter("Idempotency-Key", "header", _TEXT, "As at POST /v1/videos/generations.")


def video_paths() -> Json:
    """Return the paths."""
    refused = {
        f"/v1/videos/{name}": {"post": _refused(name)}
        for name in ("edits", "extensions", "characters")
    }
    return {
        "/v1/videos": {"post": _create(), "get": _list()},
        "/v1/videos/{video_id}": {
            "get": _operation("Show a video", "showVideo", "Video", parameters=[_ID]),
            "delete": _operation(
                "Delete a video, its files and its prompts",
                "deleteVideo",
                "VideoDeleted",
                parameters=[_ID],
            ),
        },
        "/v1/videos/{video_id}/content": {"get": _content()},
        "/v1/videos/{video_id}/remix": {"post": _remix()},
        **refused,
    }


def _operation(
    summary: str,
    name: str,
    answer: str | None,
    *,
    parameters: list[Json],
    responses: Mapping[str, Json] | None = None,
    errors: tuple[int, ...] = (404,),
) -> Json:
    """An operation whose errors have this door's shape."""
    described = operation(summary, name, None, parameters=parameters)
    said: Json = {"200": json_content("OK", answer)} if answer else {}
    if answer == "Video":
        said["200"] = cast("Json", said["200"]) | {"headers": _POLL}
    shape: Json = {"$ref": f"{REF}VideoErrorEnvelope"}
    answers: Json = {**said, **(responses or {})}
    for status in sorted({400, 401, 403, 429, 500, 503, *errors}):
        answers[str(status)] = content("The error, in that API's shape", "application/json", shape)
    return {**described, "responses": answers}


def _accepted() -> dict[str, Json]:
    """The answer to a submit."""
    passed_over: Json = {
        PASSED_OVER.decode(): {
            "schema": _TEXT,
            "description": "Fields of the request that changed nothing.",
        }
    }
    return {"200": json_content("OK", "Video") | {"headers": _POLL | REPLAYED | passed_over}}


def _create() -> Json:
    described = _operation(
        "Make a video (OpenAI Videos API)",
        "createVideo",
        None,
        parameters=[_IDEMPOTENCY],
        responses=_accepted(),
        errors=(402, 409, 413, 415, 429),
    )
    return {**described, "requestBody": _body({**_FORM, **_NEEDED})}


def _remix() -> Json:
    described = _operation(
        "Make a video again, changed",
        "remixVideo",
        None,
        parameters=[_ID, _IDEMPOTENCY],
        responses=_accepted(),
        errors=(402, 404, 409, 413, 415, 429),
    )
    return {**described, "requestBody": _body({**_FORM, **_NEEDED})}


def _body(schema: Json) -> Json:
    media = ("multipart/form-data", "application/json", URLENCODED)
    return {"required": True, "content": {name: {"schema": schema} for name in media}}


def _list() -> Json:
    limit: Json = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}
    order: Json = {"type": "string", "enum": ["asc", "desc"], "default": "desc"}
    parameters = [
        parameter("after", "query", _TEXT, "The `last_id` of the page before."),
        parameter("limit", "query", limit, "Videos a page."),
        parameter("order", "query", order, "Oldest or newest first."),
    ]
    return _operation("List videos", "listVideos", "VideoList", parameters=parameters, errors=())


def _content() -> Json:
    variant: Json = {"type": "string", "enum": list(VARIANTS), "default": "video"}
    return _operation(
        "Read a video, or a still of it",
        "readVideo",
        None,
        parameters=[
            _ID,
            parameter("variant", "query", variant, "What to read."),
            parameter("Range", "header", _TEXT, "One range of bytes."),
        ],
        responses=file_answers(),
        errors=(404, 410, 416),
    )


def _refused(name: str) -> Json:
    return _operation(
        f"Not offered: always an error that says why there are no {name}",
        f"refuseVideo{name.capitalize()}",
        None,
        parameters=[],
    )
