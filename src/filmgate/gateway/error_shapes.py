"""In whose shape an error is said: each door's own, else the contract's (section 3). It decides on
no error.
"""

from __future__ import annotations

from starlette.types import Scope

from filmgate.domain.errors import FilmgateError
from filmgate.gateway.answers import Answer, error_answer
from filmgate.gateway.dashscope_errors import dashscope_error
from filmgate.gateway.openai_errors import openai_error

DASHSCOPE = "/api/v1/"
OPENAI = "/v1/videos"
OWN_WITHIN_OPENAI = "/v1/videos/generations"


def said_at_door(error: FilmgateError, scope: Scope, *, allow: str = "") -> Answer:
    """Return an error's answer. `allow`: the methods that the path has, for MethodNotAllowed."""
    path: str = scope["path"]
    if path.startswith(DASHSCOPE):
        return dashscope_error(error, scope, allow=allow)
    if path.startswith(OPENAI) and not path.startswith(OWN_WITHIN_OPENAI):
        return openai_error(error, scope, allow=allow)
    return error_answer(error, allow=allow)
