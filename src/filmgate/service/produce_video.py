"""Work on one task, from claim to ending. Each step first looks at what the task has already, so
nothing is repeated.

    claim → inputs → rewrite → make → finish → settle
              │         │        │       │
              └─────────┴────────┴───────┴── what a step achieved is written into the task before
              the next begins

Failures: a TaskFailure ends the task; an engine that crashed, or a storage that refused, gives it
back, a bounded number of times; a lost lease ends the attempt without a trace; a cancelled attempt
(drain) gives it back unharmed.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import structlog

from filmgate.domain.asset import (
    Asset,
    AssetKind,
    input_key,
    reference,
    referenced_key,
    result_key,
    still_key,
)
from filmgate.domain.errors import (
    DatabaseAway,
    InputUnreachable,
    LeaseLost,
    StageTimedOut,
    StorageFailed,
    TaskFailure,
)
from filmgate.domain.ids import TaskId
from filmgate.domain.route import Rewriting
from filmgate.domain.task import Failure, Status, Task
from filmgate.ports.rewriter import Mode
from filmgate.ports.store import Steps
from filmgate.ports.studio import FilmFacts, FilmOrder, Seat, Stage, Still
from filmgate.service.attempt import Attempt
from filmgate.service.deps import Deps
from filmgate.service.make_film import make_film, route_of
from filmgate.service.patience import patiently
from filmgate.service.previews import PreviewWriter
from filmgate.service.progress import ProgressWriter
from filmgate.service.settle_task import lost_too_often, settle_task

log = structlog.get_logger()


async def produce_video(
    task_id: TaskId,
    *,
    worker: str,
    seat: Seat,
    deps: Deps,
    on_claim: Callable[[Task], None] | None = None,
) -> None:
    """Claim the task and bring it to an end, or let it go for another attempt. Returns in every
    case.

    `on_claim` hears of the attempt as soon as it holds its lease. Cancelling this call gives the
    task back.
    """
    try:
        task = await deps.store.claim(task_id, worker=worker, lease_s=deps.limits.lease_s)
    except DatabaseAway:  # if the claim was written all the same, its lease runs out unrenewed
        log.warning("task.not_claimed", task_id=task_id)
        return
    if task is None:
        return
    if on_claim is not None:
        on_claim(task)
    log.info("task.claimed", task_id=task.id, attempt=task.attempt, worker=worker)
    try:
        if task.crashes >= deps.limits.crashes_max:
            raise lost_too_often(task)
        prefix = f"{task.id}-"
        # An engine that was told to stop may still be writing into it.
        with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as scratch:
            async with (
                ProgressWriter(task, store=deps.store) as progress,
                PreviewWriter(task, store=deps.store) as previews,
            ):
                attempt = Attempt(
                    task_id=task.id,
                    number=task.attempt,
                    scratch=Path(scratch),
                    progress=progress,
                    previews=previews,
                    seat=seat,
                    deps=deps,
                )
                ended = await _steps(task, attempt)
        await _settle(ended, task.attempt, deps)
    except LeaseLost:
        log.warning("task.attempt_over", task_id=task.id, attempt=task.attempt)
    except (TaskFailure, StorageFailed) as failure:
        await _after_failure(task, failure, deps)
    except DatabaseAway:
        log.warning("task.database_away", task_id=task.id, attempt=task.attempt)
    except asyncio.CancelledError:
        await _give_back(task, deps, is_crash=False)
        raise


async def _steps(task: Task, attempt: Attempt) -> Task:
    limits = attempt.deps.limits
    task = await _within(limits.inputs_timeout_s, Stage.INPUTS, lambda: _get_inputs(task, attempt))
    task = await _rewrite(task, attempt)
    return await _make(task, attempt)


async def _within(limit_s: float, stage: Stage, step: Callable[[], Awaitable[Task]]) -> Task:
    try:
        async with asyncio.timeout(limit_s):
            return await step()
    except TimeoutError as error:
        raise StageTimedOut(f"{stage} took longer than {limit_s:g} seconds") from error


# ---- 1 inputs


async def _get_inputs(task: Task, attempt: Attempt) -> Task:
    attempt.progress.say(Stage.INPUTS, 0.0)
    generation, limits = task.generation, attempt.deps.limits
    if generation.image:
        image = await _stored(task, generation.image, "image_urls", limits.image_bytes_max, attempt)
        path = await _local(image, "image_urls", attempt)
        facts = await attempt.studio.inspect_picture(path, param="image_urls")
        model = attempt.deps.models[generation.model]
        width_px, height_px = model.frame_size_for_picture_px(
            generation.resolution, facts.width_px, facts.height_px
        )
        task = await attempt.keep(
            Steps(image=reference(image), width_px=width_px, height_px=height_px)
        )
    if generation.audio:
        audio = await _stored(task, generation.audio, "audio_url", limits.audio_bytes_max, attempt)
        path = await _local(audio, "audio_url", attempt)
        await attempt.studio.inspect_sound(path, param="audio_url")
        task = await attempt.keep(Steps(audio=reference(audio)))
    attempt.progress.say(Stage.INPUTS, 1.0)
    return task


async def _stored(task: Task, source: str, param: str, size_max: int, attempt: Attempt) -> str:
    """Return the storage key of an input, fetching it first if it is still a URL."""
    key = referenced_key(source)
    if key is not None:
        return key
    deps, path = attempt.deps, attempt.scratch / f"{param}.fetched"
    fetched = await deps.fetcher.fetch(source, path, size_bytes_max=size_max, param=param)
    key, now = input_key(task.id, param), deps.clock.now()
    await deps.store.add_asset(
        Asset(
            key=key,
            kind=AssetKind.INPUT,
            account_id=task.account_id,
            task_id=task.id,
            content_type="application/octet-stream",
            size_bytes=fetched.size_bytes,
            filename=param,
            created_at=now,
            expires_at=None,
        )
    )
    await deps.storage.put_file(key, path)
    return key


async def _local(key: str, param: str, attempt: Attempt) -> Path:
    path = attempt.scratch / param
    if await attempt.deps.storage.head(key) is None:
        raise InputUnreachable(
            f"the file that {param} names has expired; upload it again",
            reason="input_expired",
            param=param,
        )
    await attempt.deps.storage.fetch_to(key, path)
    return path


# ---- 2 rewrite


async def _rewrite(task: Task, attempt: Attempt) -> Task:
    if task.actual_prompt is not None:
        return task
    generation = task.generation
    is_ours = route_of(task, attempt).rewriting is Rewriting.HERE
    if not generation.may_rewrite_prompt or not is_ours:
        return await attempt.keep(Steps(actual_prompt=generation.prompt))
    attempt.progress.say(Stage.REWRITE, 0.0)
    mode = Mode.IMAGE_TO_VIDEO if generation.is_image_to_video else Mode.TEXT_TO_VIDEO
    rewriting = await attempt.deps.rewriter.rewrite(
        generation.prompt, mode=mode, seed=generation.seed
    )
    return await attempt.keep(Steps(actual_prompt=rewriting.prompt, rewrite_note=rewriting.note))


# ---- 3 make, 4 finish


async def _make(task: Task, attempt: Attempt) -> Task:
    generation, deps = task.generation, attempt.deps
    model = deps.models[generation.model]
    if task.width_px is None or task.height_px is None:
        width_px, height_px = model.frame_size_px(generation)
    else:
        width_px, height_px = task.width_px, task.height_px
    task = await attempt.keep(Steps(width_px=width_px, height_px=height_px))
    target = attempt.scratch / "film.mp4"
    order = FilmOrder(
        engine="",
        prompt=task.actual_prompt or "",
        negative_prompt=generation.negative_prompt,
        width_px=width_px,
        height_px=height_px,
        fps=model.fps,
        duration_s=generation.duration_s,
        seed=generation.seed,
        image_path=attempt.scratch / "image_urls" if generation.image else None,
        sound_path=attempt.scratch / "audio_url" if generation.audio else None,
        has_watermark=generation.has_watermark,
        metadata={"model": model.id, "task": task.id, "seed": str(generation.seed)},
        target=target,
        credential=deps.credential,
    )
    film = await make_film(task, attempt, order)
    limit_s = deps.limits.finish_timeout_s
    return await _within(limit_s, Stage.FINISH, lambda: _finish(task, film, target, attempt))


async def _finish(task: Task, film: FilmFacts, target: Path, attempt: Attempt) -> Task:
    deps = attempt.deps
    attempt.progress.say(Stage.FINISH, 0.5)
    key = result_key(task.id, attempt.number)
    await _note_result(task, key, film.size_bytes, deps)
    await deps.storage.put_file(key, target)
    ended = task.completed(
        attempt=attempt.number,
        key=key,
        size_bytes=film.size_bytes,
        at=deps.clock.now(),
        ttl_s=deps.limits.result_ttl_s,
    )
    for still in film.stills:
        await _keep_still(still, ended, deps)
    return ended


async def _note_result(task: Task, key: str, size_bytes: int, deps: Deps) -> None:
    """Record the film before it is there, for as long as an attempt may take: what a dying attempt
    leaves behind expires like any other file. Settling gives it its true time.
    """
    now = deps.clock.now()
    record = Asset(
        key=key,
        kind=AssetKind.RESULT,
        account_id=task.account_id,
        task_id=task.id,
        content_type="video/mp4",
        size_bytes=size_bytes,
        filename=f"{task.id}.mp4",
        created_at=now,
        expires_at=now + timedelta(seconds=deps.limits.make_timeout_s),
    )
    await patiently(lambda: deps.store.add_asset(record), limit_s=deps.limits.lease_s)


async def _keep_still(still: Still, ended: Task, deps: Deps) -> None:
    """Store a picture of the film, which expires with it, also if the task never ends so."""
    key = still_key(ended.id, ended.attempt, still.name)
    await deps.store.add_asset(
        Asset(
            key=key,
            kind=AssetKind.RESULT,
            account_id=ended.account_id,
            task_id=ended.id,
            content_type="image/jpeg",
            size_bytes=still.size_bytes,
            filename=f"{ended.id}-{still.name}",
            created_at=deps.clock.now(),
            expires_at=ended.expires_at,
        )
    )
    await deps.storage.put_file(key, still.path)


async def _settle(ended: Task, attempt: int, deps: Deps) -> None:
    await patiently(
        lambda: settle_task(ended, attempt=attempt, store=deps.store), limit_s=deps.limits.lease_s
    )


# ---- what went wrong


async def _after_failure(task: Task, error: TaskFailure | StorageFailed, deps: Deps) -> None:
    if error.may_retry and task.crashes + 1 < deps.limits.crashes_max:
        await _give_back(task, deps, is_crash=True)
        return
    code = getattr(error, "reason", error.code)
    failure = Failure(code=code, message=error.message, param=error.param)
    log.info("task.failed", task_id=task.id, attempt=task.attempt, code=code)
    try:
        ended = task.failed(attempt=task.attempt, failure=failure, at=deps.clock.now())
        await _settle(ended, task.attempt, deps)
    except LeaseLost:
        log.warning("task.attempt_over", task_id=task.id, attempt=task.attempt)
    except DatabaseAway:
        log.warning("task.database_away", task_id=task.id, attempt=task.attempt)


async def _give_back(task: Task, deps: Deps, *, is_crash: bool) -> None:
    try:
        await deps.store.give_back(task.id, attempt=task.attempt, is_crash=is_crash)
        log.info("task.given_back", task_id=task.id, attempt=task.attempt, is_crash=is_crash)
    except (LeaseLost, DatabaseAway) as error:
        if isinstance(error, DatabaseAway) or not await _is_cancelled(task.id, deps):
            log.warning("task.not_given_back", task_id=task.id, reason=error.code)


async def _is_cancelled(task_id: TaskId, deps: Deps) -> bool:
    try:
        task = await deps.store.task(task_id)
    except DatabaseAway:
        return False
    return task is not None and task.status is Status.CANCELLED
