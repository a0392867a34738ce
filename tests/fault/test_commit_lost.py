"""Answers that never arrive: the connection dies around COMMIT, notifications get lost, two do the
same at once. Each has its documented way out.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rig import FakeStudio, OnlySeat, fake_deps, look, movements, submit
from torn_wire import Tear, TornWire
from workshop_floor import working

from filmgate.domain.errors import DatabaseAway, LeaseLost, OutcomeUnknown, TaskNotCancellable
from filmgate.domain.task import Failure
from filmgate.ports.store import IdempotencyKey
from filmgate.service.cancel_task import cancel_task
from filmgate.service.patience import patiently
from filmgate.service.produce_video import produce_video
from filmgate.service.settle_task import settle_task
from filmgate.service.sweep import sweep
from filmgate.store import database
from filmgate.store.store import PostgresStore
from kept_tasks import done, new_key, new_task, now

SUBMIT, SETTLE, COMMIT = "INSERT INTO tasks", "WITH ended AS", "COMMIT"
COMPLETED = ["hold", "capture"]


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[TornWire]:
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        async with TornWire(database_url, Path(folder)) as wire:
            yield wire


@pytest.fixture
async def torn(wire: TornWire, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresStore]:
    """A store whose wire the test may tear."""
    monkeypatch.setattr(database, "POOL_WAIT_S", 0.5)
    store = PostgresStore(wire.url, connections_max=2)
    await store.open()
    yield store
    wire.mend()
    await store.close()


# ---- submit


@pytest.mark.parametrize("named", [False, True], ids=["plain", "with an idempotency key"])
@pytest.mark.parametrize("tear", Tear)
async def test_a_submit_whose_answer_is_lost_makes_one_task(store, torn, wire, tear, named):
    task = new_task(await new_key(store))
    name = IdempotencyKey(key="once", body_hash=b"a" * 32) if named else None
    wire.tear_at(COMMIT if named else SUBMIT, tear)
    submission = await torn.submit(task, idempotency=name, unfinished_max=1)

    assert wire.tears == 1
    assert (submission.task_id, submission.is_replayed) == (task.id, False)
    assert await store.count_unfinished() == 1
    assert (await store.balance(task.account_id)).held == task.price_micro_usd
    assert await store.audit() == []


async def test_a_submit_that_nobody_can_look_up_says_so_and_names_its_id(store, torn, wire):
    task = new_task(await new_key(store))
    wire.tear_at(SUBMIT, Tear.AFTER)
    wire.refuse_after_tear()
    with pytest.raises(OutcomeUnknown, match=task.id) as told:
        await torn.submit(task, idempotency=None, unfinished_max=1)

    assert (told.value.http_status, told.value.code) == (503, "outcome_unknown")
    assert await store.task(task.id) is not None


async def test_a_submit_that_never_reached_the_database_is_simply_refused(store, wire, monkeypatch):
    monkeypatch.setattr(database, "POOL_WAIT_S", 0.5)
    task = new_task(await new_key(store))
    wire.refuse()
    unconnected = PostgresStore(wire.url, connections_max=2)
    await unconnected.open()
    with pytest.raises(DatabaseAway) as told:
        await unconnected.submit(task, idempotency=None, unfinished_max=1)
    await unconnected.close()

    assert told.value.code == "database_away"
    assert await store.task(task.id) is None


# ---- settle


@pytest.mark.parametrize("tear", Tear)
async def test_a_settle_whose_answer_is_lost_ends_the_task_once(
    store, torn, wire, tear, database_url
):
    task = await submit(store, await new_key(store))
    claimed = await store.claim(task.id, worker="w", lease_s=30)
    wire.tear_at(SETTLE, tear)
    with_patience = patiently(lambda: settle_task(done(claimed), attempt=1, store=torn), limit_s=10)
    try:
        await with_patience
    except LeaseLost:
        assert tear is Tear.DURING  # it was written after we had looked

    assert wire.tears == 1
    assert (await store.task(task.id)).status == "completed"
    assert await movements(database_url, task) == COMPLETED
    assert await store.audit() == []


async def test_a_film_outlives_a_database_that_is_away_for_a_moment(
    store, torn, wire, tmp_path, database_url
):
    deps = await fake_deps(torn, tmp_path, lease_s=20.0)
    task = await submit(store, await new_key(store))
    studio = FakeStudio()
    studio.may_finish.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(produce_video(task.id, worker="w", seat=OnlySeat(studio), deps=deps))
        await until(lambda: studio.orders)
        wire.refuse()
        studio.may_finish.set()
        await asyncio.sleep(0)
        await until(lambda: wire.refused > 2)
        wire.mend()

    kept = await store.task(task.id)
    assert (kept.status, kept.attempt, len(studio.orders)) == ("completed", 1, 1)
    assert await movements(database_url, task) == COMPLETED


async def test_settle_and_cancel_have_one_winner_and_one_end_in_the_ledger(
    store, tmp_path, database_url
):
    deps, key = await fake_deps(store, tmp_path), await new_key(store)
    for _ in range(10):
        task = await submit(store, key)
        claimed = await store.claim(task.id, worker="w", lease_s=30)
        outcomes = await asyncio.gather(
            settle_task(done(claimed), attempt=1, store=store),
            cancel_task(task.id, key=key, deps=deps),
            return_exceptions=True,
        )
        losers = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert len(losers) == 1, outcomes
        assert isinstance(losers[0], LeaseLost | TaskNotCancellable), losers
        kept = await store.task(task.id)
        ending = "capture" if kept.status == "completed" else "release"
        assert await movements(database_url, task) == ["hold", ending]


async def test_the_sweeps_verdict_does_not_end_what_somebody_has_begun(store):
    task = await submit(store, await new_key(store))
    claimed = await store.claim(task.id, worker="w", lease_s=30)
    failure = Failure(code="stage_timed_out", message="waited too long")
    with pytest.raises(LeaseLost):
        await store.settle(claimed.failed(attempt=1, failure=failure, at=now()), attempt=None)
    assert (await store.task(task.id)).status == "processing"


# ---- the database hangs


async def test_a_database_that_hangs_is_away_after_a_bounded_time(store, torn, wire, monkeypatch):
    monkeypatch.setattr(database, "ANSWER_S_MAX", 0.3)
    task = await submit(store, await new_key(store))
    assert await torn.task(task.id) is not None
    wire.hold()
    async with asyncio.timeout(15):
        with pytest.raises(DatabaseAway):
            await torn.task(task.id)


async def test_a_worker_stops_by_its_own_clock_when_the_database_hangs(store, torn, wire, tmp_path):
    deps = await fake_deps(torn, tmp_path, lease_s=1.0)
    task = await submit(store, await new_key(store))
    studio = FakeStudio()
    studio.may_finish.clear()
    async with working(deps, [studio], wire.url):
        await until(lambda: studio.orders)
        wire.hold()
        async with asyncio.timeout(2):
            await studio.cancelled.wait()
        wire.cut()
        wire.mend()
        studio.may_finish.set()
        await until_ended(store, task)
    kept = await store.task(task.id)
    assert (kept.status, kept.attempt) == ("completed", 2)


# ---- nudges, sweeps, notifications


async def test_a_double_nudge_makes_one_film(store, tmp_path, database_url):
    deps = await fake_deps(store, tmp_path)
    task = await submit(store, await new_key(store))
    await look(database_url, "UPDATE procrastinate_jobs SET queueing_lock = NULL")
    await store.sweep()
    found = await look(database_url, "SELECT args->>'task_id' FROM procrastinate_jobs")
    assert found == [(task.id,), (task.id,)]
    studios = [FakeStudio(), FakeStudio()]
    for studio in studios:
        studio.may_finish.clear()

    async def one_found_nothing() -> bool:
        return len(await look(database_url, "SELECT id FROM procrastinate_jobs")) == 1

    async with (
        working(deps, studios[:1], database_url, name="one"),
        working(deps, studios[1:], database_url, name="two"),
    ):
        await until_async(one_found_nothing)
        for studio in studios:
            studio.may_finish.set()
        await until_ended(store, task)
    assert len(studios[0].orders) + len(studios[1].orders) == 1
    assert (await store.task(task.id)).attempt == 1
    assert await movements(database_url, task) == COMPLETED


async def test_two_sweeps_at_once_count_one_crash_and_nudge_once(store, tmp_path, database_url):
    deps, key = await fake_deps(store, tmp_path), await new_key(store)
    tasks = [await submit(store, key) for _ in range(8)]
    for task in tasks:
        await store.claim(task.id, worker="dead", lease_s=0)
    await look(database_url, "DELETE FROM procrastinate_jobs")
    await asyncio.gather(sweep(deps=deps), sweep(deps=deps), sweep(deps=deps))

    query = "SELECT queueing_lock FROM procrastinate_jobs ORDER BY queueing_lock"
    assert await look(database_url, query) == [(task.id,) for task in tasks]
    assert [(await store.task(task.id)).crashes for task in tasks] == [1] * 8


async def test_a_cancellation_that_nobody_heard_of_stops_the_film_all_the_same(
    store, tmp_path, database_url
):
    deps, key = await fake_deps(store, tmp_path, lease_s=1.0), await new_key(store)
    await look(database_url, "DROP TRIGGER task_changed ON tasks")
    task = await submit(store, key)
    studio = FakeStudio()
    studio.may_finish.clear()
    async with working(deps, [studio], database_url):
        await until(lambda: studio.orders)
        await cancel_task(task.id, key=key, deps=deps)
        async with asyncio.timeout(3):
            await studio.cancelled.wait()
    assert await movements(database_url, task) == ["hold", "release"]


async def test_a_lease_that_nobody_minds_is_not_renewed(store, tmp_path, database_url):
    """The claim was written, its answer lost: the worker does not know of it."""
    deps, key = await fake_deps(store, tmp_path, lease_s=1.0), await new_key(store)
    task = await submit(store, key)
    studio = FakeStudio()
    await store.claim(task.id, worker="w", lease_s=1.0)
    async with working(deps, [studio], database_url, name="w"):
        await until_ended(store, task)
    assert (await store.task(task.id)).attempt == 2


async def test_a_lease_lost_to_a_restart_of_the_database_is_no_crash(store, database_url):
    task = await submit(store, await new_key(store))
    await store.claim(task.id, worker="w", lease_s=0.01)
    await look(
        database_url,
        "UPDATE tasks SET lease_until = pg_postmaster_start_time() + interval '5 seconds'",
    )
    async with asyncio.timeout(10):
        while not await store.sweep(lease_s=15):  # noqa: ASYNC110 - the database's clock
            await asyncio.sleep(0.05)
    assert (await store.task(task.id)).crashes == 0


# ---- waiting


async def until(condition) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - another task's doing, which tells no event
            await asyncio.sleep(0.01)


async def until_async(condition) -> None:
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - the database tells no event
            await asyncio.sleep(0.02)


async def until_ended(store, task) -> None:
    async def is_ended() -> bool:
        return (await store.task(task.id)).is_final

    await until_async(is_ended)
