"""A proxy before a real server that fails as it is told, and is faithful otherwise.

One request a connection, with a Content-Length or no body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """What becomes of the next request to `method` `path`: one of these, once."""

    method: str
    path: str
    answer: bytes | None = None
    """Given in place of the server's; the server never hears of the request."""
    body_bytes: int | None = None
    """The server's answer breaks off after so many bytes of its body; -1: not even a head."""


class FlakyProxy:
    """Listens on loopback while its context is open."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (str(parts.hostname), int(parts.port or 80))
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of every request."""
        self._handlers: set[asyncio.Task[None]] = set()

    def count(self, method: str, path: str) -> int:
        """How many requests began like this."""
        return sum(m == method and p.startswith(path) for m, p, _ in self.seen)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        try:
            await self._exchange(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._handlers.discard(handler)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append((method, target, headers))
        fault = self._fault(method, target)
        if fault is not None and fault.answer is not None:
            writer.write(fault.answer)
            await writer.drain()
            return
        # Without keep-alive the server's answer ends with its connection.
        once = [line for line in lines if not line.lower().startswith("connection:")]
        request = "\r\n".join([first, *once, "Connection: close", "", ""]).encode("latin-1")
        answer = await self._asked(request + body)
        if fault is not None and fault.body_bytes is not None:
            end = answer.index(b"\r\n\r\n") + 4
            answer = b"" if fault.body_bytes < 0 else answer[: end + fault.body_bytes]
        writer.write(answer)
        await writer.drain()

    async def _asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    def _fault(self, method: str, target: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and target.startswith(fault.path):
                self.faults.remove(fault)
                return fault
        return None


def refusing(status: int, *headers: str) -> bytes:
    """A bare answer with this status."""
    lines = [f"HTTP/1.1 {status} Test", *headers, "Content-Length: 0", "Connection: close", "", ""]
    return "\r\n".join(lines).encode()
