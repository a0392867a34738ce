"""Pictures of films in the making, on real PostgreSQL: fenced by attempt, gone with their task."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from fault.rig import submit
from filmgate.domain.errors import LeaseLost
from filmgate.domain.task import Status
from kept_tasks import done, new_key, now

JPEG = b"\xff\xd8 a picture \xff\xd9"


async def claimed_task(store):
    task = await submit(store, await new_key(store))
    return await store.claim(task.id, worker="w1", lease_s=30)


async def test_the_newest_picture_of_a_task_is_kept_under_a_rising_number(store):
    task = await claimed_task(store)
    assert await store.preview(task.id) is None
    assert await store.preview_number(task.id) == 0
    for picture in (b"first", JPEG):
        await store.record_preview(task.id, attempt=1, jpeg=picture)
    kept = await store.preview(task.id)
    assert (kept.number, kept.jpeg) == (2, JPEG)
    assert await store.preview_number(task.id) == 2


async def test_an_attempt_that_is_over_shows_nothing(store):
    task = await claimed_task(store)
    await store.record_preview(task.id, attempt=1, jpeg=b"first")
    await store.give_back(task.id, attempt=1, is_crash=False)
    with pytest.raises(LeaseLost):
        await store.record_preview(task.id, attempt=1, jpeg=b"late")
    await store.claim(task.id, worker="w2", lease_s=30)
    with pytest.raises(LeaseLost):
        await store.record_preview(task.id, attempt=1, jpeg=b"later")
    await store.record_preview(task.id, attempt=2, jpeg=JPEG)
    kept = await store.preview(task.id)
    assert (kept.number, kept.jpeg) == (2, JPEG)


@pytest.mark.parametrize("how", ["completed", "cancelled"])
async def test_a_picture_goes_with_its_tasks_end(store, how):
    task = await claimed_task(store)
    await store.record_preview(task.id, attempt=1, jpeg=JPEG)
    if how == "completed":
        await store.settle(done(task), attempt=1)
    else:
        await store.settle(task.cancelled(at=now()), attempt=None)
    assert (await store.task(task.id)).status == Status(how)
    assert await store.preview(task.id) is None
    with pytest.raises(LeaseLost):
        await store.record_preview(task.id, attempt=1, jpeg=b"late")


async def test_a_picture_that_outlived_its_task_is_swept(store, database_url):
    running, ended = await claimed_task(store), await claimed_task(store)
    await store.record_preview(running.id, attempt=1, jpeg=JPEG)
    await store.settle(done(ended), attempt=1)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("INSERT INTO previews VALUES (%s, 1, 1, %s)", (ended.id, JPEG))
    await store.forget_previews()
    assert await store.preview(ended.id) is None
    assert await store.preview(running.id) is not None


async def test_whoever_listens_hears_of_each_picture(store):
    task = await claimed_task(store)
    news = store.new_previews()
    hearing = asyncio.ensure_future(anext(news))
    async with asyncio.timeout(20):
        while not hearing.done():  # until the listener stands, what is told is lost
            await store.record_preview(task.id, attempt=1, jpeg=JPEG)
            await asyncio.wait({hearing}, timeout=0.05)
    heard = hearing.result()
    assert heard.task_id == task.id
    assert 1 <= heard.number <= await store.preview_number(task.id)
    await news.aclose()
