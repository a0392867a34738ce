"""The worker's side of the studio: starts the child, sends it orders, ends it when it is idle or in
the way.

Cancelling a call kills the child, so a cancelled task stops within a frame; the next order starts a
new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import structlog

from filmgate.domain.errors import EngineCrashed, EngineFailed, InputRejected
from filmgate.ports.studio import FilmFacts, FilmOrder, PictureFacts, Progress, SoundFacts, Stage
from filmgate.worker.wire import (
    LINE_BYTES_MAX,
    Answer,
    FilmTold,
    MakeOrder,
    Order,
    PictureOrder,
    PictureTold,
    Refused,
    SoundOrder,
    SoundTold,
    Told,
    answer_decoder,
    line_of,
)

log = structlog.get_logger()

T = TypeVar("T", PictureTold, SoundTold, FilmTold)
IDLE_S = 60.0


class ChildStudio:
    """The Studio port over one child process."""

    def __init__(self, *, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._idle_timer: asyncio.TimerHandle | None = None

    async def warm(self) -> None:
        """Start the child ahead of the first order."""
        async with self._lock:
            await self._child()

    async def inspect_picture(self, path: Path, *, param: str) -> PictureFacts:
        """See the port."""
        order = PictureOrder(path=str(path), param=param)
        return (await self._ask(order, PictureTold, _ignore)).facts

    async def inspect_sound(self, path: Path, *, param: str) -> SoundFacts:
        """See the port."""
        order = SoundOrder(path=str(path), param=param)
        return (await self._ask(order, SoundTold, _ignore)).facts

    async def make(self, order: FilmOrder, on_progress: Progress) -> FilmFacts:
        """See the port."""
        return (await self._ask(MakeOrder(order=order), FilmTold, on_progress)).facts

    async def close(self) -> None:
        """See the port."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _ask(self, order: Order, wanted: type[T], on_progress: Progress) -> T:
        async with self._lock:
            process = await self._child()
            answer = None
            try:
                answer = await self._last_answer(process, order, on_progress)
            finally:
                if answer is None:  # crashed, or this call is being cancelled: never use it again
                    await asyncio.shield(self.close())
                else:
                    self._close_when_idle()
        if isinstance(answer, wanted):
            return answer
        if isinstance(answer, Refused):
            raise _refusal(answer)
        raise EngineCrashed(f"the engine's process ended with status {process.returncode}")

    async def _last_answer(
        self, process: Process, order: Order, on_progress: Progress
    ) -> Answer | None:
        """Return what ends the order, or None when the child ended first."""
        assert process.stdin is not None  # noqa: S101 - made with pipes
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            process.stdin.write(line_of(order))
            await process.stdin.drain()
        while line := await process.stdout.readline():
            answer = answer_decoder.decode(line)
            if not isinstance(answer, Told):
                return answer
            on_progress(answer.stage, answer.share)
        await process.wait()
        return None

    async def _child(self) -> Process:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "filmgate", "studio",
                stdin=PIPE, stdout=PIPE, limit=LINE_BYTES_MAX, env=self._environment,
            )  # fmt: skip
            log.info("studio.started", pid=self._process.pid)
        return self._process

    def _close_when_idle(self) -> None:
        def end() -> None:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()  # the child ends at the end of its input
                self._process = None

        self._idle_timer = asyncio.get_running_loop().call_later(IDLE_S, end)


def _refusal(answer: Refused) -> InputRejected | EngineFailed:
    if answer.reason is not None:
        return InputRejected(answer.message, reason=answer.reason, param=answer.param or "")
    return EngineFailed(answer.message)


def _ignore(stage: Stage, share: float) -> None:
    """Decoding an input tells no progress."""
