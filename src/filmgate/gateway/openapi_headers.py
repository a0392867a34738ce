"""Which headers of this server its answers have, as OpenAPI says them. It sends none.

Each is described once, under components, and answers point there. Not described are those that HTTP
itself explains (Content-Type, Content-Length, Allow), and those for browsers that every answer has:
Cache-Control, Content-Security-Policy, X-Content-Type-Options, Referrer-Policy, X-Frame-Options.
"""

from __future__ import annotations

from typing import cast

from filmgate.gateway.door import OLDER_PREFIX, RATE_HEADERS
from filmgate.gateway.openapi_parts import Json, content

_TEXT: Json = {"type": "string"}
_SECONDS: Json = {"type": "integer", "minimum": 0}
_FALSE: Json = {"type": "string", "const": "false"}
_BEARER: Json = {"type": "string", "const": "Bearer"}
_BYTES: Json = {"type": "string", "const": "bytes"}
_RATES = (
    "How many requests are served in a window; sent where there is a limit.",
    "How many are left in this window.",
    "In how many seconds it ends.",
)
_OF_ALL: Json = {
    "X-Request-Id": {"schema": _TEXT, "description": "Names the request in the server's log."},
    **{
        prefix + name: {"schema": _SECONDS, "description": text}
        for prefix in ("", OLDER_PREFIX)
        for name, text in zip(RATE_HEADERS, _RATES, strict=True)
    },
}
_RETRY_AFTER: Json = {"schema": _SECONDS, "description": "Seconds to wait."}
_OF_STATUSES: dict[str, Json] = {
    "206": {"Content-Range": {"schema": _TEXT, "description": "Which bytes, of how many."}},
    "401": {"WWW-Authenticate": {"schema": _BEARER, "description": "How a key is sent."}},
    "409": {
        "x-should-retry": {"schema": _FALSE, "description": "Asking again changes nothing."},
        "Retry-After": _RETRY_AFTER,
    },
    "416": {"Content-Range": {"schema": _TEXT, "description": "Of how many bytes."}},
    "429": {"Retry-After": _RETRY_AFTER},
    "503": {"Retry-After": _RETRY_AFTER},
}
REPLAYED: Json = {
    "Idempotency-Replayed": {
        "schema": {"type": "string", "const": "true"},
        "description": "This is the first answer to that Idempotency-Key, given again.",
    }
}
ETAG: Json = {
    "ETag": {"schema": _TEXT, "description": "Names this content; for If-None-Match, If-Range."}
}
SET_COOKIE: Json = {"Set-Cookie": {"schema": _TEXT, "description": "The page's session."}}
DISPOSITION: Json = {"Content-Disposition": {"schema": _TEXT, "description": "Its file name."}}
_FILE_HEADERS: Json = {
    **ETAG,
    **DISPOSITION,
    "Last-Modified": {"schema": _TEXT, "description": "When the file was written."},
    "Accept-Ranges": {"schema": _BYTES, "description": "Ranges may be asked for."},
}
"""What a stored file comes with."""


def file_answers(media: str = "*/*", schema: Json | None = None) -> dict[str, Json]:
    """Describe the answers that a stored file is sent with, whole or in part."""
    answers: dict[str, Json] = {
        "200": content("The file", media, schema or {}),
        "206": content("The range", media, schema or {}),
        "304": {"description": "Unchanged"},
    }
    return {status: answer | {"headers": _FILE_HEADERS} for status, answer in answers.items()}


def header_components() -> Json:
    """Return the headers that every answer has, by name."""
    return dict(_OF_ALL)


def paths_with_headers(paths: Json) -> Json:
    """Return the paths, each answer with the headers that all of its status have."""
    for item in cast("dict[str, dict[str, Json]]", paths).values():
        for operation in item.values():
            responses = cast("dict[str, Json]", operation["responses"])
            operation["responses"] = {
                status: with_headers(status, answer) for status, answer in responses.items()
            }
    return paths


def with_headers(status: str, answer: Json) -> Json:
    """Return an answer with the headers that all of its status have."""
    if "$ref" in answer:
        return answer
    of_all = {name: {"$ref": f"#/components/headers/{name}"} for name in _OF_ALL}
    own = cast("Json", answer.get("headers", {}))
    return {**answer, "headers": {**own, **_OF_STATUSES.get(status, {}), **of_all}}
