"""A small web server on loopback with faults on demand, and names that resolve as a test says.

It speaks just enough HTTP/1.1 for that: one request a connection, no keep-alive, no request body
but with a length. It makes no certificates; a test hands over a TLS context.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import TracebackType
from typing import Self

HEAD_BYTES_MAX = 65536
CHUNK = bytes(65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Exchange:
    """One request and the connection to answer it on."""

    def __init__(
        self, request: SeenRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send raw bytes. Raises ConnectionError when the other side has gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status line and headers."""
        lines = [f"HTTP/1.1 {status} Test", *(f"{name}: {text}" for name, text in headers.items())]
        await self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))

    async def hung_up(self) -> None:
        """Wait until the other side ends the connection."""
        await self._reader.read()

    async def idle(self, pause_s: float) -> bool:
        """Wait so long; tell whether the other side is still there."""
        try:
            await asyncio.wait_for(self._reader.read(), pause_s)
        except TimeoutError:
            return True
        return False


Route = Callable[[Exchange], Awaitable[None]]


class WebServer:
    """Serves routes on a port of a loopback address (0: a free one) while its context is open."""

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.requests: list[SeenRequest] = []
        self.connections = 0
        self.open_now = 0
        self.open_most = 0
        self.port = port
        self._tls = tls
        self._address = address
        self._routes: dict[str, Route] = {}
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def route(self, path: str, route: Route) -> None:
        """Answer a path, given without its query, in this way."""
        self._routes[path] = route

    def url(self, path: str, *, host: str | None = None) -> str:
        """Return the URL of a path under a host name, by default the address itself."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{host or self._address}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self._address, self.port, ssl=self._tls, limit=HEAD_BYTES_MAX
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        self.connections += 1
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_now -= 1
            self._handlers.discard(handler)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): text.strip() for name, _, text in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = SeenRequest(method=method, target=target, headers=headers, body=body)
        self.requests.append(request)
        route = self._routes.get(target.partition("?")[0], answer(b"no such route", status=404))
        await route(Exchange(request, reader, writer))


def answer(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Route:
    """Answer whole, with a true Content-Length."""
    every = {"Content-Length": str(len(body)), **(headers or {})}

    async def route(exchange: Exchange) -> None:
        await exchange.head(status, every)
        await exchange.send(body)

    return route


def redirect(to: str, *, status: int = 302) -> Route:
    """Send the caller elsewhere."""
    return answer(b"", status=status, headers={"Location": to})


def in_turn(*routes: Route) -> Route:
    """Answer the first request in the first way, and so on; the last way stays."""
    left = list(routes)

    async def route(exchange: Exchange) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return route


def drip(piece: bytes, *, pause_s: float) -> Route:
    """Send a piece after each pause, for ever."""

    async def route(exchange: Exchange) -> None:
        await exchange.head(200, {})
        while await exchange.idle(pause_s):
            await exchange.send(piece)

    return route


def endless() -> Route:
    """Send zeros as fast as they are taken, for ever, with no length given."""

    async def route(exchange: Exchange) -> None:
        await exchange.head(200, {})
        while True:
            await exchange.send(CHUNK)

    return route


def gzip_bomb(size_bytes: int) -> Route:
    """Send zeros that shrank a thousandfold."""
    packed = gzip.compress(bytes(size_bytes))
    return answer(packed, headers={"Content-Encoding": "gzip"})


def lying(body: bytes, *, length_bytes: int) -> Route:
    """Announce another length than is sent, then end the connection."""
    return answer(body, headers={"Content-Length": str(length_bytes)})


def chunked(pieces: Sequence[bytes], *, is_ended: bool = True) -> Route:
    """Send in chunks; without an end, the connection breaks instead."""

    async def route(exchange: Exchange) -> None:
        await exchange.head(200, {"Transfer-Encoding": "chunked"})
        for piece in pieces:
            await exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        if is_ended:
            await exchange.send(b"0\r\n\r\n")

    return route


def garbage(text: bytes) -> Route:
    """Answer with something that is not HTTP."""

    async def route(exchange: Exchange) -> None:
        await exchange.send(text)

    return route


def hang_up() -> Route:
    """End the connection without an answer."""

    async def route(_exchange: Exchange) -> None:
        return

    return route


def silence() -> Route:
    """Take the request and never answer."""

    async def route(exchange: Exchange) -> None:
        await exchange.hung_up()

    return route


@dataclass(slots=True)
class Gate:
    """Holds answers back until it is opened, and tells when so many wait at it."""

    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    arrivals: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def before(self, route: Route) -> Route:
        """Answer as the route does, once the gate is open."""

        async def held(exchange: Exchange) -> None:
            self.arrivals.release()
            await self.is_open.wait()
            await route(exchange)

        return held

    async def arrived(self, count: int) -> None:
        """Wait until so many more requests have come to the gate."""
        for _ in range(count):
            await self.arrivals.acquire()


class FakeResolver:
    """Names with the addresses that a test gives them, which may change from call to call."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        """`answers`: the addresses of each name."""
        self.asked: list[str] = []
        self._turns = {name: [tuple(found)] for name, found in answers.items()}
        self._failures: dict[str, int] = {}

    def change(self, name: str, *turns: Sequence[str]) -> None:
        """Answer the next calls with these addresses in turn; the last ones stay."""
        self._turns[name] = [tuple(found) for found in turns]

    def fail(self, name: str, *, times: int) -> None:
        """Let so many next calls fail as if no name server answered."""
        self._failures[name] = times

    async def resolve(self, host: str) -> Sequence[IPv4Address | IPv6Address]:
        """Return the addresses of a name; none if the test gave none."""
        self.asked.append(host)
        if self._failures.get(host, 0) > 0:
            self._failures[host] -= 1
            raise OSError("no name server answers")
        turns = self._turns.get(host)
        if turns is None:
            return ()
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return tuple(ip_address(text) for text in found)
