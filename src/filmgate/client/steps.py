"""What a flow may ask of the world, and when a request is worth repeating. Nothing is done here.

A flow is a generator: it yields steps and is sent their outcomes (an answer for Call and Fetch),
or has httpx's errors thrown into it. Two small transports perform the steps, one blocking, one not;
everything that is decided is decided in the flows, once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, TypeAlias, TypeVar

import httpx

R = TypeVar("R")

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
RETRIED_ERRORS = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
FIRST_PAUSE_S = 0.2
PAUSE_S_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Send a request and read the whole answer."""

    method: str
    url: str
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    params: Mapping[str, str | int | float] | None = None
    json: Mapping[str, object] | None = None
    file: tuple[str, BinaryIO | bytes] | None = None
    """A name and an open file, or its bytes: sent as the form's `file`."""

    def as_request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Return it as httpx sends it."""
        return http.build_request(
            self.method,
            self.url,
            headers=dict(self.headers),
            params=self.params,
            json=self.json,
            files=None if self.file is None else {"file": self.file},
            timeout=httpx.Timeout(self.timeout_s, connect=min(10.0, self.timeout_s)),
        )


class Sink(Protocol):
    """Takes a body in pieces."""

    def opened(self, answer: httpx.Response) -> bool:
        """Hear of the answer before its body; return whether the body is wanted."""
        ...

    def write(self, piece: bytes) -> object:
        """Take the next piece."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Send a request and stream a 200 or 206 into the sink; any other answer is read whole."""

    call: Call
    sink: Sink


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass."""

    pause_s: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Call the user's function; where it returns an awaitable, await that."""

    function: Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Work:
    """Do something with a local file that may take a moment; its value is the outcome."""

    function: Callable[[], object]


Step: TypeAlias = Call | Fetch | Pause | Tell | Work
Flow: TypeAlias = Generator[Step, Any, R]


class Patience:
    """How long one request is repeated: pauses that grow, none longer than what is left."""

    def __init__(self, limit_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + limit_s
        self._pause_s = FIRST_PAUSE_S

    def pause(self, asked_s: float | None = None) -> Pause | None:
        """Return the pause before the next try, no shorter than `asked_s`; None to give up."""
        pause_s = self._pause_s * random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries
        self._pause_s = min(PAUSE_S_MAX, self._pause_s * 2)
        pause_s = max(pause_s, asked_s or 0.0)
        return Pause(pause_s) if self._clock() + pause_s <= self._ends_at else None
