"""Writing what is told often, but seldom: only the latest word, and never two within a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from filmgate.service.end_loops import end_loops

T = TypeVar("T")


class LatestWriter(Generic[T]):
    """Writes the latest word at once, further ones at most every `every_s` seconds, and no word
    twice. What is still unwritten at the end of its block is dropped.

    Used as an async context manager. `write` is to raise nothing.
    """

    def __init__(self, write: Callable[[T], Awaitable[None]], *, every_s: float) -> None:
        self._write = write
        self._every_s = every_s
        self._latest: T | None = None
        self._told = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._writer: asyncio.Task[None] | None = None

    def tell(self, word: T) -> None:
        """Note a word. Returns at once."""
        if word != self._latest:
            self._latest = word
            self._told.set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._writer = self._group.create_task(self._write_on())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            await end_loops([self._writer])
        await self._group.__aexit__(None, None, None)

    async def _write_on(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            if self._latest is not None:
                await self._write(self._latest)
            await asyncio.sleep(self._every_s)
