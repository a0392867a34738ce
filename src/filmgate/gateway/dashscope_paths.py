"""The paths of the DashScope door, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from typing import cast

from filmgate.gateway.dashscope import (
    ASYNC_HEADER,
    ENABLE,
    PAGE_DEFAULT,
    PAGE_NUMBER_MAX,
    RESOLVE_HEADER,
)
from filmgate.gateway.dashscope_errors import DashscopeError
from filmgate.gateway.dashscope_fields import RESOLUTION_DEFAULT, SIZE_DEFAULT
from filmgate.gateway.dashscope_uploads import ACTION, UPLOADS_PATH
from filmgate.gateway.dashscope_wire import (
    STATUSES,
    Done,
    SynthesisPage,
    SynthesisTask,
    UploadPolicyEnvelope,
)
from filmgate.gateway.openapi_headers import REPLAYED
from filmgate.gateway.openapi_parts import Json, content, operation, parameter, ref
from filmgate.service.read_task import PAGE_MAX

DASHSCOPE_ANSWERS = (SynthesisTask, SynthesisPage, Done, UploadPolicyEnvelope, DashscopeError)
"""The structs whose schemas these paths name."""

_TEXT: Json = {"type": "string"}
_ENABLE: Json = {"type": "string", "const": ENABLE}
_ID = parameter("task_id", "path", _TEXT, "The task's id.")
_INPUT: Json = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "description": "Cut at the model's limit."},
        "negative_prompt": {"type": "string", "description": "Cut at the model's limit."},
        "img_url": {"type": "string", "description": "http(s)://, data: or oss://; i2v only."},
        "audio_url": {"type": "string", "description": "http(s):// or oss://."},
    },
}
_PARAMETERS: Json = {
    "type": "object",
    "properties": {
        "size": {
            "type": "string",
            "description": "WIDTH*HEIGHT; t2v only.",
            "default": SIZE_DEFAULT,
        },
        "resolution": {
            "type": "string",
            "description": "480P, 720P or 1080P; i2v only.",
            "default": RESOLUTION_DEFAULT,
        },
        "duration": {"type": "integer"},
        "prompt_extend": {"type": "boolean", "default": True},
        "watermark": {"type": "boolean", "default": False},
        "seed": {"type": "integer"},
        "audio": {"type": "boolean", "default": True},
    },
}
_BODY: Json = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {"model": _TEXT, "input": _INPUT, "parameters": _PARAMETERS},
}


def dashscope_paths() -> Json:
    """Return the paths."""
    cancel = _operation("Cancel a pending task (DashScope)", "cancelSynthesis", "Done", [_ID])
    show = _operation("Show a task (DashScope)", "showSynthesis", "SynthesisTask", [_ID])
    return {
        "/api/v1/services/aigc/video-generation/video-synthesis": {"post": _create()},
        "/api/v1/tasks/{task_id}": {"get": show},
        "/api/v1/tasks": {"get": _list()},
        "/api/v1/tasks/{task_id}/cancel": {"post": cancel},
        UPLOADS_PATH: {"get": _policy(), "post": _keep()},
    }


def _operation(
    summary: str,
    name: str,
    answer: str,
    parameters: list[Json],
    errors: tuple[int, ...] = (),
) -> Json:
    """An operation whose errors have this door's shape."""
    described = operation(summary, name, None, parameters=parameters)
    answers: Json = {"200": content("OK", "application/json", ref(answer))}
    for status in sorted({400, 401, 403, 429, 500, 503, *errors}):
        said = content("The error, in that API's shape", "application/json", ref("DashscopeError"))
        answers[str(status)] = said
    return {**described, "responses": answers}


def _create() -> Json:
    parameters = [
        parameter(ASYNC_HEADER, "header", _ENABLE, "There is no other way.", required=True),
        parameter(RESOLVE_HEADER, "header", _ENABLE, "Needed with oss:// URLs."),
        parameter("Idempotency-Key", "header", _TEXT, "As at POST /v1/videos/generations."),
    ]
    described = _operation(
        "Make a video (DashScope)",
        "createSynthesis",
        "SynthesisTask",
        parameters,
        errors=(409, 413, 415, 429),
    )
    answers = cast("dict[str, Json]", described["responses"])
    answers["200"] |= {"headers": REPLAYED}
    body = {"required": True, "content": {"application/json": {"schema": _BODY}}}
    return {**described, "requestBody": body}


def _list() -> Json:
    number: Json = {"type": "integer", "minimum": 1}
    page = {**number, "maximum": PAGE_NUMBER_MAX, "default": 1}
    length = {**number, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}
    status: Json = {"type": "string", "enum": list(STATUSES.values())}
    time: Json = {"type": "string", "pattern": "^[0-9]{14}$"}
    parameters = [
        parameter("page_no", "query", page, "The page, from 1."),
        parameter("page_size", "query", length, "Tasks a page."),
        parameter("status", "query", status, "Only tasks in this state."),
        parameter("model_name", "query", _TEXT, "Only tasks of this model."),
        parameter("start_time", "query", time, "Accepted from then on: YYYYMMDDhhmmss, UTC."),
        parameter("end_time", "query", time, "Accepted until then, at most 24 hours later."),
        parameter("api_key_id", "query", _TEXT, "Only tasks of this key."),
    ]
    return _operation("List tasks (DashScope)", "listSyntheses", "SynthesisPage", parameters)


def _policy() -> Json:
    action: Json = {"type": "string", "const": ACTION}
    parameters = [
        parameter("action", "query", action, "What is asked for.", required=True),
        parameter("model", "query", _TEXT, "Makes no difference here."),
    ]
    return _operation(
        "Ask where a file may be posted (DashScope)",
        "uploadPolicy",
        "UploadPolicyEnvelope",
        parameters,
    )


def _keep() -> Json:
    described = _operation(
        "Post a picture or a sound with a policy (DashScope)",
        "postUpload",
        "Done",
        [],
        errors=(413, 415),
    )
    file: Json = {"type": "string", "contentMediaType": "application/octet-stream"}
    form: Json = {
        "type": "object",
        "required": ["key", "policy", "Signature", "file"],
        "properties": {
            "key": {"type": "string", "description": "`upload_dir`, a slash and a file name."},
            "policy": {"type": "string", "description": "As it was given."},
            "Signature": {"type": "string", "description": "As it was given."},
            "file": file,
        },
    }
    body = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    answers = cast("Json", described["responses"])
    del answers["401"]
    return {**described, "security": list[str](), "requestBody": body}
