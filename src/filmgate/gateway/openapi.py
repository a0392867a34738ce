"""The API as OpenAPI 3.1, made from the wire structs and the catalogue. It serves nothing.

Every route of app.py stands here once, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from filmgate.domain.model import Model
from filmgate.gateway import openapi_parts as parts
from filmgate.gateway import wire
from filmgate.gateway.admin_paths import ADMIN_ANSWERS, admin_paths, admin_schemas
from filmgate.gateway.answers import encoded
from filmgate.gateway.auth import SESSION_COOKIE
from filmgate.gateway.billing_paths import billing_paths
from filmgate.gateway.billing_wire import BILLING_ANSWERS
from filmgate.gateway.dashscope_paths import DASHSCOPE_ANSWERS, dashscope_paths
from filmgate.gateway.model_schema import input_schema
from filmgate.gateway.models import FORMATS
from filmgate.gateway.openai_paths import VIDEO_ANSWERS, video_paths
from filmgate.gateway.openapi_headers import (
    file_answers,
    header_components,
    paths_with_headers,
    with_headers,
)
from filmgate.gateway.openapi_parts import REF, Json
from filmgate.gateway.preview_paths import preview_paths
from filmgate.gateway.session_paths import session_paths
from filmgate.gateway.task_paths import task_paths
from filmgate.gateway.upstream_paths import upstream_paths
from filmgate.gateway.webhook_paths import webhook_paths

_operation, _parameter, _public = parts.operation, parts.parameter, parts.public
_content, _json_content, _ref, _error = (
    parts.content,
    parts.json_content,
    parts.ref,
    parts.error_ref,
)
_ANSWERS = (
    wire.ErrorEnvelope,
    wire.SubmittedEnvelope,
    wire.TaskTicketEnvelope,
    wire.TaskEnvelope,
    wire.TaskPage,
    wire.TaskObject,
    wire.TaskDeletedEnvelope,
    wire.WebhookSecretEnvelope,
    wire.DeliveryEnvelope,
    wire.DeliveryPage,
    wire.UploadObject,
    wire.ModelList,
    wire.ModelSchema,
    wire.ModelDocumentation,
    wire.SessionEnvelope,
    wire.Health,
)
_ERRORS = {
    400: "A rule is broken; the message says which, and the value.",
    401: "No API key, or not a valid one.",
    402: "`insufficient_credits` or `budget_spent`: account or key cannot pay for this.",
    403: "The key may not do this (scope, model, network, account); or with a session: the request"
    " is not this page's own.",
    404: "`file_not_found`: no such file, or a wrong signature; `video_not_found`: no such video;"
    " `model_not_found`: no such model; `not_found`: no such account or key.",
    409: "`idempotency_key_reused`, `idempotency_in_progress` or `task_not_cancellable`.",
    410: "`file_expired`: the link's time is over.",
    413: "The body or file is over its limit.",
    415: "The body is of a type that is not taken.",
    416: "Nothing of the range exists.",
    429: "`queue_full` or `rate_limited`: try again after Retry-After seconds.",
    500: "An error that nobody foresaw; the message holds the request's id.",
    503: "Something the server stands on is away, or `outcome_unknown`.",
}


def openapi_document(*, models: Mapping[str, Model], version: str) -> bytes:
    """Return the document as JSON."""
    _, components = msgspec.json.schema_components(
        (*_ANSWERS, *VIDEO_ANSWERS, *DASHSCOPE_ANSWERS, *BILLING_ANSWERS, *ADMIN_ANSWERS),
        ref_template=REF + "{name}",
    )
    schemas: Json = {**components, **admin_schemas(), "Generation": _generation(models)}
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "filmgate",
            "version": version,
            "summary": "Self-hosted video generation.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": list[str]()}, {"session": list[str]()}],
        "paths": paths_with_headers(
            {
                **task_paths(),
                **video_paths(),
                **dashscope_paths(),
                **webhook_paths(),
                **upstream_paths(),
                **billing_paths(),
                **preview_paths(),
                **admin_paths(),
                **_model_paths(models),
                **_other_paths(),
            }
        ),
        "components": {
            "schemas": schemas,
            "headers": header_components(),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
            },
            "responses": {
                f"Error{status}": with_headers(str(status), _json_content(text, "ErrorEnvelope"))
                for status, text in _ERRORS.items()
            },
        },
    }
    return encoded(document)


def query_names(document: bytes) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the names that queries may have: by path, then by method in capitals."""
    paths: dict[str, dict[str, Json]] = msgspec.json.decode(document)["paths"]
    return {
        path: {
            method.upper(): tuple(
                str(one["name"])
                for one in cast("list[Json]", operation.get("parameters", []))
                if one["in"] == "query"
            )
            for method, operation in item.items()
        }
        for path, item in paths.items()
    }


def _generation(models: Mapping[str, Model]) -> Json:
    """The body of a submit: one model's fields, or any of them."""
    inputs: list[Json] = []
    for model in models.values():
        schema = input_schema(model)
        schema["required"] = ["model"]
        inputs.append(schema)
    return inputs[0] if len(inputs) == 1 else {"oneOf": inputs}


def _model_paths(models: Mapping[str, Model]) -> Json:
    model = _parameter(
        "model", "query", {"type": "string", "enum": list(models)}, "The model's id.", required=True
    )
    operation = _parameter(
        "operation", "query", {"type": "string", "const": "video_generation"}, "What it is for."
    )
    category = _parameter("category", "query", {"type": "string"}, "Only models of this category.")
    expand = _parameter(
        "expand",
        "query",
        {"type": "string"},
        "`parameters` adds each model's input schema, `frames` its frame sizes; both by a comma.",
    )
    markdown = _parameter(
        "format", "query", {"type": "string", "enum": list(FORMATS)}, "`markdown`: no envelope."
    )
    return {
        "/v1/models": {
            "get": _operation(
                "List models", "listModels", "ModelList", parameters=[category, expand]
            )
        },
        "/v1/models/{model}": {
            "get": _operation(
                "Show a model",
                "showModel",
                "ModelObject",
                parameters=[{**model, "in": "path"}, expand],
                errors=[404],
            )
        },
        "/v1/model-schema": {
            "get": _operation(
                "A model's input as JSON Schema",
                "modelSchema",
                "ModelSchema",
                parameters=[model, operation],
            )
        },
        "/v1/models/{model}/schema": {
            "get": _operation(
                "The same, by the model's own path",
                "modelSchemaByPath",
                "ModelSchema",
                parameters=[{**model, "in": "path"}, operation],
            )
        },
        "/v1/model-docs": {
            "get": _operation(
                "A model's rules in words",
                "modelDocs",
                None,
                parameters=[model, markdown],
                responses={"200": _documentation()},
            )
        },
    }


def _other_paths() -> Json:
    return {
        "/v1/uploads/images": {"post": _upload("Upload an image", "uploadImage")},
        "/v1/uploads/audios": {"post": _upload("Upload a sound file", "uploadAudio")},
        "/v1/files/{key}": {"get": _file()},
        "/healthz": {"get": _public("Whether the server lives", "live", "Health", errors=())},
        "/readyz": {"get": _ready()},
        "/openapi.json": {"get": _public("This document", "openapi", None)},
        "/mcp": {"post": _mcp()},
        **session_paths(),
    }


def _documentation() -> Json:
    answer = _json_content("OK", "ModelDocumentation")
    plain = _content("", "text/markdown", {"type": "string"})
    media = cast("Json", answer["content"]) | cast("Json", plain["content"])
    return {**answer, "content": media}


def _mcp() -> Json:
    """The protocol describes itself; here stands only that it is spoken."""
    message: Json = {"type": "object", "description": "A JSON-RPC message."}
    events = {"text/event-stream": {"schema": {"type": "string"}}}
    answer = _content("The answer, or events before it", "application/json", message)
    operation = _operation(
        "Serve agents: the Model Context Protocol over streamable HTTP",
        "mcp",
        None,
        responses={
            "200": {**answer, "content": cast("Json", answer["content"]) | events},
            "202": {"description": "A notification was taken"},
        },
        errors=[403, 413],
    )
    wrong = _content("Not a message of the protocol", "application/json", message)
    unread = _content("Neither JSON nor events are accepted", "application/json", message)
    operation["responses"] = cast("Json", operation["responses"]) | {"400": wrong, "406": unread}
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": message}},
    }
    return operation


def _upload(summary: str, name: str) -> Json:
    operation = _operation(summary, name, "UploadObject", errors=[413, 415])
    file: Json = {"type": "string", "contentMediaType": "application/octet-stream"}
    form: Json = {"type": "object", "required": ["file"], "properties": {"file": file}}
    operation["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": {"schema": form}},
    }
    return operation


def _file() -> Json:
    text: Json = {"type": "string"}
    operation = _operation(
        "Read a stored file",
        "readFile",
        None,
        parameters=[
            _parameter("key", "path", text, "As the link says; it may hold slashes."),
            _parameter("expires", "query", text, "As the link says.", required=True),
            _parameter("signature", "query", text, "As the link says.", required=True),
            _parameter("Range", "header", text, "One range of bytes."),
        ],
        responses=file_answers(),
        errors=[404, 410, 416],
    )
    operation["security"] = []
    del cast("Json", operation["responses"])["401"]
    return operation


def _ready() -> Json:
    operation = _public("Whether the server is ready", "ready", "Health")
    operation["responses"] = cast("Json", operation["responses"]) | {
        "200": _json_content("Ready", "Health"),
        "503": _json_content("Not ready", "Health"),
    }
    return operation
