"""What follows a death: the lease runs out, the sweep finds the task, another attempt ends it; and
the promises that must hold then.
"""

from __future__ import annotations

from rig import FILM, FakeStudio, OnlySeat, look, movements

from filmgate.domain.task import Task
from filmgate.service.deps import Deps
from filmgate.service.produce_video import produce_video
from filmgate.service.sweep import sweep


async def recover(before: Task, deps: Deps, url: str, where: str) -> None:
    """Bring a task that was left as `before` to its end, and check that all is well."""
    await look(url, "UPDATE tasks SET lease_until = now() - interval '1 second'"
               " WHERE lease_until IS NOT NULL")  # fmt: skip
    await look(url, "DELETE FROM procrastinate_jobs")  # the dead one had taken it
    await sweep(deps=deps)
    await _make_good(before, deps, url, where)


async def _make_good(before: Task, deps: Deps, url: str, where: str) -> None:
    web, rewriter = deps.fetcher, deps.rewriter
    fetched, rewritten = len(web.fetched), rewriter.said  # type: ignore[attr-defined]
    if not before.is_final:
        nudges = await look(
            url, "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo'",
            before.id,
        )  # fmt: skip
        assert len(nudges) == 1, where
    await produce_video(before.id, worker="next", seat=OnlySeat(FakeStudio()), deps=deps)
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
    await _files_are_whole(task, deps, where)


async def _files_are_whole(task: Task, deps: Deps, where: str) -> None:
    """The film is complete, and no file lies about that no record will ever remove."""
    assert task.result_key is not None
    assert await deps.storage.head(task.result_key) is not None, where
    async for stored in deps.storage.list_keys(f"results/{task.id}/"):
        content = b"".join([chunk async for chunk in deps.storage.read(stored.key)])
        assert content == FILM, f"{where}: {stored.key} is cut off"
        record = await deps.store.asset(stored.key)
        assert record is not None, f"{where}: {stored.key} has no record"
        assert record.expires_at is not None, where
