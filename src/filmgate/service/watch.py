"""Waiting for a task to change, without asking the database again and again.

One listener per process hears of changes by notification and wakes those who wait. Because a
notification may be lost (a reconnect), waiters look again every few seconds all the same.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager

from filmgate.domain.api_key import ApiKey
from filmgate.domain.ids import TaskId
from filmgate.ports.store import Tasks
from filmgate.service.deps import Deps
from filmgate.service.read_task import TaskView, read_task

LOOK_AGAIN_S = 5.0


class TaskWatch:
    """Wakes whoever waits for a task."""

    def __init__(self, store: Tasks) -> None:
        self._store = store
        self._waiting: dict[TaskId, set[asyncio.Event]] = defaultdict(set)

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
        self, view: TaskView, *, key: ApiKey, wait_s: float, deps: Deps
    ) -> TaskView:
        """Return the task as soon as its status, stage or progress differs from `view`,
        or after `wait_s`.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        with self._following(view.task.id) as changed:
            while True:
                now = await read_task(view.task.id, key=key, deps=deps)
                left = deadline - loop.time()
                if _differs(now, view) or now.task.is_final or left <= 0:
                    return now
                changed.clear()
                try:
                    async with asyncio.timeout(min(left, LOOK_AGAIN_S)):
                        await changed.wait()
                except TimeoutError:
                    continue

    @contextmanager
    def _following(self, task_id: TaskId) -> Generator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting[task_id].add(event)
        try:
            yield event
        finally:
            self._waiting[task_id].discard(event)
            if not self._waiting[task_id]:
                del self._waiting[task_id]


def _differs(now: TaskView, before: TaskView) -> bool:
    a, b = now.task, before.task
    return (a.status, a.stage, a.progress) != (b.status, b.stage, b.progress)
