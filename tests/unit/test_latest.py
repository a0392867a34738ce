"""Words told often and written seldom: progress and previews of an attempt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from filmgate.domain.errors import DatabaseAway, LeaseLost
from filmgate.service.latest import LatestWriter
from filmgate.service.previews import PreviewWriter


class Page:
    """Keeps what is written, and holds each write until it is let."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.begun = asyncio.Semaphore(0)
        self.may_end = asyncio.Semaphore(0)

    async def write(self, word: str) -> None:
        self.words.append(word)
        self.begun.release()
        await self.may_end.acquire()


async def test_only_the_latest_of_many_words_is_written():
    page = Page()
    async with asyncio.timeout(5), LatestWriter(page.write, every_s=0) as writer:
        writer.tell("a")
        await page.begun.acquire()
        for word in "bcd":
            writer.tell(word)
        page.may_end.release()
        await page.begun.acquire()
    assert page.words == ["a", "d"]


async def test_the_end_waits_for_no_write():
    page = Page()
    async with asyncio.timeout(5), LatestWriter(page.write, every_s=3600) as writer:
        writer.tell("a")
        await page.begun.acquire()
        writer.tell("b")
    assert page.words == ["a"]


@dataclass
class Named:
    """As much of a task as a writer needs."""

    id: str = "task_1"
    attempt: int = 1


@pytest.mark.parametrize("error", [DatabaseAway("away"), LeaseLost("over")])
async def test_a_preview_that_cannot_be_written_hurts_nobody(error):
    tried = asyncio.Event()

    class Store:
        async def record_preview(self, task_id: str, *, attempt: int, jpeg: bytes) -> None:
            tried.set()
            raise error

    async with asyncio.timeout(5), PreviewWriter(Named(), store=Store()) as writer:
        writer.tell(b"jpeg")
        await tried.wait()
