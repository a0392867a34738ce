"""A deleted task is gone, and no crash while it goes leaves half of it behind for good.

Real PostgreSQL and a real folder; the process dies at the n-th call of either, for every n.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from filmgate.bootstrap import build_deps
from filmgate.config import Settings
from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import input_key, result_key
from filmgate.domain.errors import InvalidTaskId, LeaseLost
from filmgate.domain.task import Task
from filmgate.service.delete_task import delete_task
from filmgate.service.deps import Deps
from filmgate.service.remix_task import remix_task
from filmgate.service.settle_task import settle_task
from filmgate.service.submit_task import submit_task
from filmgate.service.sweep import expire_assets
from input_corpus.forms import PNG, uri
from kept_tasks import new_key

FILM = os.urandom(1000)
CALLS_MAX = 30


class Dead(BaseException):
    """The process is gone."""


class Mortal:
    """Dies right before, or right after, the n-th call of anything that shares its count."""

    def __init__(self, inner: Any, count: list[int], *, at: int, is_done: bool) -> None:
        self._inner, self._count, self._at, self._is_done = inner, count, at, is_done

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if name == "list_keys":
            return inner

        async def called(*args: Any, **named: Any) -> Any:
            self._count[0] += 1
            if self._count[0] == self._at and not self._is_done:
                raise Dead
            answer = await inner(*args, **named)
            if self._count[0] == self._at:
                raise Dead
            return answer

        return called


class LaterClock:
    """Two hours ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=2)


@pytest.fixture
async def deps(store, tmp_path: Path) -> Deps:
    return await build_deps(Settings(data=str(tmp_path), engine="testcard"), store)


@pytest.fixture
async def key(store) -> ApiKey:
    return await new_key(store)


async def film(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def submitted(deps: Deps, key: ApiKey) -> Task:
    body = {"model": "wan2.5-preview", "prompt": "a boat", "image_urls": [uri(PNG)]}
    submission = await submit_task(body, key=key, idempotency_key=None, deps=deps)
    task = await deps.store.task(submission.task_id)
    assert task is not None
    return task


async def completed(deps: Deps, key: ApiKey) -> Task:
    """A task with its film, and what an earlier attempt left."""
    task = await submitted(deps, key)
    task = await deps.store.claim(task.id, worker="w", lease_s=60)
    assert task is not None
    for name in (result_key(task.id, 1), f"results/{task.id}/0/film.mp4"):
        await deps.storage.put_stream(name, film(FILM), size_bytes_max=2**20)
    ended = task.completed(
        attempt=1,
        key=result_key(task.id, 1),
        size_bytes=len(FILM),
        at=deps.clock.now(),
        ttl_s=deps.limits.result_ttl_s,
    )
    await settle_task(ended, attempt=1, store=deps.store)
    return ended


async def files_and_records(deps: Deps, task: Task) -> tuple[set[str], set[str]]:
    records = {a.key for a in await deps.store.assets_after("", limit=100) if a.task_id == task.id}
    return {f.key async for f in deps.storage.list_keys("") if task.id in f.key}, records


async def test_a_deleted_task_leaves_only_its_ledger(deps, key):
    task = await completed(deps, key)
    files, records = await files_and_records(deps, task)
    assert (len(files), len(records)) == (3, 2)
    await delete_task(task.id, key=key, deps=deps)
    assert await deps.store.task(task.id) is None
    assert await files_and_records(deps, task) == (set(), set())
    assert await deps.store.audit() == []
    assert (await deps.store.balance(key.account_id)).captured == task.price_micro_usd


async def test_deleting_a_running_task_releases_its_hold_and_fences_its_attempt(deps, key):
    task = await submitted(deps, key)
    running = await deps.store.claim(task.id, worker="w", lease_s=60)
    assert running is not None
    await delete_task(task.id, key=key, deps=deps)
    with pytest.raises(LeaseLost):
        await deps.store.record_progress(task.id, attempt=1, stage="make", progress=50)
    balance = await deps.store.balance(key.account_id)
    assert (balance.held, balance.captured) == (0, 0)
    assert await files_and_records(deps, task) == (set(), set())


async def test_a_running_download_finishes_though_the_task_is_deleted(deps, key):
    task = await completed(deps, key)
    reading = deps.storage.read(task.result_key, start=0, end=10)
    first = await anext(reading)
    await delete_task(task.id, key=key, deps=deps)
    assert first + b"".join([chunk async for chunk in reading]) == FILM[:10]


async def test_nobody_deletes_what_is_not_theirs(deps, key, store):
    task, stranger = await completed(deps, key), await new_key(store, "stranger")
    with pytest.raises(InvalidTaskId):
        await delete_task(task.id, key=stranger, deps=deps)
    assert await deps.store.task(task.id) is not None


async def test_a_remix_has_a_picture_of_its_own(deps, key):
    task = await completed(deps, key)
    submission = await remix_task(
        task, {"prompt": "a ship"}, key=key, idempotency_key=None, deps=deps
    )
    remix = await deps.store.task(submission.task_id)
    assert remix.generation.seed == task.generation.seed
    assert remix.generation.remixed_from == task.id
    await delete_task(task.id, key=key, deps=deps)
    mine = input_key(remix.id, "image_urls")
    assert remix.generation.image == f"asset:{mine}"
    assert await files_and_records(deps, remix) == ({mine}, {mine})


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_crash_at_any_point_leaves_nothing_for_good(deps, key, is_done):
    for at in range(1, CALLS_MAX):
        task, count = await completed(deps, key), [0]
        mortal = replace(
            deps,
            store=Mortal(deps.store, count, at=at, is_done=is_done),
            storage=Mortal(deps.storage, count, at=at, is_done=is_done),
        )
        try:
            await delete_task(task.id, key=key, deps=mortal)
        except Dead:
            if await deps.store.task(task.id) is not None:
                await delete_task(task.id, key=key, deps=deps)
            await expire_assets(deps=replace(deps, clock=LaterClock()))
            assert await files_and_records(deps, task) == (set(), set()), at
        else:
            assert at > 6
            return
    raise AssertionError("it never ran to its end")
