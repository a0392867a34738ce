"""Every error filmgate raises on purpose, as one tree. Vendor errors are translated in the adapter
that met them. What upstreams do, which never reaches a caller, stands in upstream_fault.py.

FilmgateError
  CallerError
    InvalidRequest
      InvalidFields
      InvalidTaskId
      PayloadTooLarge
      UnsupportedMediaType
      UnknownRoute
      MethodNotAllowed
      TaskNotCancellable
      NotFound
      ModelNotFound
      RangeNotSatisfiable
    Unauthorized
    Forbidden
    InsufficientCredits
    BudgetSpent
    IdempotencyKeyReused
    IdempotencyInProgress
    FileGone
    FileNotFound
    QueueFull
    RateLimited
  Unavailable
    DatabaseAway
    OutcomeUnknown
    StorageFailed
    SecretUnreadable
  TaskFailure
    InputRejected
    InputUnreachable
    EngineFailed
    EngineCrashed
    StageTimedOut
    WorkerLost
    UpstreamRejected
    UpstreamFailed
    UpstreamUncertain
    NoEngineFree
  LeaseLost
  ConfigError
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class FilmgateError(Exception):
    """The root.

    `message` is safe for callers: it says the rule and the value, never an inner text.
    """

    code: ClassVar[str] = "server_error"
    """The name of this error in API answers and logs."""
    type: ClassVar[str] = "server_error"
    """The error's type in API answers, contract section 3."""
    http_status: ClassVar[int] = 500
    may_retry: ClassVar[bool] = False
    """Whether the same thing may succeed when it is tried again."""
    is_code_named: ClassVar[bool] = False
    """Whether API answers carry `code` as this name rather than as the HTTP status."""

    def __init__(
        self, message: str, *, param: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


class CallerError(FilmgateError):
    """The caller can mend it."""

    code = "invalid_request"
    type = "invalid_request_error"
    http_status = 400


class InvalidRequest(CallerError):
    """The request breaks a rule."""


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that one field breaks."""

    param: str
    message: str


class InvalidFields(InvalidRequest):
    """One or more fields break rules of the model; all of them are listed."""

    code = "invalid_fields"

    def __init__(self, broken: list[BrokenRule]) -> None:
        message = broken[0].message
        if len(broken) > 1:
            message = "; ".join(rule.message for rule in broken)
        super().__init__(message, param=broken[0].param)
        self.broken = tuple(broken)


class InvalidTaskId(InvalidRequest):
    """No task of this caller has that id."""

    code = "invalid_task_id"

    def __init__(self) -> None:
        super().__init__("Invalid task ID")


class PayloadTooLarge(InvalidRequest):
    """A body or file is over its limit."""

    code = "payload_too_large"
    http_status = 413


class UnsupportedMediaType(InvalidRequest):
    """The body is of a type this endpoint does not take."""

    code = "unsupported_media_type"
    http_status = 415


class UnknownRoute(InvalidRequest):
    """No such path."""

    code = "unknown_route"
    http_status = 404


class MethodNotAllowed(InvalidRequest):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    http_status = 405


class TaskNotCancellable(InvalidRequest):
    """The task has already ended."""

    code = "task_not_cancellable"
    http_status = 409
    is_code_named = True


class NotFound(InvalidRequest):
    """No account or key of that id or name, or not one that the caller manages."""

    code = "not_found"
    http_status = 404


class ModelNotFound(InvalidRequest):
    """No model of that id, or not one that this key may use."""

    code = "model_not_found"
    http_status = 404
    is_code_named = True


class RangeNotSatisfiable(InvalidRequest):
    """Nothing of the range exists."""

    code = "range_not_satisfiable"
    http_status = 416


class Unauthorized(CallerError):
    """No key, or not a valid one."""

    code = "unauthorized"
    type = "authentication_error"
    http_status = 401


class Forbidden(CallerError):
    """The key may not do this."""

    code = "forbidden"
    type = "permission_error"
    http_status = 403


class InsufficientCredits(CallerError):
    """The account cannot pay for this."""

    code = "insufficient_credits"
    type = "payment_required"
    http_status = 402
    is_code_named = True


class BudgetSpent(CallerError):
    """The key's budget does not hold this; the account could pay for it."""

    code = "budget_spent"
    type = "payment_required"
    http_status = 402
    is_code_named = True


class IdempotencyKeyReused(CallerError):
    """The key was used for another body."""

    code = "idempotency_key_reused"
    type = "idempotency_error"
    http_status = 409
    is_code_named = True


class IdempotencyInProgress(CallerError):
    """The first request with this key has not been answered yet."""

    code = "idempotency_in_progress"
    type = "idempotency_error"
    http_status = 409
    is_code_named = True


class FileGone(CallerError):
    """The file existed and has expired."""

    code = "file_expired"
    http_status = 410
    is_code_named = True


class FileNotFound(CallerError):
    """No such file, or a wrong signature: which of the two is not told."""

    code = "file_not_found"
    http_status = 404
    is_code_named = True


class QueueFull(CallerError):
    """The queue is at its limit."""

    code = "queue_full"
    type = "rate_limit_error"
    http_status = 429
    may_retry = True
    is_code_named = True


class RateLimited(CallerError):
    """More requests than the limit gives in a minute."""

    code = "rate_limited"
    type = "rate_limit_error"
    http_status = 429
    may_retry = True
    is_code_named = True


class Unavailable(FilmgateError):
    """Something the server stands on is away; asking again later helps."""

    code = "service_unavailable"
    type = "service_unavailable"
    http_status = 503
    may_retry = True


class DatabaseAway(Unavailable):
    """The database does not answer."""

    code = "database_away"


class OutcomeUnknown(Unavailable):
    """Whether the task was accepted could not be learned; the message names its id."""

    code = "outcome_unknown"
    is_code_named = True


class StorageFailed(Unavailable):
    """The storage refused to read or write."""

    code = "storage_failed"


class SecretUnreadable(Unavailable):
    """A stored secret cannot be decrypted with this server's seal key."""

    code = "secret_unreadable"
    may_retry = False


class TaskFailure(FilmgateError):
    """A task ends as failed for this reason. HTTP stays 200; the task carries the error."""

    code = "task_failed"
    type = "task_failed"
    http_status = 200


class InputRejected(TaskFailure):
    """An input was read and breaks a rule. `reason` is the code the caller sees."""

    code = "input_rejected"

    def __init__(self, message: str, *, reason: str, param: str) -> None:
        super().__init__(message, param=param)
        self.reason = reason


class InputUnreachable(TaskFailure):
    """An input could not be fetched. `reason` is the code the caller sees."""

    code = "input_unreachable"

    def __init__(self, message: str, *, reason: str, param: str) -> None:
        super().__init__(message, param=param)
        self.reason = reason


class EngineFailed(TaskFailure):
    """The engine says that it cannot make this."""

    code = "engine_failed"


class EngineCrashed(TaskFailure):
    """The engine's process died."""

    code = "engine_crashed"
    may_retry = True


class StageTimedOut(TaskFailure):
    """A stage took longer than its limit."""

    code = "stage_timed_out"


class WorkerLost(TaskFailure):
    """The workers that took this task died, more often than the limit."""

    code = "worker_lost"


class UpstreamRejected(TaskFailure):
    """An upstream refused what the caller asked for: its content rules, or a field's value."""

    code = "upstream_rejected"


class UpstreamFailed(TaskFailure):
    """An upstream took the task and could not make the film, or made one that is of no use.

    `may_retry` is True where nothing was charged for it and another one may succeed.
    """

    code = "upstream_failed"

    def __init__(self, message: str, *, may_retry: bool = False) -> None:
        super().__init__(message)
        self.may_retry = may_retry  # type: ignore[misc] - of this failure, not of its class


class UpstreamUncertain(TaskFailure):
    """Whether an upstream took the task cannot be learned; it is not asked for it twice."""

    code = "upstream_uncertain"


class NoEngineFree(TaskFailure):
    """None of the route's engines took the task within the time it may wait for one."""

    code = "no_engine_free"


class LeaseLost(FilmgateError):
    """This attempt is no longer the task's current one: nothing may be written."""

    code = "lease_lost"


class ConfigError(FilmgateError):
    """A setting is wrong. The message says which, the value's rule and where it came from."""

    code = "config_error"
