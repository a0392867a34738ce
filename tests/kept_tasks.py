"""Keys and tasks in a real store, for tests that begin with one; it makes no films."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from filmgate.domain.api_key import ApiKey
from filmgate.domain.generation import Generation
from filmgate.domain.ids import account_id, api_key_id, task_id
from filmgate.domain.task import Task
from filmgate.store.store import PostgresStore

PRICE = 168_000


def now() -> datetime:
    return datetime.now(UTC)


async def new_key(store: PostgresStore, account: str = "main") -> ApiKey:
    at = now()
    owner = await store.ensure_account(account_id(at, os.urandom(10)), name=account, at=at)
    key = ApiKey(
        id=api_key_id(at, os.urandom(10)),
        account_id=owner,
        name="k",
        token_hash=os.urandom(32),
        prefix="fg_12345",
        created_at=at,
    )
    await store.add_key(key)
    return key


def new_task(key: ApiKey, prompt: str = "a road", *, image: str | None = None) -> Task:
    at = now()
    generation = Generation(
        model="wan2.5-preview",
        prompt=prompt,
        negative_prompt="",
        resolution="480p",
        size="16:9",
        duration_s=5,
        seed=7,
        may_rewrite_prompt=True,
        has_watermark=False,
        image=image,
        audio=None,
        language="en",
    )
    return Task(
        id=task_id(at, os.urandom(10)),
        account_id=key.account_id,
        api_key_id=key.id,
        generation=generation,
        price_micro_usd=PRICE,
        created_at=at,
    )


async def submit(store: PostgresStore, task: Task, unfinished_max: int = 1000) -> Task:
    """Submit a task and return it as it is kept."""
    await store.submit(task, idempotency=None, unfinished_max=unfinished_max)
    kept = await store.task(task.id)
    assert kept is not None
    return kept


async def claim(store: PostgresStore, task: Task, worker: str = "w1", lease_s: float = 30) -> Task:
    claimed = await store.claim(task.id, worker=worker, lease_s=lease_s)
    assert claimed is not None
    return claimed


def done(task: Task) -> Task:
    key = f"results/{task.id}/{task.attempt}/film.mp4"
    return task.completed(attempt=task.attempt, key=key, size_bytes=9, at=now(), ttl_s=60)
