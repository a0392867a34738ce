"""Every error that the client raises on purpose, as one tree. Errors of local files stay OSError.

FilmgateClientError
  NotConfigured           no key, or an address that is none
  Unreachable             no answer, also after the retries
  UnexpectedAnswer        something answers, but it is not a filmgate server
  RequestRefused          the server said no: status, code, message, param, request_id
    InvalidRequest        400 404 405 413 415: the request breaks a rule
    Unauthorized          401: no valid key
    InsufficientCredits   402
    Forbidden             403: this key may not
    Conflict              409: the task has ended, or an idempotency key has another request
    Gone                  410: the film has expired and was removed
    TooManyRequests       429, after the retries
    ServerFailed          5xx, after the retries
  TaskEndedWithoutFilm    it cost nothing; `task` is how it ended
    TaskFailed            `task.error` says why
    TaskCancelled         somebody called it off
  WaitTimedOut            the task goes on; only the waiting has ended
  FilmBusy                another save is writing the same file
  WebhookInvalid          a delivery that this server did not send, or not lately
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filmgate.client.task import TaskFacts


class FilmgateClientError(Exception):
    """The root."""


class NotConfigured(FilmgateClientError):
    """The client lacks a setting, or has one that cannot be."""


class Unreachable(FilmgateClientError):
    """The server gave no answer within the retries. The cause is httpx's error."""


class UnexpectedAnswer(FilmgateClientError):
    """An answer that no filmgate server gives."""


class RequestRefused(FilmgateClientError):
    """The server refused the request, in its own words."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: int | str,
        param: str | None = None,
        request_id: str | None = None,
        broken_rules: tuple[str, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """The HTTP status."""
        self.code = code
        """The status again, or a name such as `insufficient_credits`."""
        self.param = param
        """The field that is meant."""
        self.request_id = request_id
        """Finds the request in the server's log."""
        self.broken_rules = broken_rules
        """Every broken rule, when there is more than one."""
        self.retry_after_s = retry_after_s
        """When the server says that asking again may help."""


class InvalidRequest(RequestRefused):
    """The request breaks a rule; `message` says the rule and the value."""


class Unauthorized(RequestRefused):
    """No key, or none that is valid."""


class InsufficientCredits(RequestRefused):
    """The account cannot pay for this."""


class Forbidden(RequestRefused):
    """This key may not do that."""


class Conflict(RequestRefused):
    """The task has ended already, or an idempotency key was used for another request."""


class Gone(RequestRefused):
    """The file existed and has expired."""


class TooManyRequests(RequestRefused):
    """The queue or a rate limit is full, also after the retries."""


class ServerFailed(RequestRefused):
    """The server could not answer, also after the retries."""


class TaskEndedWithoutFilm(FilmgateClientError):
    """There is no film, and there will be none."""

    def __init__(self, message: str, task: TaskFacts) -> None:
        super().__init__(message)
        self.task = task


class TaskFailed(TaskEndedWithoutFilm):
    """The task failed; `task.error` has the code and the field. It cost nothing."""


class TaskCancelled(TaskEndedWithoutFilm):
    """The task was called off. It cost nothing."""


class WaitTimedOut(FilmgateClientError):
    """The task had not ended in time. It goes on; `task` is how it stood."""

    def __init__(self, message: str, task: TaskFacts) -> None:
        super().__init__(message)
        self.task = task


class FilmBusy(FilmgateClientError):
    """Another save is writing this film to the same path."""


class WebhookInvalid(FilmgateClientError):
    """The delivery is not signed with the secret, or not of the time it claims."""


KIND_BY_STATUS: dict[int, type[RequestRefused]] = {
    400: InvalidRequest,
    401: Unauthorized,
    402: InsufficientCredits,
    403: Forbidden,
    404: InvalidRequest,
    405: InvalidRequest,
    409: Conflict,
    410: Gone,
    413: InvalidRequest,
    415: InvalidRequest,
    429: TooManyRequests,
}


def refusal_kind(status: int) -> type[RequestRefused]:
    """Return the error that stands for an HTTP status."""
    return KIND_BY_STATUS.get(status, ServerFailed if status >= 500 else RequestRefused)
