"""What is stored ends when it should, and no crash leaves half of it behind for good.

Real PostgreSQL, a real folder, and a clock that tests move.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from filmgate.bootstrap import build_deps
from filmgate.config import Settings
from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import Asset, AssetKind, input_key, reference, result_key
from filmgate.domain.errors import FileGone, InvalidFields
from filmgate.domain.ids import account_id, api_key_id
from filmgate.domain.task import Task
from filmgate.service.check_storage import MARK_KEY, check_storage, remove_orphans
from filmgate.service.deps import Deps
from filmgate.service.keep_upload import keep_upload
from filmgate.service.open_file import open_file
from filmgate.service.settle_task import settle_task
from filmgate.service.submit_task import submit_task
from filmgate.service.sweep import expire_assets
from input_corpus.forms import PNG, uri

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FILM = os.urandom(3 * 2**20 + 17)
BODY = {"model": "wan2.5-preview", "prompt": "a boat"}


class MovedClock:
    """Real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Crash(BaseException):
    """The process is dead: nothing that follows may happen."""


class Mortal:
    """Counts the calls of something and dies at the n-th, before it or right after it."""

    def __init__(self, inner: Any, death: Death) -> None:
        self._inner = inner
        self._death = death

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)

        async def called(*args: Any, **options: Any) -> Any:
            self._death.before()
            result = await inner(*args, **options)
            self._death.after()
            return result

        return called


class Death:
    """When to die: at call `at`; after it was done, if `is_done`."""

    def __init__(self, at: int, *, is_done: bool) -> None:
        self.calls = 0
        self.is_dead = False
        self._at = at
        self._is_done = is_done

    def before(self) -> None:
        self.calls += 1
        if self.is_dead or (self.calls == self._at and not self._is_done):
            self.is_dead = True
            raise Crash

    def after(self) -> None:
        if self.calls == self._at and self._is_done:
            self.is_dead = True
            raise Crash


@pytest.fixture
async def deps(store, tmp_path: Path) -> Deps:
    built = await build_deps(Settings(data=str(tmp_path), engine="testcard"), store)
    return replace(built, clock=MovedClock())


@pytest.fixture
async def key(deps: Deps) -> ApiKey:
    at = deps.clock.now()
    owner = await deps.store.ensure_account(account_id(at, os.urandom(10)), name="main", at=at)
    key = ApiKey(
        id=api_key_id(at, os.urandom(10)),
        account_id=owner,
        name="k",
        token_hash=os.urandom(32),
        prefix="fg_12345",
        created_at=at,
    )
    await deps.store.add_key(key)
    return key


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def submitted(deps: Deps, key: ApiKey, **fields_of_body: object) -> Task:
    submission = await submit_task(
        {**BODY, **fields_of_body}, key=key, idempotency_key=None, deps=deps
    )
    task = await deps.store.task(submission.task_id)
    assert task is not None
    return task


async def film_made(deps: Deps, task: Task) -> Task:
    """What the end of an attempt does: the file first, then the ending with its record."""
    key = result_key(task.id, task.attempt)
    await deps.storage.put_stream(key, stream(FILM), size_bytes_max=2**30)
    ended = task.completed(
        attempt=task.attempt,
        key=key,
        size_bytes=len(FILM),
        at=deps.clock.now(),
        ttl_s=deps.limits.result_ttl_s,
    )
    await settle_task(ended, attempt=task.attempt, store=deps.store)
    return ended


async def claimed(deps: Deps, task: Task) -> Task:
    mine = await deps.store.claim(task.id, worker="w", lease_s=60)
    assert mine is not None
    return mine


async def completed(deps: Deps, key: ApiKey, **fields_of_body: object) -> Task:
    task = await submitted(deps, key, **fields_of_body)
    return await film_made(deps, await claimed(deps, task))


async def uploaded(deps: Deps, key: ApiKey) -> Asset:
    return await keep_upload(stream(PNG), kind="image", filename="a.png", key=key, deps=deps)


async def stored_keys(deps: Deps) -> set[str]:
    return {file.key async for file in deps.storage.list_keys("")} - {MARK_KEY}


async def recorded(deps: Deps) -> set[str]:
    return {asset.key for asset in await deps.store.assets_after("", limit=1000)}


def pass_time(deps: Deps, time: timedelta) -> None:
    deps.clock.ahead += time  # type: ignore[attr-defined]


async def opened(deps: Deps, key: str, expires_at: datetime) -> None:
    _, _, query = deps.links.path(key, expires_at=expires_at).partition("?")
    expires, signature = (pair.partition("=")[2] for pair in query.split("&"))
    await open_file(key, expires=expires, signature=signature, deps=deps)


# ---- what ends, and when


async def test_a_film_goes_an_hour_after_its_link_and_its_task_stays(deps, key):
    task = await completed(deps, key)
    await opened(deps, task.result_key, task.expires_at)

    pass_time(deps, DAY + timedelta(minutes=1))
    with pytest.raises(FileGone):
        await opened(deps, task.result_key, task.expires_at)
    assert await expire_assets(deps=deps) == 0
    assert await stored_keys(deps) == await recorded(deps) == {task.result_key}

    pass_time(deps, HOUR)
    assert await expire_assets(deps=deps) == 1
    assert await stored_keys(deps) == await recorded(deps) == set()
    with pytest.raises(FileGone):
        await opened(deps, task.result_key, task.expires_at)

    pass_time(deps, 88 * DAY)
    await expire_assets(deps=deps)
    assert await deps.store.task(task.id) is not None
    pass_time(deps, DAY)
    await expire_assets(deps=deps)
    assert await deps.store.task(task.id) is None
    assert await deps.store.audit() == []


async def test_a_running_download_finishes(deps, key):
    task = await completed(deps, key)
    reading = deps.storage.read(task.result_key)
    received = await anext(reading)
    pass_time(deps, DAY + HOUR + HOUR)
    assert await expire_assets(deps=deps) == 1
    async for chunk in reading:
        received += chunk
    assert received == FILM


async def test_an_upload_that_an_unfinished_task_names_outlives_its_time(deps, key):
    upload = await uploaded(deps, key)
    link = "http://films.example" + deps.links.path(upload.key, expires_at=upload.expires_at)
    task = await submitted(deps, key, image_urls=[link])
    assert task.generation.image == reference(upload.key)

    pass_time(deps, 5 * DAY)
    assert await expire_assets(deps=deps) == 0
    assert await stored_keys(deps) == {upload.key}
    await film_made(deps, await claimed(deps, task))
    await expire_assets(deps=deps)
    assert upload.key not in await stored_keys(deps) | await recorded(deps)


async def test_an_input_goes_with_its_tasks_film(deps, key):
    task = await submitted(deps, key, image_urls=[uri(PNG)])
    image = input_key(task.id, "image_urls")
    pass_time(deps, 3 * DAY)
    assert await expire_assets(deps=deps) == 0
    ended = await film_made(deps, await claimed(deps, task))
    assert await stored_keys(deps) == {image, ended.result_key}
    pass_time(deps, DAY + HOUR + HOUR)
    assert await expire_assets(deps=deps) == 2
    assert await stored_keys(deps) == await recorded(deps) == set()


async def test_an_input_of_a_cancelled_task_goes_after_an_hour(deps, key):
    task = await submitted(deps, key, image_urls=[uri(PNG)])
    await settle_task(task.cancelled(at=deps.clock.now()), attempt=None, store=deps.store)
    pass_time(deps, timedelta(minutes=59))
    assert await expire_assets(deps=deps) == 0
    pass_time(deps, timedelta(minutes=2))
    assert await expire_assets(deps=deps) == 1


async def test_a_link_that_has_ended_is_refused_at_once(deps, key):
    upload = await uploaded(deps, key)
    link = "http://films.example" + deps.links.path(upload.key, expires_at=upload.expires_at)
    for time in (timedelta(hours=73), HOUR):  # while the file is still there, and after it went
        pass_time(deps, time)
        with pytest.raises(InvalidFields, match="image_urls must be a link that has not expired"):
            await submitted(deps, key, image_urls=[link])
        await expire_assets(deps=deps)


async def test_a_link_to_a_film_is_no_picture(deps, key):
    task = await completed(deps, key)
    link = "http://films.example" + deps.links.path(task.result_key, expires_at=task.expires_at)
    with pytest.raises(InvalidFields, match="must be a link to an image file"):
        await submitted(deps, key, image_urls=[link])


# ---- crashes between a file and its record


async def upload_again(deps: Deps, key: ApiKey) -> None:
    await uploaded(deps, key)


async def submit_a_data_uri(deps: Deps, key: ApiKey) -> None:
    await submitted(deps, key, image_urls=[uri(PNG)])


async def end_an_attempt(deps: Deps, key: ApiKey) -> None:
    (task_id,) = TASKS_CLAIMED
    task = await deps.store.task(task_id)
    await film_made(deps, task)


async def expire_all(deps: Deps, key: ApiKey) -> None:
    await expire_assets(deps=deps)


TASKS_CLAIMED: set[str] = set()
Step = Callable[[Deps, ApiKey], Awaitable[None]]
POINTS_MAX = 40


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("step", [upload_again, submit_a_data_uri, end_an_attempt, expire_all])
async def test_a_crash_leaves_no_half_for_good(deps: Deps, key: ApiKey, step: Step, is_done: bool):
    """Dies at every call to database or storage, one after the other, and cleans up each time."""
    for at in range(1, POINTS_MAX):
        TASKS_CLAIMED.clear()
        if step is end_an_attempt:
            task = await claimed(deps, await submitted(deps, key))
            TASKS_CLAIMED.add(task.id)
        if step is expire_all:
            await completed(deps, key, image_urls=[uri(PNG)])
            pass_time(deps, DAY + HOUR + HOUR)
        death = Death(at, is_done=is_done)
        mortal = replace(
            deps,
            store=Mortal(deps.store, death),  # type: ignore[arg-type]
            storage=Mortal(deps.storage, death),  # type: ignore[arg-type]
        )
        try:
            await step(mortal, key)
        except Crash:
            assert death.is_dead
        await end_everything(deps, key)
        assert await stored_keys(deps) == set()
        assert await recorded(deps) == set()
        if not death.is_dead:
            break
    assert at > 2  # it did die on the way


async def end_everything(deps: Deps, key: ApiKey) -> None:
    """Call off what is left, let all time pass, and do what the worker's upkeep does."""
    for asset in await deps.store.assets_after("", limit=1000):
        if asset.task_id is not None:
            await call_off(deps, asset.task_id)
    for task_id in TASKS_CLAIMED:
        await call_off(deps, task_id)
    pass_time(deps, 5 * DAY)
    await expire_assets(deps=deps)
    await remove_orphans(deps=deps)


async def call_off(deps: Deps, task_id: str) -> None:
    task = await deps.store.task(task_id)
    if task is not None and not task.is_final:
        await settle_task(task.cancelled(at=deps.clock.now()), attempt=None, store=deps.store)


# ---- storage check


async def lone_file(deps: Deps, key: str) -> None:
    await deps.storage.put_stream(key, stream(b"left behind"), size_bytes_max=100)


async def lone_record(deps: Deps, key: ApiKey, storage_key: str) -> None:
    now = deps.clock.now()
    await deps.store.add_asset(
        Asset(
            key=storage_key,
            kind=AssetKind.UPLOAD,
            account_id=key.account_id,
            task_id=None,
            content_type="image/png",
            size_bytes=9,
            filename="a.png",
            created_at=now,
            expires_at=now + 30 * DAY,
        )
    )


async def test_a_check_lists_both_halves_and_a_repair_removes_them(deps, key):
    task = await completed(deps, key)
    await lone_file(deps, "results/task_x/1/film.mp4")
    await lone_record(deps, key, "uploads/x/image")
    young = await check_storage(may_repair=True, deps=deps)
    assert (young.files_without_record, young.records_without_file) == ((), ())

    pass_time(deps, HOUR + timedelta(minutes=1))
    for may_repair in (False, True):
        found = await check_storage(may_repair=may_repair, deps=deps)
        assert [file.key for file in found.files_without_record] == ["results/task_x/1/film.mp4"]
        assert [record.key for record in found.records_without_file] == ["uploads/x/image"]
        assert found.is_repaired is may_repair
    assert await stored_keys(deps) == await recorded(deps) == {task.result_key}
    clean = await check_storage(may_repair=False, deps=deps)
    assert (clean.files_without_record, clean.records_without_file) == ((), ())


async def test_files_of_another_database_are_never_removed(deps, key):
    await remove_orphans(deps=deps)
    await lone_file(deps, "results/task_x/1/film.mp4")
    pass_time(deps, 2 * HOUR)
    await deps.storage.put_stream(MARK_KEY, stream(b"0" * 32), size_bytes_max=32)

    assert await remove_orphans(deps=deps) == 0
    report = await check_storage(may_repair=True, deps=deps)
    assert (report.is_foreign, report.is_repaired) == (True, False)
    assert len(report.files_without_record) == 1
    assert await stored_keys(deps) == {"results/task_x/1/film.mp4"}


async def test_more_than_a_batch_is_looked_through(deps, key):
    for number in range(3):
        await lone_record(deps, key, f"uploads/{number}/image")
    some = await deps.store.assets_after("uploads/0/image", limit=1)
    assert [asset.key for asset in some] == ["uploads/1/image"]
    wanted = ["uploads/2/image", "uploads/9/image"]
    assert await deps.store.recorded_keys(wanted) == {"uploads/2/image"}
