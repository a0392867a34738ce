"""The queue of the whole server is bounded, and says when to come again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import QueueFull
from filmgate.domain.forecast import Pace
from filmgate.service.deps import Deps
from filmgate.service.submit_task import submit_task
from gateway_room import NOW, SIMPLE, Room, RoomStore


class SteadyStore(RoomStore):
    """One in which a task ends every nine seconds."""

    async def pace(self) -> Pace:
        return Pace(ends=[NOW - timedelta(seconds=9 * number) for number in (1, 2, 3)])


@pytest.fixture
def small(tmp_path: Path) -> tuple[Deps, ApiKey]:
    """A server that keeps three unfinished tasks."""
    room, store = Room(tmp_path), SteadyStore()
    limits = replace(room.deps.limits, queue_length_max=3)
    return replace(room.deps, store=store, limits=limits), next(iter(store.key_list.values()))


async def fill(deps: Deps, key: ApiKey, names: Sequence[str | None]) -> None:
    for name in names:
        await submit_task(SIMPLE, key=key, idempotency_key=name, deps=deps)


async def test_a_full_server_takes_nothing_more_and_says_when_to_come_again(small):
    deps, key = small
    await fill(deps, key, [None] * 3)  # all within the second in which the queue is not read again
    with pytest.raises(QueueFull, match="at most 3 unfinished tasks") as full:
        await fill(deps, key, [None])
    assert full.value.retry_after_s == 9


async def test_a_repeated_request_takes_no_room(small):
    deps, key = small
    await fill(deps, key, ["same"] * 6)
