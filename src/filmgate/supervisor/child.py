"""One child process that is kept alive: started, waited for, started again with growing delays,
ended on request.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from filmgate.supervisor.parent import SUPERVISED

log = structlog.get_logger()

RESTART_FIRST_S = 0.2
RESTART_MAX_S = 10.0
STEADY_S = 20.0
"""A child that lived so long is restarted at once when it dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to run."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    stop_s: float
    descriptors: tuple[int, ...] = ()


class Child:
    """A process `python -m filmgate <arguments>` that is started again whenever it dies."""

    def __init__(self, spec: ChildSpec, *, on_death: Callable[[int], Awaitable[None]]) -> None:
        self._spec = spec
        self._on_death = on_death
        self._process: asyncio.subprocess.Process | None = None
        self._is_ending = False

    async def run(self) -> None:
        """Keep the child alive until `end` is called."""
        delay_s = RESTART_FIRST_S
        loop = asyncio.get_running_loop()
        while not self._is_ending:
            started = loop.time()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "filmgate",
                *self._spec.arguments,
                env={**self._spec.environment, SUPERVISED: "1"},
                pass_fds=self._spec.descriptors,
                stdin=asyncio.subprocess.PIPE,  # supervisor/parent.py
            )
            log.info("child.started", name=self._spec.name, pid=self._process.pid)
            status = await self._process.wait()
            if self._is_ending:
                return
            log.warning("child.died", name=self._spec.name, pid=self._process.pid, status=status)
            await self._on_death(self._process.pid)
            delay_s = (
                RESTART_FIRST_S
                if loop.time() - started > STEADY_S
                else min(delay_s * 2, RESTART_MAX_S)
            )
            await asyncio.sleep(delay_s)

    async def end(self) -> None:
        """Ask the child to end, wait for its limit, then kill it."""
        self._is_ending = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._spec.stop_s):
                await process.wait()
        except TimeoutError:
            log.warning("child.killed", name=self._spec.name, pid=process.pid)
            process.kill()
            await process.wait()
