"""End the loops of a process. What they leave undone is their own affair."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

AGAIN_S = 0.5


async def end_loops(loops: Collection[asyncio.Task[None]]) -> None:
    """Cancel loops until all have ended.

    Once is not enough: in Python 3.11 asyncio.wait_for forgets a cancellation that comes in the
    moment in which it gets what it waits for, and whoever waits for a pooled connection uses it.
    """
    left = set(loops)
    while left:
        for loop in left:
            loop.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
