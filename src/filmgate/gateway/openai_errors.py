"""Errors in the OpenAI shape, for every path of that door. It decides on no error.

    {"error": {"message": "…", "type": "…", "param": null, "code": "…"}}

The `openai` package picks its exception by the HTTP status and reads Retry-After and
x-should-retry; both are the same at every door.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from filmgate.domain.errors import FilmgateError, InvalidTaskId, Unauthorized
from filmgate.gateway.answers import Answer, error_headers, json_answer, sound
from filmgate.gateway.openai_wire import VideoErrorBody, VideoErrorEnvelope

_CODES: Mapping[type[FilmgateError], str] = {
    InvalidTaskId: "video_not_found",
    Unauthorized: "invalid_api_key",
}


def openai_error(error: FilmgateError, scope: Scope, *, allow: str = "") -> Answer:
    """Return the answer. An unknown id is 404 at this door."""
    status, message = error.http_status, error.message
    if isinstance(error, InvalidTaskId):
        status = 404
        message = f"Video with id '{scope['path_params'].get('video_id', '')[:60]}' not found."
    body = VideoErrorBody(
        message=sound(message),
        type=error.type,
        param=None if error.param is None else sound(error.param),
        code=_CODES.get(type(error), error.code),
    )
    headers = error_headers(error, allow=allow)
    return json_answer(VideoErrorEnvelope(body), status=status, headers=headers)
