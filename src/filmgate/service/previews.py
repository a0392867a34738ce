"""Pictures of films in the making: written by the attempt that makes the film, shown to whoever
follows the task. Not of films that are made: service/animate_film.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import DatabaseAway, LeaseLost
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Task
from filmgate.ports.preview import NewPreview, Preview, Previews
from filmgate.service.deps import Deps
from filmgate.service.latest import LatestWriter
from filmgate.service.read_task import own_task

log = structlog.get_logger()

WRITE_EVERY_S = 1.0


class PreviewWriter(LatestWriter[bytes]):
    """Writes an attempt's newest picture, at most one a second. Used as an async context manager.

    A picture that cannot be written is missed by nobody: the next one may be.
    """

    def __init__(self, task: Task, *, store: Previews) -> None:
        super().__init__(self._record, every_s=WRITE_EVERY_S)
        self._task = task
        self._store = store

    async def _record(self, jpeg: bytes) -> None:
        try:
            await self._store.record_preview(self._task.id, attempt=self._task.attempt, jpeg=jpeg)
        except (LeaseLost, DatabaseAway) as error:
            log.debug("preview.not_written", task_id=self._task.id, reason=error.code)


async def read_preview(task_id: str, *, key: ApiKey, deps: Deps) -> Preview | None:
    """Return the newest picture of a film in the making; None before there is one, and once the
    task has ended. Raises InvalidTaskId.
    """
    task = await own_task(task_id, key=key, deps=deps)
    return None if task.is_final else await deps.store.preview(task.id)


class PreviewNews:
    """What one follower of a task has heard of its pictures."""

    def __init__(self) -> None:
        self.number = 0
        self.wake = asyncio.Event()
        """Set at each new picture."""
        self._number_told = 0

    @property
    def is_new(self) -> bool:
        """Whether there is a picture that was not told yet."""
        return self.number > self._number_told

    def told(self) -> int:
        """Return the number of the newest picture, which counts as told from now on."""
        self._number_told = self.number
        return self.number


class PreviewWatch:
    """Tells followers of new pictures, without asking the database about each."""

    def __init__(self, store: Previews) -> None:
        self._store = store
        self._followers: dict[TaskId, set[PreviewNews]] = defaultdict(set)

    async def run(self) -> None:
        """Listen for ever."""
        async for new in self._store.new_previews():
            self._tell(new)

    def _tell(self, new: NewPreview) -> None:
        for news in self._followers.get(new.task_id, ()):
            news.number = new.number
            news.wake.set()

    @asynccontextmanager
    async def following(self, task_id: TaskId) -> AsyncGenerator[PreviewNews]:
        """Hear of a task's pictures for the length of a block, first of the one that is there."""
        news = PreviewNews()
        self._followers[task_id].add(news)
        try:
            with suppress(DatabaseAway):
                news.number = max(news.number, await self._store.preview_number(task_id))
            yield news
        finally:
            self._followers[task_id].discard(news)
            if not self._followers[task_id]:
                del self._followers[task_id]
