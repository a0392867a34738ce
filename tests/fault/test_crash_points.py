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
from rig import FILM, FakeStudio, fake_deps, look, movements, new_key, submit

from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.produce_video import produce_video
from filmgate.service.sweep import sweep
from filmgate.store.store import PostgresStore

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
            studio=Mortal(FakeStudio(), fate),
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
        await look(database_url, "UPDATE tasks SET lease_until = now() - interval '1 second'"
                   " WHERE lease_until IS NOT NULL")  # fmt: skip
        await look(database_url, "DELETE FROM procrastinate_jobs")  # the dead one had taken it
        await sweep(deps=deps)
        await after_recovery(before, deps, database_url, f"point {point}")
        if not has_died:
            assert point > 30, "the way has more points than that"
            return
    pytest.fail(f"the way has more than {POINTS_MAX} points")


async def after_recovery(before: Task, deps: Deps, url: str, where: str) -> None:
    web, rewriter = deps.fetcher, deps.rewriter
    fetched, rewritten = len(web.fetched), rewriter.said  # type: ignore[attr-defined]
    if not before.is_final:
        nudges = await look(
            url, "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo'",
            before.id,
        )  # fmt: skip
        assert len(nudges) == 1, where
    await produce_video(before.id, worker="next", studio=FakeStudio(), deps=deps)
    task = await deps.store.task(before.id)
    assert task is not None
    assert task.status == "completed", where
    assert await movements(url, task) == ["hold", "capture"], where
    assert await deps.store.audit() == [], where
    assert await deps.store.count_unfinished() == 0, where
    assert task.progress >= before.progress, where
    if before.width_px is not None:  # written in one statement with the stored picture
        assert len(web.fetched) == fetched, f"{where}: fetched again"  # type: ignore[attr-defined]
    if before.actual_prompt is not None:
        assert rewriter.said == rewritten, f"{where}: rewritten again"  # type: ignore[attr-defined]
        assert task.actual_prompt == before.actual_prompt, where
    if before.is_final:
        assert task == before, where
    await files_are_whole(task, deps, where)


async def files_are_whole(task: Task, deps: Deps, where: str) -> None:
    """The film is complete, and no file lies about that no record will ever remove."""
    assert task.result_key is not None
    film = b"".join([chunk async for chunk in deps.storage.read(task.result_key)])
    assert film == FILM, where
    async for stored in deps.storage.list_keys(f"results/{task.id}/"):
        record = await deps.store.asset(stored.key)
        assert record is not None, f"{where}: {stored.key} has no record"
        assert record.expires_at is not None, where
