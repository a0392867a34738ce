"""A wire to PostgreSQL that breaks where it hurts: between the client's COMMIT and its answer.

The wire listens on a Unix socket of its own and passes bytes on. Once armed, it looks for a marker
in what the client says and then dies

    BEFORE   without passing it on: nothing was written
    DURING   after passing it on, at once: whether it is written is a race that nobody can see
    AFTER    when the server has answered: it is written, the client never hears of it

and it can refuse everything, or hold everything back, until it is mended.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum
from pathlib import Path
from urllib.parse import quote

READ_BYTES = 65536


class Tear(Enum):
    """When the wire breaks."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class TornWire:
    """One wire. `url` reaches the same database through it."""

    def __init__(self, url: str, folder: Path) -> None:
        self._target, _, _ = url.partition("?host=")
        self._behind = Path(url.partition("?host=")[2].replace("%2F", "/")) / ".s.PGSQL.5432"
        self._folder = folder
        self.url = f"{self._target}?host={quote(str(folder), safe='')}"
        self.tears = 0
        self.refused = 0
        self._plan: list[tuple[bytes, Tear]] = []
        self._is_refusing = False
        self._refuses_after_tear = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> TornWire:
        path = self._folder / ".s.PGSQL.5432"
        self._server = await asyncio.start_unix_server(self._serve, path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.mend()
        self.cut()
        await asyncio.sleep(0)

    def tear_at(self, marker: str, *tears: Tear) -> None:
        """Break at the next statements that contain the marker, one after the other."""
        self._plan = [(marker.encode(), tear) for tear in tears]

    def refuse_after_tear(self) -> None:
        """Once torn, stay so."""
        self._refuses_after_tear = True

    def refuse(self) -> None:
        """Cut all connections and take no new ones."""
        self._is_refusing = True
        self.cut()

    def hold(self) -> None:
        """Pass nothing on any more and say nothing: a network that swallows."""
        self._passing.clear()

    def mend(self) -> None:
        """Work again."""
        self._is_refusing = False
        self._passing.set()

    def cut(self) -> None:
        """Break every connection there is."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_refusing:
            self.refused += 1
            writer.transport.abort()
            return
        behind_reader, behind_writer = await asyncio.open_unix_connection(self._behind)
        ends = {writer, behind_writer}
        self._open |= ends
        link = _Link(self, behind_writer, writer)
        try:
            with suppress(ConnectionError):
                async with asyncio.TaskGroup() as group:
                    up = group.create_task(link.up(reader))
                    down = group.create_task(link.down(behind_reader))
                    await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
                    up.cancel()
                    down.cancel()
        except* ConnectionError:
            pass
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    def _due(self, said: bytes) -> Tear | None:
        if self._plan and self._plan[0][0] in said:
            self.tears += 1
            self._is_refusing = self._refuses_after_tear
            return self._plan.pop(0)[1]
        return None


class _Link:
    """One connection through the wire."""

    def __init__(
        self, wire: TornWire, server: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        self._wire = wire
        self._server = server
        self._client = client
        self._is_mute = False

    async def up(self, client: asyncio.StreamReader) -> None:
        while said := await client.read(READ_BYTES):
            await self._wire._passing.wait()
            tear = self._wire._due(said)
            if tear is Tear.BEFORE:
                return
            if tear is None and self._wire._is_refusing:  # another connection, open at the tear
                return
            self._is_mute = tear is Tear.AFTER
            self._server.write(said)
            await self._server.drain()
            if tear is Tear.DURING:
                return

    async def down(self, server: asyncio.StreamReader) -> None:
        while said := await server.read(READ_BYTES):
            await self._wire._passing.wait()
            if self._is_mute and b"Z\0\0\0\x05I" in said:  # ReadyForQuery, idle: it is committed
                return
            if not self._is_mute:
                self._client.write(said)
                await self._client.drain()
