"""Why fetching fails, and which of the tree's errors each reason becomes. Nothing is fetched here.

InputRejected, never tried again:
- input_url_refused         the URL, a redirect or a resolved address breaks the address rules
- input_too_large           more bytes than the limit, announced or received
- input_encoding_refused    the answer is compressed although that was declined
InputUnreachable, never tried again:
- input_not_found           HTTP 404 or 410
- input_access_denied       HTTP 401, 403, 407 or 451: often a signed URL that ran out
- input_redirects_exceeded  more redirects than the limit
- input_tls_failed          certificate or handshake refused
- input_timed_out           silent for longer than one read may take, or over the total
InputUnreachable, tried again:
- input_http_error          any other status than 200 (again: 429, 5xx), or no HTTP at all (again)
- input_host_unreachable    no such name (not again), or no connection (again)
- input_interrupted         the connection ended inside the body
"""

from __future__ import annotations

from enum import StrEnum

from filmgate.domain.errors import InputRejected, InputUnreachable


class Reason(StrEnum):
    """The codes that callers see."""

    URL_REFUSED = "input_url_refused"
    TOO_LARGE = "input_too_large"
    ENCODING_REFUSED = "input_encoding_refused"
    NOT_FOUND = "input_not_found"
    ACCESS_DENIED = "input_access_denied"
    HTTP_ERROR = "input_http_error"
    REDIRECTS_EXCEEDED = "input_redirects_exceeded"
    HOST_UNREACHABLE = "input_host_unreachable"
    TLS_FAILED = "input_tls_failed"
    INTERRUPTED = "input_interrupted"
    TIMED_OUT = "input_timed_out"


REJECTIONS = frozenset({Reason.URL_REFUSED, Reason.TOO_LARGE, Reason.ENCODING_REFUSED})


class FetchFault(Exception):
    """One attempt failed. `rule` completes "<param> must …" and is safe for callers."""

    def __init__(self, reason: Reason, rule: str, *, may_retry: bool = False) -> None:
        super().__init__(rule)
        self.reason = reason
        self.rule = rule
        self.may_retry = may_retry

    def as_failure(self, param: str) -> InputRejected | InputUnreachable:
        """Return the error that ends the task."""
        kind = InputRejected if self.reason in REJECTIONS else InputUnreachable
        return kind(f"{param} must {self.rule}", reason=self.reason.value, param=param)
