"""The task's way dies at its n-th point of contact with the world, for n = 1, 2, … until a run ends
without dying; after each death the sweep and a new attempt must make everything good.

A point is the moment before or after a call of the store, the storage, the web, the rewriter or the
studio. Once dead, nothing is called any more: a killed process gives nothing back.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recovery import recover
from rig import FakeStudio, OnlySeat, fake_deps, submit

from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.produce_video import produce_video
from filmgate.store.store import PostgresStore
from kept_tasks import new_key

POINTS_MAX = 200


class Died(BaseException):
    """The process is gone. Nothing may catch this."""


class Fate:
    """Counts points and dies at the n-th."""

    def __init__(self, point: int) -> None:
        self._left = point
        self.is_dead = False

    def pass_point(self) -> None:
        if not self.is_dead:
            self._left -= 1
            self.is_dead = self._left == 0
        if self.is_dead:
            raise Died


class Mortal:
    """Passes calls on to a port, with a point before and after each."""

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port = port
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        async def mortal(*positional: Any, **named: Any) -> Any:
            self._fate.pass_point()
            answer = await call(*positional, **named)
            self._fate.pass_point()
            return answer

        return mortal


def mortal_deps(deps: Deps, fate: Fate) -> Deps:
    ports = ("store", "storage", "fetcher", "rewriter")
    return replace(deps, **{name: Mortal(getattr(deps, name), fate) for name in ports})


async def attempt_until_death(task: Task, deps: Deps, point: int) -> bool:
    """Whether the attempt died at that point."""
    fate = Fate(point)
    try:
        await produce_video(
            task.id,
            worker="mortal",
            seat=OnlySeat(Mortal(FakeStudio(), fate)),
            deps=mortal_deps(deps, fate),
        )
    except BaseException:
        if not fate.is_dead:
            raise
    return fate.is_dead


async def test_a_death_at_any_point_loses_nothing_and_repeats_no_kept_step(
    store: PostgresStore, tmp_path: Path, database_url: str
) -> None:
    deps, key = await fake_deps(store, tmp_path), await new_key(store)
    for point in range(1, POINTS_MAX):
        task = await submit(store, key, image="https://somewhere.test/a.png")
        has_died = await attempt_until_death(task, deps, point)
        before = await store.task(task.id)
        assert before is not None
        await recover(before, deps, database_url, f"point {point}")
        if not has_died:
            assert point > 30, "the way has more points than that"
            return
    pytest.fail(f"the way has more than {POINTS_MAX} points")
