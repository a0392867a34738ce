"""The task's way in one process: real store and storage, a studio and a web that are fakes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from filmgate.bootstrap import build_deps
from filmgate.config import Settings
from filmgate.domain.api_key import ApiKey
from filmgate.domain.generation import Generation
from filmgate.domain.ids import account_id, api_key_id, task_id
from filmgate.domain.task import Task
from filmgate.ports.fetcher import FetchedFile
from filmgate.ports.rewriter import Mode, Rewriting
from filmgate.ports.studio import (
    FilmFacts,
    FilmOrder,
    PictureFacts,
    Progress,
    ShowPreview,
    SoundFacts,
    Stage,
    Studio,
)
from filmgate.service.deps import Deps
from filmgate.store.store import PostgresStore

PRICE = 168_000
FILM = b"a whole film" * 100


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


def new_task(key: ApiKey, *, image: str | None = None) -> Task:
    at = now()
    generation = Generation(
        model="wan2.5-preview",
        prompt="a road",
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


async def submit(store: PostgresStore, key: ApiKey, *, image: str | None = None) -> Task:
    task = new_task(key, image=image)
    await store.submit(task, idempotency=None, unfinished_max=1000)
    return task


def done(task: Task) -> Task:
    key = f"results/{task.id}/{task.attempt}/film.mp4"
    return task.completed(attempt=task.attempt, key=key, size_bytes=9, at=now(), ttl_s=60)


async def look(url: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the database past the store."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(query, values)
        return await cursor.fetchall() if cursor.description else []


async def movements(url: str, task: Task) -> list[str]:
    """What the ledger says of a task, in order."""
    query = "SELECT movement FROM ledger_entries WHERE task_id = %s ORDER BY id"
    return [movement for (movement,) in await look(url, query, task.id)]


class FakeWeb:
    """A Fetcher that has one picture for every address, and counts."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def check(self, url: str, *, param: str) -> None:
        pass

    async def fetch(
        self, url: str, target: Path, *, size_bytes_max: int, param: str
    ) -> FetchedFile:
        self.fetched.append(url)
        target.write_bytes(b"picture")  # noqa: ASYNC240 - seven bytes
        return FetchedFile(size_bytes=7, final_host="fake")


class FakeRewriter:
    """Never says the same twice: a prompt that was rewritten again is seen."""

    def __init__(self) -> None:
        self.said = 0

    async def rewrite(self, prompt: str, *, mode: Mode, seed: int) -> Rewriting:
        self.said += 1
        return Rewriting(prompt=f"{prompt}, version {self.said}", note=None)


class OnlySeat:
    """A Seat whose studio nobody else wants."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    @asynccontextmanager
    async def lent(self) -> AsyncGenerator[None]:
        yield


class FakeStudio:
    """A Studio that makes its film when it is let, and notes what was asked and called off."""

    def __init__(self) -> None:
        self.orders: list[FilmOrder] = []
        self.cancelled = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def inspect_picture(self, path: Path, *, param: str) -> PictureFacts:
        assert path.read_bytes() == b"picture"  # noqa: ASYNC240
        return PictureFacts(width_px=832, height_px=480, content_type="image/png")

    async def inspect_sound(self, path: Path, *, param: str) -> SoundFacts:
        raise AssertionError("there is no sound in these tests")

    async def prepare_picture(
        self, path: Path, target: Path, *, width_px: int, height_px: int, param: str
    ) -> None:
        target.write_bytes(path.read_bytes())  # noqa: ASYNC240

    async def make(
        self, order: FilmOrder, on_progress: Progress, on_preview: ShowPreview
    ) -> FilmFacts:
        self.orders.append(order)
        on_progress(Stage.MAKE, 0.5)
        try:
            await self.may_finish.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        order.target.write_bytes(FILM)
        return FilmFacts(
            size_bytes=len(FILM), engine="fake", engine_version="1", source="algorithmicMedia"
        )

    async def close(self) -> None:
        pass


async def fake_deps(store: PostgresStore, folder: Path, **limits: Any) -> Deps:
    """What bootstrap puts together, with a fake web and a fake rewriter."""
    settings = Settings(data=str(folder), engine="testcard")
    deps = await build_deps(settings, store)
    return replace(
        deps,
        fetcher=FakeWeb(),
        rewriter=FakeRewriter(),
        limits=replace(deps.limits, **limits),
    )
