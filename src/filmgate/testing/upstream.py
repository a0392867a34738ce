"""A fake upstream: records what it is asked, makes films in no time, and fails on demand.

What is here is the same for all: the server, the orders, the faults. Each fake (fake_dashscope.py
and its neighbours) adds the wire of its upstream. It runs in a thread of its own, on loopback.

    with FakeDashScope(seconds=0.2) as upstream:
        upstream.fail("submit", Fault.CUT, is_taken=True)   # it takes the order; the answer is lost
        …
        assert len(upstream.orders) == 1
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from filmgate.testing.film_file import FilmKind, film_bytes

HANG_S_MAX = 300.0
START_S_MAX = 10.0


class Fault(StrEnum):
    """What a fake can do instead of answering."""

    BUSY = "429"
    BUSY_FOR_A_SECOND = "429 with Retry-After: 1"
    SERVER_ERROR = "500 with an error in JSON"
    BAD_GATEWAY = "502 without a word"
    FORBIDDEN = "403, as of a link that has expired"
    HANG = "no answer"
    CUT = "the connection ends within the answer"
    GIBBERISH = "an answer that is no JSON"
    LATE = "the answer after half a second"


class Outcome(StrEnum):
    """How an order ends."""

    DONE = "done"
    FAILED = "failed by the upstream, not charged"
    REJECTED = "refused by its content rules"
    NEVER = "never ends"


@dataclass(slots=True)
class FakeOrder:
    """One film that was ordered."""

    id: str
    body: Mapping[str, Any]
    outcome: Outcome
    kind: FilmKind
    ordered_s: float = field(default_factory=time.monotonic)
    key: str | None = None
    """The idempotency key it came with."""
    is_cancelled: bool = False
    looked: int = 0


@dataclass(slots=True)
class _Planned:
    operation: str
    fault: Fault
    times: int
    is_taken: bool


class FakeUpstream:
    """What all fakes share. A fake gives `routes` and says which request is which operation."""

    kind: ClassVar[str]

    def __init__(self, *, seconds: float = 0.0, outcome: Outcome = Outcome.DONE) -> None:
        """`seconds` is how long a film takes."""
        self.seconds = seconds
        self.outcome = outcome
        self.film_kind = FilmKind.GOOD
        self.orders: dict[str, FakeOrder] = {}
        self.requests: list[tuple[float, str]] = []
        """When (monotonic seconds) which operation was asked for."""
        self.cancelled: list[FakeOrder] = []
        self.noticed: dict[str, float] = {}
        """How many seconds after it had ended each order was looked at first."""
        self.url = ""
        self._planned: list[_Planned] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._released = threading.Event()

    # ---- what a test says and asks

    def fail(self, operation: str, fault: Fault, *, times: int = 1, is_taken: bool = False) -> None:
        """Let the next requests of an operation fail (submit, look, film, cancel).

        With `is_taken` the fake does what it is asked first, and only the answer fails.
        """
        self._planned.append(_Planned(operation, fault, times, is_taken))

    def count(self, operation: str) -> int:
        """Count the requests of an operation so far."""
        return sum(1 for _, asked in self.requests if asked == operation)

    # ---- what a dialect gives

    def routes(self) -> list[BaseRoute]:
        """Its endpoints."""
        raise NotImplementedError

    def operation(self, method: str, path: str) -> str:
        """Name the operation of a request: submit, look, film, cancel or other."""
        raise NotImplementedError

    # ---- what a dialect uses

    def take(self, order_id: str, body: Mapping[str, Any], *, key: str | None = None) -> FakeOrder:
        """Note an order."""
        order = FakeOrder(order_id, body, self.outcome, self.film_kind, key=key)
        self.orders[order_id] = order
        return order

    def is_over(self, order: FakeOrder) -> bool:
        """Whether an order has ended, one way or another."""
        if order.outcome is Outcome.NEVER:
            return order.is_cancelled
        return order.is_cancelled or time.monotonic() - order.ordered_s >= self.seconds

    def looked(self, order: FakeOrder) -> None:
        """Note that an order was looked at."""
        order.looked += 1
        if self.is_over(order):
            late_s = time.monotonic() - order.ordered_s - self.seconds
            self.noticed.setdefault(order.id, late_s)

    def share(self, order: FakeOrder) -> float:
        """How much of it is done, 0..1."""
        if not self.seconds:
            return 1.0
        return min(1.0, (time.monotonic() - order.ordered_s) / self.seconds)

    def film(
        self, order: FakeOrder, *, width_px: int, height_px: int, duration_s: float
    ) -> Response:
        """Answer with the order's film."""
        content = film_bytes(
            order.kind, width_px=width_px, height_px=height_px, duration_s=duration_s
        )
        return Response(content, media_type="video/mp4")

    # ---- running

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(routes=self.routes())

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._serve(app, scope, receive, send)
            elif scope["type"] == "websocket":
                await app(scope, receive, send)

        config = uvicorn.Config(
            serve, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        self._server = server
        self._thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_S_MAX
        while not server.started:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the fake {self.kind} did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._released.set()
        self._server.should_exit = True
        self._thread.join(timeout=START_S_MAX)

    async def _serve(self, app: Starlette, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self.operation(scope["method"], scope["path"])
        self.requests.append((time.monotonic(), operation))
        planned = self._due(operation)
        if planned is None:
            await app(scope, receive, send)
            return
        if planned.fault is Fault.LATE:
            await asyncio.sleep(0.5)
            await app(scope, receive, send)
            return
        if planned.is_taken:
            await app(scope, receive, _swallow)
        await self._misbehave(planned.fault, scope, receive, send)

    def _due(self, operation: str) -> _Planned | None:
        for planned in self._planned:
            if planned.operation == operation and planned.times:
                planned.times -= 1
                return planned
        return None

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault:
            case Fault.BUSY:
                await Response('{"message": "too many"}', 429)(scope, receive, send)
            case Fault.BUSY_FOR_A_SECOND:
                headers = {"Retry-After": "1"}
                await Response('{"message": "too many"}', 429, headers)(scope, receive, send)
            case Fault.SERVER_ERROR:
                content = '{"code": "InternalError", "message": "an internal error"}'
                await Response(content, 500)(scope, receive, send)
            case Fault.FORBIDDEN:
                await Response("<Error>Request has expired</Error>", 403)(scope, receive, send)
            case Fault.BAD_GATEWAY:
                await Response("<html>bad gateway</html>", 502)(scope, receive, send)
            case Fault.GIBBERISH:
                await Response("<html>hello</html>", 200)(scope, receive, send)
            case Fault.HANG:
                await _until(self._released)
            case _:
                await _cut(send)


async def _until(released: threading.Event) -> None:
    for _ in range(round(HANG_S_MAX / 0.05)):
        if released.is_set():
            return
        await asyncio.sleep(0.05)


async def _cut(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"output', "more_body": True})
    raise ConnectionAbortedError("the fake was told to cut this answer")


async def _swallow(message: Message) -> None:
    """Nobody hears this answer."""
