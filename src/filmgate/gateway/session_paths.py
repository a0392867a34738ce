"""The page's paths and those of its session, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from typing import cast

from filmgate.gateway.auth import PAGE_HEADER
from filmgate.gateway.openapi_headers import ETAG, SET_COOKIE
from filmgate.gateway.openapi_parts import Json, error_ref, operation, parameter, public


def session_paths() -> Json:
    """Return the paths."""
    own = parameter(
        PAGE_HEADER,
        "header",
        {"type": "string"},
        "Any text. With the cookie, every request but GET needs it and must come from this origin.",
        required=True,
    )
    name = parameter("name", "path", {"type": "string"}, "As the page says; it may hold slashes.")
    part = public(
        "A script, style, message file or picture of the page",
        "pagePart",
        None,
        "*/*",
        errors=(404, 429),
    )
    part |= {"parameters": [name]}
    home = public("The page", "home", None, media="text/html")
    for of_page in (part, home):
        said = cast("dict[str, Json]", of_page["responses"])
        said["200"] |= {"headers": ETAG}
        said["304"] = {"description": "Unchanged", "headers": ETAG}
    return {
        "/v1/session": {
            "get": public(
                "Whose key requests are made with",
                "showSession",
                "SessionEnvelope",
                errors=(403, 429, 503),
            ),
            "post": _open(own),
            "delete": _close(own),
        },
        "/page/{name}": {"get": part},
        "/": {"get": home},
    }


def _open(own: Json) -> Json:
    said = operation(
        "Sign a browser in: sets an HttpOnly cookie that stands for the key for 7 days",
        "openSession",
        "SessionEnvelope",
        parameters=[own],
        errors=[403, 413, 415],
    )
    key: Json = {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}}
    said["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": key | {"additionalProperties": False}}},
    }
    said["security"] = []
    cast("dict[str, Json]", said["responses"])["200"] |= {"headers": SET_COOKIE}
    return said


def _close(own: Json) -> Json:
    said = operation("Sign a browser out", "closeSession", None, parameters=[own], errors=[403])
    said["security"] = []
    said["responses"] = {
        "204": {"description": "Signed out", "headers": SET_COOKIE},
        **{str(status): error_ref(status) for status in (400, 403, 429, 500, 503)},
    }
    return said
