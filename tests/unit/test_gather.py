"""Questions that are asked together: each is answered once, by an answer that began after it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from filmgate.domain.errors import DatabaseAway
from filmgate.service.gather import Gather


class Oracle:
    """Answers with its number when it is let, and notes what it was asked."""

    def __init__(self) -> None:
        self.gather = Gather[str, int]()
        self.asked: list[set[str]] = []
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Semaphore(0)
        self.error: DatabaseAway | None = None

    async def question(self, name: str) -> int:
        return (await self.gather.answers([name], self._ask))[name]

    async def _ask(self, wanted: Sequence[str]) -> dict[str, int]:
        self.asked.append(set(wanted))
        self.is_asked.set()
        number = len(self.asked)
        await self.may_answer.acquire()
        if self.error is not None:
            raise self.error
        return dict.fromkeys(wanted, number)

    async def comes_to(self, count: int) -> None:
        """Wait until it was asked so often, and everybody else has taken a place."""
        async with asyncio.timeout(10):
            while len(self.asked) < count:
                self.is_asked.clear()
                await self.is_asked.wait()
        await asyncio.sleep(0)


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


async def test_who_asks_meanwhile_is_answered_by_the_next_answer(oracle):
    async with asyncio.TaskGroup() as group:
        first = group.create_task(oracle.question("a"))
        await oracle.comes_to(1)
        others = [group.create_task(oracle.question(name)) for name in "bca"]
        await asyncio.sleep(0)
        oracle.may_answer.release()
        oracle.may_answer.release()
    assert oracle.asked == [{"a"}, {"a", "b", "c"}]
    assert [first.result(), *(other.result() for other in others)] == [1, 2, 2, 2]


async def test_a_question_that_is_given_up_is_asked_by_another(oracle):
    async with asyncio.TaskGroup() as group:
        group.create_task(oracle.question("x"))
        await oracle.comes_to(1)
        leader, other = [group.create_task(oracle.question(name)) for name in "ab"]
        await asyncio.sleep(0)
        oracle.may_answer.release()
        await oracle.comes_to(2)
        leader.cancel()
        await oracle.comes_to(3)
        oracle.may_answer.release()
    assert other.result() == 3
    assert oracle.asked == [{"x"}, {"a", "b"}, {"a", "b"}]


async def test_an_error_reaches_all_who_asked_together_and_nobody_after(oracle):
    async with asyncio.TaskGroup() as group:
        group.create_task(oracle.question("x"))
        await oracle.comes_to(1)
        together = group.create_task(_outcomes(oracle.question("a"), oracle.question("b")))
        await asyncio.sleep(0)
        oracle.may_answer.release()
        await oracle.comes_to(2)
        oracle.error = DatabaseAway("away")
        oracle.may_answer.release()
    assert together.result() == [oracle.error] * 2
    oracle.error = None
    oracle.may_answer.release()
    assert await oracle.question("c") == 3


async def _outcomes(*questions: object) -> list[object]:
    return await asyncio.gather(*questions, return_exceptions=True)
