"""A child that keeps models in memory is not killed when a film is not wanted any more, unless it
does not listen. Real processes; the draft engine stands for a model.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

import media_files as files
from filmgate.domain.errors import EngineCrashed
from filmgate.ports.studio import FilmOrder, Stage
from filmgate.worker import studio as studio_module
from filmgate.worker.studio import ChildStudio

LONG_S = 60


def ordered(target: Path, *, duration_s: int) -> FilmOrder:
    return FilmOrder(
        engine="draft",
        prompt="a road at sunset",
        negative_prompt="",
        width_px=320,
        height_px=192,
        fps=24,
        duration_s=duration_s,
        seed=1,
        image_path=None,
        sound_path=None,
        has_watermark=False,
        metadata={},
        target=target,
    )


@asynccontextmanager
async def resident() -> AsyncIterator[ChildStudio]:
    studio = ChildStudio(environment=dict(os.environ), is_resident=True)
    try:
        yield studio
    finally:
        await studio.close()


async def begun(studio: ChildStudio, target: Path) -> asyncio.Task[object]:
    """A long film of which the first frames are there."""
    is_under_way = asyncio.Event()

    def heard(stage: Stage, share: float) -> None:
        if stage is Stage.MAKE and share > 0:
            is_under_way.set()

    order = ordered(target, duration_s=30)
    making = asyncio.ensure_future(studio.make(order, heard, lambda _: None))
    async with asyncio.timeout(LONG_S):
        await is_under_way.wait()
    return making


async def pid_of(studio: ChildStudio) -> int:
    return (await studio._child()).pid


async def test_a_film_that_is_left_keeps_the_child_and_the_next_is_made(tmp_path):
    async with resident() as studio, asyncio.timeout(LONG_S):
        making = await begun(studio, tmp_path / "left.mp4")
        pid = await pid_of(studio)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        order = ordered(tmp_path / "next.mp4", duration_s=1)
        assert (await studio.make(order, lambda *_: None, lambda _: None)).size_bytes > 0
        assert await pid_of(studio) == pid
        assert not (tmp_path / "left.mp4").exists()


async def test_a_film_that_is_done_when_it_is_left_leaves_the_next_alone(tmp_path):
    picture = tmp_path / "picture.png"
    files.quartered(320, 256).save(picture)
    async with resident() as studio, asyncio.timeout(LONG_S):
        await studio.inspect_picture(picture, param="image_urls")
        for turns in range(20):  # the answer and the word to stop cross on their way
            looking = asyncio.ensure_future(studio.inspect_picture(picture, param="image_urls"))
            for _ in range(turns):
                await asyncio.sleep(0)
            looking.cancel()
            with suppress(asyncio.CancelledError):  # it may be done by now
                await looking
            assert (await studio.inspect_picture(picture, param="image_urls")).width_px == 320


async def test_a_child_that_does_not_stop_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(studio_module, "STOP_S", 0.2)
    async with resident() as studio, asyncio.timeout(LONG_S):
        making = await begun(studio, tmp_path / "left.mp4")
        pid = await pid_of(studio)
        os.kill(pid, signal.SIGSTOP)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        order = ordered(tmp_path / "next.mp4", duration_s=1)
        assert (await studio.make(order, lambda *_: None, lambda _: None)).size_bytes > 0
        assert await pid_of(studio) != pid


async def test_a_child_that_dies_while_it_stops_costs_the_next_film_nothing(tmp_path):
    async with resident() as studio, asyncio.timeout(LONG_S):
        making = await begun(studio, tmp_path / "left.mp4")
        pid = await pid_of(studio)
        os.kill(pid, signal.SIGSTOP)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        os.kill(pid, signal.SIGKILL)
        order = ordered(tmp_path / "next.mp4", duration_s=1)
        assert (await studio.make(order, lambda *_: None, lambda _: None)).size_bytes > 0


async def test_a_child_that_died_long_before_the_next_film_is_not_waited_for(tmp_path):
    async with resident() as studio, asyncio.timeout(LONG_S):
        making = await begun(studio, tmp_path / "left.mp4")
        process = await studio._child()
        process.send_signal(signal.SIGSTOP)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        process.kill()
        await process.wait()
        order = ordered(tmp_path / "next.mp4", duration_s=1)
        assert (await studio.make(order, lambda *_: None, lambda _: None)).size_bytes > 0


async def test_a_child_that_crashes_fails_its_film_and_is_replaced(tmp_path):
    async with resident() as studio, asyncio.timeout(LONG_S):
        making = await begun(studio, tmp_path / "left.mp4")
        os.kill(await pid_of(studio), signal.SIGKILL)
        with pytest.raises(EngineCrashed):
            await making
        order = ordered(tmp_path / "next.mp4", duration_s=1)
        assert (await studio.make(order, lambda *_: None, lambda _: None)).size_bytes > 0
