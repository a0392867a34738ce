"""Numbered pages of tasks on real PostgreSQL: narrowed, counted, and read in one statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from filmgate.domain.ids import task_id
from filmgate.domain.task import Status
from filmgate.ports.store import TaskWindow
from kept_tasks import claim, new_key, new_task, now, submit


async def test_a_window_counts_all_and_returns_a_page(store):
    key, other = await new_key(store), await new_key(store, "other")
    second = replace(await new_key(store), account_id=key.account_id)
    at, ids = now(), []
    for index in range(5):
        task = new_task(second if index == 4 else key)
        image = "https://example.com/a.png" if index % 2 else None
        task = replace(
            task,
            id=task_id(at + timedelta(hours=index), bytes(9) + b"\1"),
            generation=replace(task.generation, image=image),
        )
        ids.append((await submit(store, task)).id)
    await submit(store, new_task(other))
    await claim(store, await store.task(ids[0]))

    def window(since_h: float = 0, until_h: float = 10, **narrowed) -> TaskWindow:
        whole = TaskWindow(
            account_id=key.account_id,
            after=task_id(at + timedelta(hours=since_h), bytes(10)),
            before=task_id(at + timedelta(hours=until_h), bytes(10)),
            limit=100,
            offset=0,
        )
        return replace(whole, **narrowed)

    async def found(wanted: TaskWindow) -> tuple[list[str], int]:
        tasks, total = await store.task_window(wanted)
        return [task.id for task in tasks], total

    assert await found(window()) == (ids[::-1], 5)
    assert await found(window(limit=2)) == ([ids[4], ids[3]], 5)
    assert await found(window(limit=2, offset=4)) == ([ids[0]], 5)
    assert await found(window(limit=2, offset=6)) == ([], 5)
    assert await found(window(1, 3)) == ([ids[2], ids[1]], 2)
    assert await found(window(8)) == ([], 0)
    assert await found(window(has_picture=True)) == ([ids[3], ids[1]], 2)
    assert await found(window(has_picture=False)) == ([ids[4], ids[2], ids[0]], 3)
    assert await found(window(status=Status.PROCESSING)) == ([ids[0]], 1)
    assert await found(window(api_key_id=second.id)) == ([ids[4]], 1)
    assert await found(window(model="wan2.5-preview", limit=1)) == ([ids[4]], 5)
    assert await found(window(model="another")) == ([], 0)
