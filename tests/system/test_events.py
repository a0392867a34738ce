"""A thousand open event streams on one gateway, over raw sockets: all hear, none costs much, and
who does not read is dropped.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from serving import ServerUnderTest, serving, wait_until

STREAMS = 1_000
FILES_AT_START = 400
"""What a system may allow at first: fewer than there are streams."""
OPENED_AT_ONCE = 50
DEAF = 60
"""Many more than the gateway's connections to its database, which are sockets too."""
STREAM_BYTES_MAX = 64 * 1024
LIMIT_S = 100
FILM = {"resolution": "480p", "prompt": "[slow]", "prompt_extend": False}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_AT_START, hard))
    try:
        with serving(
            tmp_path_factory.mktemp("events") / "data", engine="testcard", slow_reader_s="1"
        ) as running:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One block of a stream: an event, or a heartbeat, which has no id."""

    id: str = ""
    task: dict[str, object] | None = None

    @classmethod
    def read(cls, block: str) -> Self:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        return cls(id=fields["id"], task=json.loads(fields["data"])) if fields else cls()


class Listener:
    """A client of a stream that costs one socket."""

    def __init__(self, server: ServerUnderTest, task_id: str) -> None:
        self._address = urlsplit(server.facts["url"])
        self._head = (
            f"GET /v1/tasks/{task_id}/events HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
            f"Authorization: {server.http.headers['Authorization']}\r\nConnection: close\r\n"
        )

    async def open(self, *, last_id: str = "") -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            self._address.hostname, self._address.port, limit=2**14
        )
        resumed = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self._writer.write(f"{self._head}{resumed}\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        return self

    async def next(self) -> Told | None:
        """The next block, which comes as one chunk; None at the end."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        chunk = await self._reader.readexactly(size + 2)
        return Told.read(chunk.decode().strip()) if size else None

    async def until(self, status: str) -> Told:
        """Read on to the event that tells of a status."""
        while (told := await self.next()) is not None:
            if told.task is not None and told.task["status"] == status:
                return told
        raise AssertionError(f"the stream ended before it told of {status}")

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def held_bytes(pid: int) -> int:
    """A process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def sockets_of(pid: int) -> int:
    found = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed while we look
            found += str(link.readlink()).startswith("socket:")
    return found


@pytest.mark.timeout(240)
async def test_a_thousand_listeners_hear_of_a_change_at_a_modest_price(server):
    ahead, gateway = [server.submit(FILM) for _ in range(8)], server.pid_of("gateway")
    task_id = server.submit(FILM)
    assert resource.prlimit(gateway, resource.RLIMIT_NOFILE)[0] > STREAMS
    before_bytes = held_bytes(gateway)
    async with AsyncExitStack() as closed, asyncio.timeout(LIMIT_S):
        listeners: list[Listener] = []
        while len(listeners) < STREAMS:
            some = [Listener(server, task_id).open() for _ in range(OPENED_AT_ONCE)]
            listeners += await asyncio.gather(*some)
        for listener in listeners:
            closed.push_async_callback(listener.close)
        assert sockets_of(gateway) > STREAMS
        for listener in listeners:
            told = await listener.next()
            assert told is not None
            assert told.task is not None
            assert told.task["id"] == task_id
        stream_bytes = (held_bytes(gateway) - before_bytes) / STREAMS
        print(f"{stream_bytes / 1024:.1f} KiB a stream")
        assert stream_bytes < STREAM_BYTES_MAX

        for cancelled in (task_id, *ahead):
            await asyncio.to_thread(server.http.post, f"/v1/tasks/{cancelled}/cancel")
        last = [await listener.until("cancelled") for listener in listeners]
        assert len({told.id for told in last}) == 1
        assert [await listener.next() for listener in listeners] == [None] * STREAMS
    wait_until(lambda: sockets_of(gateway) < FILES_AT_START, LIMIT_S, server.tail)


async def test_a_listener_who_comes_back_is_told_what_is_new_and_nothing_twice(server):
    task_id = server.submit(FILM)
    async with asyncio.timeout(LIMIT_S):
        listener = await Listener(server, task_id).open()
        running = await listener.until("processing")
        await listener.close()
        await asyncio.to_thread(server.http.post, f"/v1/tasks/{task_id}/cancel")
        listener = await Listener(server, task_id).open(last_id=running.id)
        ended = await listener.until("cancelled")
        assert await listener.next() is None
        await listener.close()
    path, known = f"/v1/tasks/{task_id}/events", {"Last-Event-ID": ended.id}
    assert (await asyncio.to_thread(server.http.get, path, headers=known)).status_code == 204


def test_who_never_reads_is_dropped_while_the_task_still_waits(server):
    ahead, gateway = [server.submit(FILM) for _ in range(8)], server.pid_of("gateway")
    task_id = server.submit({**FILM, "prompt": "黄" * 1_400})  # an event larger than the buffer
    before = sockets_of(gateway)
    address = urlsplit(server.facts["url"])
    head = (
        f"GET /v1/tasks/{task_id}/events?expand=request HTTP/1.1\r\nHost: a\r\n"
        f"Authorization: {server.http.headers['Authorization']}\r\n\r\n"
    )
    with ExitStack() as deaf:
        for _ in range(DEAF):
            connection = deaf.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # as little as can be
            connection.connect((address.hostname, address.port))
            connection.sendall(head.encode())
        wait_until(lambda: sockets_of(gateway) >= before + DEAF, LIMIT_S, server.tail)
        wait_until(lambda: sockets_of(gateway) < before + DEAF // 2, LIMIT_S, server.tail)
        assert server.task(task_id)["status"] == "pending"
    for waiting in (task_id, *ahead):
        server.http.post(f"/v1/tasks/{waiting}/cancel")
