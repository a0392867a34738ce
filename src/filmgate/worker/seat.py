"""An attempt's seat: the studio it works with, lent out while it waits for somebody else's machine.

A worker has as many studios as slots. A film that an upstream makes needs none for minutes, so its
attempt gives the studio back, the worker takes on the next task, and a studio is waited for only
once there is something to finish. A film that is only being finished leaves its studio's engine to
the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from filmgate.ports.studio import Studio


class StudioSeat:
    """The Seat port over a pool of studios; `is_lent` is set while it holds none on purpose."""

    def __init__(self, pool: asyncio.Queue[Studio]) -> None:
        self._pool = pool
        self._studio: Studio | None = None
        self.is_lent = asyncio.Event()

    @property
    def studio(self) -> Studio:
        """The studio held now."""
        if self._studio is None:
            raise RuntimeError("the studio is lent: it cannot be worked with")
        return self._studio

    async def take(self) -> None:
        """Wait for a studio."""
        self._studio = await self._pool.get()

    def leave(self) -> None:
        """See the port."""
        if self._studio is not None:
            self._pool.put_nowait(self._studio)
            self._studio = None
            self.is_lent.set()

    @asynccontextmanager
    async def lent(self) -> AsyncGenerator[None]:
        """See the port. After a failure inside, no studio is waited for: nothing is left to do."""
        self.leave()
        yield
        await self.take()
        self.is_lent.clear()
