"""HTTP answers as small ASGI apps, and how an error is said. It decides on no answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.types import Receive, Scope, Send

from filmgate.domain.errors import (
    FilmgateError,
    IdempotencyInProgress,
    InvalidFields,
    MethodNotAllowed,
    Unauthorized,
)
from filmgate.gateway.wire import ErrorBody, ErrorDetail, ErrorEnvelope

RETRY_AFTER_DEFAULT_S = 1
WITHOUT_LENGTH = frozenset({204, 304})
RETRIED_LATER = frozenset({429, 503})

RawHeaders = Sequence[tuple[bytes, bytes]]
_JSON = (b"content-type", b"application/json")
_encode = msgspec.json.Encoder().encode


class Answer:
    """A whole answer, ready to be sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes, *, status: int = 200, headers: RawHeaders = ()) -> None:
        self.body = body
        self.status = status
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send it."""
        headers = list(self.headers)
        if self.status not in WITHOUT_LENGTH:
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


def json_answer(value: object, *, status: int = 200, headers: RawHeaders = ()) -> Answer:
    """Return a value as a JSON answer."""
    return Answer(_encode(value), status=status, headers=(_JSON, *headers))


def encoded(value: object) -> bytes:
    """Return a value as JSON, in the bytes that answers have."""
    return _encode(value)


def json_bytes_answer(body: bytes, *, status: int = 200, headers: RawHeaders = ()) -> Answer:
    """Return JSON that was encoded before as an answer."""
    return Answer(body, status=status, headers=(_JSON, *headers))


def error_answer(error: FilmgateError, *, allow: str = "") -> Answer:
    """Return an error in the shape of the contract's section 3."""
    headers = error_headers(error, allow=allow)
    return json_answer(error_envelope(error), status=error.http_status, headers=headers)


def error_headers(error: FilmgateError, *, allow: str = "") -> RawHeaders:
    """Return the headers that go with an error, whatever the shape of its body."""
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(error, Unauthorized):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", allow.encode("latin-1")))
    if error.http_status == 409:
        headers.append((b"x-should-retry", b"false"))
    retry_after_s = error.retry_after_s
    if retry_after_s is None and _may_come_back(error):
        retry_after_s = RETRY_AFTER_DEFAULT_S
    if retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(0, retry_after_s)))
    return headers


def _may_come_back(error: FilmgateError) -> bool:
    return error.http_status in RETRIED_LATER or isinstance(error, IdempotencyInProgress)


def error_envelope(error: FilmgateError) -> ErrorEnvelope:
    """Return an error's wire form. More than one broken rule is listed under `details`."""
    details = msgspec.UNSET
    if isinstance(error, InvalidFields) and len(error.broken) > 1:
        details = [ErrorDetail(sound(rule.param), sound(rule.message)) for rule in error.broken]
    return ErrorEnvelope(
        ErrorBody(
            code=error.code if error.is_code_named else error.http_status,
            message=sound(error.message),
            type=error.type,
            param=msgspec.UNSET if error.param is None else sound(error.param),
            details=details,
        )
    )


def sound(text: str) -> str:
    """Return the text without what UTF-8 cannot carry: callers' words come back in messages."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
