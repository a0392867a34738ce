"""Ask one question for many: whoever asks while an answer is under way is answered by the next one.

So a busy process asks the database as seldom as its answers are quick, and no answer is older than
its question. It keeps no answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from filmgate.domain.errors import FilmgateError

K = TypeVar("K")
V = TypeVar("V")


class _Round(Generic[K, V]):
    """What is asked together."""

    def __init__(self) -> None:
        self.wanted: set[K] = set()
        self.answer: Mapping[K, V] | FilmgateError | None = None


class Gather(Generic[K, V]):
    """Questions of one kind, of one process."""

    def __init__(self) -> None:
        self._next: _Round[K, V] = _Round()
        self._asking = asyncio.Lock()

    async def answers(
        self, wanted: Iterable[K], ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]
    ) -> Mapping[K, V]:
        """Return what `ask` says of all that was asked together, `wanted` among it."""
        mine = self._next
        mine.wanted.update(wanted)
        async with self._asking:
            if mine.answer is None:  # the first of a round asks for all of it
                if mine is self._next:
                    self._next = _Round()
                try:
                    mine.answer = await ask(list(mine.wanted))
                except FilmgateError as error:
                    mine.answer = error
        if isinstance(mine.answer, FilmgateError):
            raise mine.answer
        return mine.answer
