"""The worker's side of the studio: starts the child, sends it orders, ends it when it is idle or in
the way.

    call ── order ──→ child ── progress, previews, answer ──→ call
     └ cancelled ──→ killed; the next order starts a new one
                     a resident one: asked to stop, which keeps its models; killed if it does not

A cancelled call returns at once in either case; the next order waits until the child is free.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from filmgate.domain.errors import EngineCrashed, EngineFailed, InputRejected
from filmgate.ports.studio import (
    FilmFacts,
    FilmOrder,
    PictureFacts,
    Progress,
    ShowPreview,
    SoundFacts,
)
from filmgate.worker.wire import (
    LINE_BYTES_MAX,
    AnimateOrder,
    AnimationTold,
    Answer,
    CropOrder,
    CropTold,
    FilmTold,
    MakeOrder,
    Order,
    PictureOrder,
    PictureTold,
    PreviewTold,
    Refused,
    ShootOrder,
    ShotTold,
    SoundOrder,
    SoundTold,
    StopOrder,
    Told,
    WarmOrder,
    WarmTold,
    answer_decoder,
    line_of,
)

log = structlog.get_logger()

T = TypeVar("T", PictureTold, SoundTold, CropTold, FilmTold, ShotTold, AnimationTold, WarmTold)
IDLE_S = 60.0
STOP_S = 120.0
"""How long a resident child may take to leave a film: a sampling step, or decoding."""


class _Heard(NamedTuple):
    """Who hears what a child tells while it works."""

    on_progress: Progress
    on_preview: ShowPreview


class ChildStudio:
    """The Studio and Animator ports over one child process."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        memory_bytes_max: int = 0,
        is_resident: bool = False,
    ) -> None:
        """A `memory_bytes_max` of 0 stands for no limit.

        A resident child keeps models in memory: it is not ended when it is idle or when a film is
        not wanted any more, and one that died is replaced at once.
        """
        self._is_resident = is_resident
        self._environment = dict(environment)
        self._memory_bytes_max = memory_bytes_max
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._is_left = False
        """Whether the child was told to leave an order, and its answer is not yet read."""
        self._idle_timer: asyncio.TimerHandle | None = None

    async def warm(self) -> None:
        """Start the child ahead of the first order; return when its engines are ready."""
        await self._ask(WarmOrder(), WarmTold, _UNHEARD)

    async def inspect_picture(self, path: Path, *, param: str) -> PictureFacts:
        """See the port."""
        order = PictureOrder(path=str(path), param=param)
        return (await self._ask(order, PictureTold, _UNHEARD)).facts

    async def inspect_sound(self, path: Path, *, param: str) -> SoundFacts:
        """See the port."""
        order = SoundOrder(path=str(path), param=param)
        return (await self._ask(order, SoundTold, _UNHEARD)).facts

    async def prepare_picture(
        self, path: Path, target: Path, *, width_px: int, height_px: int, param: str
    ) -> None:
        """See the port."""
        order = CropOrder(
            path=str(path), target=str(target), width_px=width_px, height_px=height_px, param=param
        )
        await self._ask(order, CropTold, _UNHEARD)

    async def make(
        self, order: FilmOrder, on_progress: Progress, on_preview: ShowPreview
    ) -> FilmFacts:
        """See the port."""
        heard = _Heard(on_progress, on_preview)
        return (await self._ask(MakeOrder(order=order), FilmTold, heard)).facts

    async def shoot(
        self, order: FilmOrder, rushes: Path, on_progress: Progress, on_preview: ShowPreview
    ) -> None:
        """Make a film's footage only, in an empty folder. As `make`."""
        asked = ShootOrder(order=order, rushes=str(rushes))
        await self._ask(asked, ShotTold, _Heard(on_progress, on_preview))

    async def finish(self, order: FilmOrder, rushes: Path, on_progress: Progress) -> FilmFacts:
        """Make the film of footage that lies in a folder. As `make`."""
        asked = MakeOrder(order=order, rushes=str(rushes))
        return (await self._ask(asked, FilmTold, _Heard(on_progress, _ignore))).facts

    async def animate(self, film: Path, target: Path) -> int:
        """See the port."""
        order = AnimateOrder(film=str(film), target=str(target))
        return (await self._ask(order, AnimationTold, _UNHEARD)).size_bytes

    async def close(self) -> None:
        """See the port."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _replace(self) -> None:
        await self.close()
        self._is_left = False
        if self._is_resident:
            await self._child()

    async def _ask(self, order: Order, wanted: type[T], heard: _Heard) -> T:
        async with self._lock:
            if self._is_left and self._process is not None:
                await self._get_back(self._process)
            process = await self._child()
            answer = None
            try:
                await _send(process, order)
                answer = await _last_answer(process, heard)
            except asyncio.CancelledError:
                if self._is_resident:
                    self._leave(process)
                raise
            finally:
                if answer is None and not self._is_left:  # crashed, or to be stopped by force
                    await asyncio.shield(self._replace())
                elif not self._is_resident:
                    self._close_when_idle()
        if isinstance(answer, wanted):
            return answer
        if isinstance(answer, Refused):
            raise _refusal(answer)
        raise EngineCrashed(f"the engine's process ended with status {process.returncode}")

    def _leave(self, process: Process) -> None:
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(line_of(StopOrder()))
            self._is_left = True

    async def _get_back(self, process: Process) -> None:
        """Wait until the child has left its order; replace it if it will not, or died."""
        try:
            async with asyncio.timeout(STOP_S):
                is_back = await _last_answer(process, _UNHEARD) is not None
        except TimeoutError:
            log.warning("studio.does_not_stop", pid=process.pid, limit_s=STOP_S)
            is_back = False
        if is_back:
            self._is_left = False
        else:
            await asyncio.shield(self._replace())

    async def _child(self) -> Process:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "filmgate", "studio",
                *(["--resident"] if self._is_resident else []),
                stdin=PIPE, stdout=PIPE, limit=LINE_BYTES_MAX, env=self._environment,
            )  # fmt: skip
            if self._memory_bytes_max:
                _limit_memory(self._process.pid, self._memory_bytes_max)
            log.info("studio.started", pid=self._process.pid)
        return self._process

    def _close_when_idle(self) -> None:
        def end() -> None:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()  # the child ends at the end of its input
                self._process = None

        self._idle_timer = asyncio.get_running_loop().call_later(IDLE_S, end)


async def _send(process: Process, order: Order) -> None:
    assert process.stdin is not None  # noqa: S101 - made with pipes
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        process.stdin.write(line_of(order))
        await process.stdin.drain()


async def _last_answer(process: Process, heard: _Heard) -> Answer | None:
    """Return what ends the order, or None when the child ended first."""
    assert process.stdout is not None  # noqa: S101 - made with pipes
    while line := await process.stdout.readline():
        answer = answer_decoder.decode(line)
        match answer:
            case Told():
                heard.on_progress(answer.stage, answer.share)
            case PreviewTold():
                heard.on_preview(answer.jpeg)
            case _:
                return answer
    await process.wait()
    return None


def _refusal(answer: Refused) -> InputRejected | EngineFailed:
    if answer.reason is not None:
        return InputRejected(answer.message, reason=answer.reason, param=answer.param or "")
    return EngineFailed(answer.message)


def _limit_memory(pid: int, bytes_max: int) -> None:
    """Hold a child to so much memory of its own: files and libraries it maps are not counted."""
    with contextlib.suppress(ProcessLookupError):  # it may have died at once
        _, most = resource.prlimit(pid, resource.RLIMIT_DATA)
        resource.prlimit(pid, resource.RLIMIT_DATA, (bytes_max, most))


def _ignore(*_: object) -> None:
    """Decoding an input tells nothing on its way."""


_UNHEARD = _Heard(_ignore, _ignore)
