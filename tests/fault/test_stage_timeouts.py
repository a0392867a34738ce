"""A stage that does not come to its end is ended by its limit, at no cost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from rig import FakeStudio, FakeWeb, OnlySeat, fake_deps, movements, submit

from filmgate.domain.errors import StorageFailed
from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.produce_video import produce_video
from filmgate.storage.local import LocalStorage
from filmgate.store.store import PostgresStore
from kept_tasks import new_key

LIMIT_S = 0.2


class StuckWeb(FakeWeb):
    async def fetch(self, *given: Any, **named: Any) -> Any:
        await asyncio.Event().wait()


class StuckStorage(LocalStorage):
    """Takes inputs, but not films."""

    async def put_file(self, key: str, path: Path) -> Any:
        if key.startswith("results/"):
            await asyncio.Event().wait()
        return await super().put_file(key, path)


class RefusingStorage(LocalStorage):
    """Refuses films so many times."""

    refusals = 0

    async def put_file(self, key: str, path: Path) -> Any:
        if key.startswith("results/") and self.refusals:
            self.refusals -= 1
            raise StorageFailed("the storage could not be written (ENOSPC)")
        return await super().put_file(key, path)


async def attempted(deps: Deps, *, studio: FakeStudio | None = None) -> Task:
    """Submit a task with a picture and make one attempt at it."""
    task = await submit(deps.store, await new_key(deps.store), image="https://a.test/a.png")
    await again(task, deps, studio=studio)
    return await kept(task, deps)


async def again(task: Task, deps: Deps, *, studio: FakeStudio | None = None) -> None:
    seat = OnlySeat(studio or FakeStudio())
    async with asyncio.timeout(30):
        await produce_video(task.id, worker="w", seat=seat, deps=deps)


async def kept(task: Task, deps: Deps) -> Task:
    found = await deps.store.task(task.id)
    assert found is not None
    return found


async def assert_ended_by_limit(task: Task, stage: str, url: str) -> None:
    assert task.failure is not None
    assert task.failure.code == "stage_timed_out"
    assert task.failure.message == f"{stage} took longer than {LIMIT_S:g} seconds"
    assert await movements(url, task) == ["hold", "release"]


async def test_inputs_end_at_their_limit(
    store: PostgresStore, tmp_path: Path, database_url: str
) -> None:
    deps = await fake_deps(store, tmp_path, inputs_timeout_s=LIMIT_S)
    task = await attempted(replace(deps, fetcher=StuckWeb()))
    await assert_ended_by_limit(task, "inputs", database_url)


async def test_making_ends_at_its_limit(
    store: PostgresStore, tmp_path: Path, database_url: str
) -> None:
    deps, studio = await fake_deps(store, tmp_path, make_timeout_s=LIMIT_S), FakeStudio()
    studio.may_finish.clear()
    task = await attempted(deps, studio=studio)
    await assert_ended_by_limit(task, "make", database_url)
    assert studio.cancelled.is_set()


async def test_finishing_ends_at_its_limit(
    store: PostgresStore, tmp_path: Path, database_url: str
) -> None:
    deps = await fake_deps(store, tmp_path, finish_timeout_s=LIMIT_S)
    task = await attempted(replace(deps, storage=StuckStorage(tmp_path / "stuck")))
    await assert_ended_by_limit(task, "finish", database_url)


async def test_a_storage_that_refuses_for_a_moment_costs_an_attempt_and_no_film(
    store: PostgresStore, tmp_path: Path, database_url: str
) -> None:
    storage = RefusingStorage(tmp_path / "refusing")
    storage.refusals = 1
    deps = replace(await fake_deps(store, tmp_path), storage=storage)
    task = await attempted(deps)
    assert not task.is_final
    await again(task, deps)
    assert (await kept(task, deps)).status == "completed"
    assert await movements(database_url, task) == ["hold", "capture"]
