"""Waiting for a task to change, without asking the database again and again.

One listener per process hears of changes by notification and wakes those who wait. Because a
notification may be lost (a reconnect), waiters look again every few seconds all the same. However
many wait, a few look at a time: the other connections stay free for other requests.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import DatabaseAway
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Task
from filmgate.ports.store import Tasks
from filmgate.service.deps import Deps
from filmgate.service.previews import PreviewNews
from filmgate.service.read_task import TaskView, own_task, view_of

LOOK_AGAIN_S = 5.0
LOOKS_AT_ONCE_MAX = 4


class TaskWatch:
    """Wakes whoever waits for a task."""

    def __init__(self, store: Tasks) -> None:
        self._store = store
        self._waiting: dict[TaskId, set[asyncio.Event]] = defaultdict(set)
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE_MAX)

    async def run(self) -> None:
        """Listen for ever."""
        async for task_id in self._store.changes():
            if task_id is None:
                for events in self._waiting.values():
                    for event in events:
                        event.set()
            else:
                for event in self._waiting.get(task_id, ()):
                    event.set()

    async def wait_change(
        self,
        view: TaskView,
        *,
        key: ApiKey,
        wait_s: float,
        deps: Deps,
        previews: PreviewNews | None = None,
    ) -> TaskView:
        """Return the task as soon as its status, stage or progress differs from `view`,
        or after `wait_s`; `view` itself when there is a new preview, or when the database is away
        at the end.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        with self._following(view.task.id, previews) as changed:
            while True:
                changed.clear()  # before looking: what happens while we look is looked at again
                if previews is not None and previews.is_new:
                    return view
                left = deadline - loop.time()
                try:
                    async with self._looks:
                        task = await own_task(view.task.id, key=key, deps=deps)
                        if _differs(task, view.task) or task.is_final or left <= 0:
                            return await view_of(task, deps=deps)
                except DatabaseAway:
                    if left <= 0:
                        return view
                try:
                    async with asyncio.timeout(min(left, LOOK_AGAIN_S)):
                        await changed.wait()
                except TimeoutError:
                    continue

    @contextmanager
    def _following(self, task_id: TaskId, previews: PreviewNews | None) -> Generator[asyncio.Event]:
        event = previews.wake if previews is not None else asyncio.Event()
        self._waiting[task_id].add(event)
        try:
            yield event
        finally:
            self._waiting[task_id].discard(event)
            if not self._waiting[task_id]:
                del self._waiting[task_id]


def _differs(now: Task, before: Task) -> bool:
    told = (before.status, before.stage, before.progress)
    return (now.status, now.stage, now.progress) != told
