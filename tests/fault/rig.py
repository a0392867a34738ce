"""The task's way in one process: real store and storage, a studio and a web that are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from filmgate.bootstrap import build_deps
from filmgate.config import Settings
from filmgate.domain.api_key import ApiKey
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
from kept_tasks import new_task

FILM = b"a whole film" * 100


async def submit(store: PostgresStore, key: ApiKey, *, image: str | None = None) -> Task:
    """Submit a task and return it as it was then."""
    task = new_task(key, image=image)
    await store.submit(task, idempotency=None, unfinished_max=1000)
    return task


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
        self.has_begun = asyncio.Event()
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
        self.has_begun.set()
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
