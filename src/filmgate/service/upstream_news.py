"""Who waits for an upstream in this process, to be woken by its news. It hears none itself."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress

from filmgate.domain.ids import TaskId


class News:
    """What one attempt waits for."""

    def __init__(self) -> None:
        self._arrived = asyncio.Event()

    def tell(self) -> None:
        """Wake whoever waits, or else waits next."""
        self._arrived.set()

    async def wait(self, limit_s: float) -> None:
        """Wait for news, or until the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._arrived.wait()
        self._arrived.clear()


class UpstreamNews:
    """The attempts of this process that wait for an upstream, by their tasks."""

    def __init__(self) -> None:
        self._waiting: dict[TaskId, News] = {}

    @contextmanager
    def of(self, task_id: TaskId) -> Generator[News]:
        """Hear of one task for as long as this lasts."""
        self._waiting[task_id] = news = News()
        try:
            yield news
        finally:
            del self._waiting[task_id]

    def tell(self, task_id: TaskId) -> None:
        """Pass news on."""
        if task_id in self._waiting:
            self._waiting[task_id].tell()
