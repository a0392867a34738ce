"""Errors in the DashScope shape, for every path of that door. It decides on no error.

    {"code": "InvalidParameter", "message": "…", "request_id": "…"}

Source of codes and statuses: Alibaba Cloud Model Studio, "Error messages".
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from starlette.types import Scope

from filmgate.domain.errors import (
    BudgetSpent,
    FilmgateError,
    InsufficientCredits,
    InvalidTaskId,
    QueueFull,
    TaskNotCancellable,
    UnknownRoute,
)
from filmgate.domain.task import Failure
from filmgate.gateway.answers import Answer, error_headers, json_answer, sound
from filmgate.gateway.door import visit_in

NOT_CANCELLABLE = "Failed to cancel the task, please confirm if the task is in PENDING status."
_OF_ERRORS: Mapping[type[FilmgateError], tuple[int, str]] = {
    BudgetSpent: (429, "Throttling.AllocationQuota"),
    InsufficientCredits: (400, "Arrearage"),
    InvalidTaskId: (400, "UnsupportedOperation"),
    QueueFull: (429, "Throttling"),
    TaskNotCancellable: (400, "UnsupportedOperation"),
    UnknownRoute: (400, "InvalidURL"),
}
_OF_STATUSES = {
    401: "InvalidApiKey",
    403: "AccessDenied",
    413: "BadRequest.TooLarge",
    429: "Throttling.RateQuota",
    500: "InternalError",
    503: "ModelUnavailable",
}
_OF_FAILURES = {
    "stage_timed_out": "InternalError.Timeout",
    "upstream_rejected": "DataInspectionFailed",
}


class DashscopeError(Struct, frozen=True):
    """The shape of every error at this door."""

    code: str
    message: str
    request_id: str


def dashscope_error(error: FilmgateError, scope: Scope, *, allow: str = "") -> Answer:
    """Return the answer. The message speaks of fields by the names they have at this door."""
    default = error.http_status, _OF_STATUSES.get(error.http_status, "InvalidParameter")
    status, code = _OF_ERRORS.get(type(error), default)
    message = in_its_words(sound(error.message))
    if isinstance(error, InvalidTaskId):
        message = NOT_CANCELLABLE
    body = DashscopeError(code, message, visit_in(scope).request_id)
    return json_answer(body, status=status, headers=error_headers(error, allow=allow))


def failure_code(failure: Failure) -> str:
    """Return the code of a failed task."""
    if failure.param is not None:
        is_content = failure.code.startswith(("input_image", "input_audio"))
        return "InvalidParameter" if is_content else "BadRequest.InputDownloadFailed"
    return _OF_FAILURES.get(failure.code, "InternalError")


def in_its_words(message: str) -> str:
    """Return a message about `image_urls` as one about `img_url`, this door's name for it."""
    return message.replace("image_urls[0]", "img_url").replace("image_urls", "img_url")
