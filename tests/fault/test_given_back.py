"""An attempt that is stopped gives its task back, and says so only where somebody should look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from rig import FakeStudio, OnlySeat, fake_deps, look, submit

from filmgate.domain.task import Task
from filmgate.service.cancel_task import cancel_task
from filmgate.service.deps import Deps
from filmgate.service.produce_video import produce_video
from filmgate.store.store import PostgresStore
from kept_tasks import new_key

BEGUN_S = 20


async def test_an_ordinary_cancel_warns_nobody(store: PostgresStore, tmp_path: Path) -> None:
    deps, key = await fake_deps(store, tmp_path), await new_key(store)
    task = await submit(store, key)
    warnings = await warnings_of_stopping(
        task, deps, after=lambda: cancel_task(task.id, key=key, deps=deps)
    )
    assert warnings == []


async def test_a_lease_that_ran_out_is_warned_of(
    store: PostgresStore, tmp_path: Path, database_url: str
) -> None:
    deps, key = await fake_deps(store, tmp_path), await new_key(store)
    task = await submit(store, key)
    ended = "UPDATE tasks SET lease_until = now() - interval '1 second'"
    [warning] = await warnings_of_stopping(task, deps, after=lambda: look(database_url, ended))
    assert (warning["event"], warning["task_id"]) == ("task.not_given_back", task.id)


async def warnings_of_stopping(
    task: Task, deps: Deps, *, after: Callable[[], Awaitable[Any]]
) -> list[Any]:
    """Begin a film, let something happen to its task, stop the attempt: what is warned of then."""
    studio = FakeStudio()
    studio.may_finish.clear()
    async with asyncio.timeout(BEGUN_S), asyncio.TaskGroup() as group:
        making = produce_video(task.id, worker="w", seat=OnlySeat(studio), deps=deps)
        attempt = group.create_task(making)
        await studio.has_begun.wait()
        await after()
        with structlog.testing.capture_logs() as said:
            attempt.cancel()
            await asyncio.wait([attempt])
    return [line for line in said if line["log_level"] == "warning"]
