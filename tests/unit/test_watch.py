"""Many who wait for a task, and a database with few connections."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from filmgate.domain.api_key import hash_token
from filmgate.domain.errors import DatabaseAway
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Task
from filmgate.service.read_task import view_of
from filmgate.service.watch import LOOKS_AT_ONCE_MAX
from gateway_room import SIMPLE, TOKEN, Room

WAITING = 100


class CrowdedStore:
    """A room's store that takes its time over a task, and counts who asks at once."""

    def __init__(self, room: Room) -> None:
        self._store = room.store
        self._asking = 0
        self.asking_max = 0
        self.asked = 0
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def task(self, task_id: TaskId) -> Task | None:
        if self.is_away:
            raise DatabaseAway("away")
        self._asking += 1
        self.asked += 1
        self.asking_max = max(self.asking_max, self._asking)
        await asyncio.sleep(0)
        self._asking -= 1
        return await self._store.task(task_id)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
async def task(room: Room) -> Task:
    async with room.client() as client:
        await client.post("/v1/videos/generations", json=SIMPLE)
    return next(iter(room.store.kept.values()))


async def test_however_many_wait_a_few_look_at_a_time(room: Room, task: Task) -> None:
    store, key = CrowdedStore(room), room.store.key_list[hash_token(TOKEN)]
    deps = replace(room.deps, store=store)  # type: ignore[arg-type]
    view = await view_of(task, deps=room.deps)
    changed = replace(task, progress=9)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(room.watch.wait_change(view, key=key, wait_s=60, deps=deps))
            for _ in range(WAITING)
        ]
        while store.asked < WAITING:  # noqa: ASYNC110 - it tells no event
            await asyncio.sleep(0)
        listening = group.create_task(room.watch.run())
        room.store.change(changed)
        heard = await asyncio.gather(*waiting)
        listening.cancel()
    assert {view.task.progress for view in heard} == {9}
    assert store.asking_max == LOOKS_AT_ONCE_MAX


async def test_who_waits_does_not_hear_that_the_database_is_away(room: Room, task: Task) -> None:
    store, key = CrowdedStore(room), room.store.key_list[hash_token(TOKEN)]
    store.is_away = True
    deps = replace(room.deps, store=store)  # type: ignore[arg-type]
    view = await view_of(task, deps=room.deps)
    assert await room.watch.wait_change(view, key=key, wait_s=0.01, deps=deps) == view
