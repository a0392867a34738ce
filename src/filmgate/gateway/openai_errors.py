"""Errors in the OpenAI shape, for one door. It decides on no error.

    {"error": {"message": "…", "type": "…", "param": null, "code": "…"}}

The `openai` package picks its exception by the HTTP status and reads Retry-After and
x-should-retry; both are the same at every door.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp

from filmgate.domain.errors import FilmgateError, InvalidTaskId, Unauthorized
from filmgate.gateway.answers import Answer, error_headers, json_answer, sound
from filmgate.gateway.door import visit_of
from filmgate.gateway.openai_wire import VideoErrorBody, VideoErrorEnvelope

Self = TypeVar("Self")
Handler = Callable[[Self, Request], Awaitable[ASGIApp]]

_CODES: Mapping[type[FilmgateError], str] = {
    InvalidTaskId: "video_not_found",
    Unauthorized: "invalid_api_key",
}
_log = structlog.get_logger("filmgate.gateway")


def openai_errors(handler: Handler[Self]) -> Handler[Self]:
    """Let a handler's errors be said in this shape. What nobody foresaw goes on to the last
    handler.
    """

    @functools.wraps(handler)
    async def answered(self: Self, request: Request) -> ASGIApp:
        try:
            return await handler(self, request)
        except FilmgateError as error:
            if error.http_status < 400 or error.http_status == 500:
                raise
            if error.http_status > 500:
                visit = visit_of(request)
                _log.warning("request.refused", request_id=visit.request_id, code=error.code)
            return openai_error_answer(error, request)

    return answered


def openai_error_answer(error: FilmgateError, request: Request) -> Answer:
    """Return the answer. An unknown id is 404 at this door."""
    status, message = error.http_status, error.message
    if isinstance(error, InvalidTaskId):
        status = 404
        message = f"Video with id '{request.path_params.get('video_id', '')[:60]}' not found."
    body = VideoErrorBody(
        message=sound(message),
        type=error.type,
        param=None if error.param is None else sound(error.param),
        code=_CODES.get(type(error), error.code),
    )
    return json_answer(VideoErrorEnvelope(body), status=status, headers=error_headers(error))
