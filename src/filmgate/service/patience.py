"""Ask the database again while it is away for a moment. For writes of an attempt only: they name
it, so that a second one changes nothing.

A restart of PostgreSQL takes about a second; a film of many minutes must not be lost to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from filmgate.domain.errors import DatabaseAway

T = TypeVar("T")

AGAIN_S = 0.2


async def patiently(write: Callable[[], Awaitable[T]], *, limit_s: float) -> T:
    """Return what the write returns. Raises DatabaseAway once `limit_s` is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while True:
        try:
            return await write()
        except DatabaseAway:
            if loop.time() >= deadline:
                raise
        await asyncio.sleep(AGAIN_S)
