"""The step `make`: choose an engine by the task's route, and have the film made by it.

    route → engine of ours ───────────────────────────→ studio
          → upstream → buy_film (no studio is held) ──→ studio brings it to the promised form
          → none took it: wait for one, then fail

A task that has bought something goes on with that and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from filmgate.domain.errors import (
    EngineFailed,
    NoEngineFree,
    StageTimedOut,
    UpstreamFailed,
    UpstreamUncertain,
)
from filmgate.domain.purchase import Purchase
from filmgate.domain.route import Rewriting, Route, first_route
from filmgate.domain.task import Task
from filmgate.domain.upstream_fault import (
    UpstreamAway,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnfit,
)
from filmgate.ports.provider import UpstreamOrder
from filmgate.ports.store import Steps
from filmgate.ports.studio import FilmFacts, FilmOrder, Stage
from filmgate.service.attempt import Attempt
from filmgate.service.buy_film import Bought, await_film, order_film, resume_purchase
from filmgate.service.hear_upstream import callback_url
from filmgate.service.upstream import Upstream

log = structlog.get_logger()

NOT_TAKEN = (UpstreamBusy, UpstreamAway, UpstreamRefused, UpstreamSilent)
"""Faults after which another engine may be asked. A silent one reaches this place only from a
server of our own: whoever bills ends the task as uncertain instead.
"""
PURCHASES_MAX = 3
"""Films that one task may order, each after one that failed and was not charged."""
WAIT_FOR_ROOM_S = 5.0


@dataclass(frozen=True, slots=True)
class _Found:
    """What makes the film: an upstream's delivery, or an engine of ours by name."""

    engine: str
    bought: Bought | None = None


async def make_film(task: Task, attempt: Attempt, order: FilmOrder) -> FilmFacts:
    """Have the film made. `order.engine` is filled in here.

    Raises TaskFailure.
    """
    deps = attempt.deps
    purchases = await deps.store.purchases(task.id)
    if purchases and purchases[-1].is_final_for_task:
        raise UpstreamUncertain(f"an earlier order gave no film: {purchases[-1].detail}")
    open_one = purchases[-1] if purchases and purchases[-1].is_to_go_on else None
    names = route_of(task, attempt).engines_for(task.id)
    if names[0] not in deps.routes.upstreams and open_one is None:
        return await _in_studio(attempt, order, names[0], reason=f"first of {_list(names)}")
    asked = await _upstream_order(task, attempt, order)
    async with attempt.seat.lent():
        found = await _resumed(open_one, asked, attempt) if open_one else None
        if found is None:
            failed = [p for p in await deps.store.purchases(task.id) if p.is_failed]
            found = await _chosen(task, names, asked, attempt, number=len(failed) + 1)
    if found.bought is None:
        reason = f"those before it in {_list(names)} did not take it"
        return await _in_studio(attempt, order, found.engine, reason=reason)
    return await _from_upstream(attempt, order, found.bought)


def route_of(task: Task, attempt: Attempt) -> Route:
    """Return the route that the task takes now."""
    routes = attempt.deps.routes
    found = first_route(
        routes.routes, task.generation, api_key=task.api_key_id, at=attempt.deps.clock.now()
    )
    return found or routes.otherwise


# ---- an engine of ours


async def _in_studio(attempt: Attempt, order: FilmOrder, engine: str, *, reason: str) -> FilmFacts:
    await attempt.keep(Steps(engine=engine, engine_reason=reason))
    limit_s = attempt.deps.limits.make_timeout_s
    return await _within(limit_s, lambda: _made(attempt, replace(order, engine=engine)))


async def _from_upstream(attempt: Attempt, order: FilmOrder, bought: Bought) -> FilmFacts:
    """Bring what came to the promised size, length and form."""
    name = bought.purchase.upstream
    provider = attempt.deps.routes.upstreams[name].provider
    order = replace(
        order, engine=name, footage_path=bought.path, footage_source=provider.source.value
    )
    try:
        limit_s = attempt.deps.limits.make_timeout_s
        return await _within(limit_s, lambda: _made(attempt, order))
    except EngineFailed as failed:
        raise UpstreamFailed(f"the film of {name} is of no use: {failed.message}") from failed


async def _made(attempt: Attempt, order: FilmOrder) -> FilmFacts:
    def told(stage: Stage, share: float) -> None:
        attempt.progress.say(stage, share)
        if stage is Stage.FINISH:  # the engine is free
            attempt.seat.leave()

    return await attempt.studio.make(order, told, attempt.previews.tell)


async def _within(limit_s: float, work: Callable[[], Awaitable[FilmFacts]]) -> FilmFacts:
    try:
        async with asyncio.timeout(limit_s):
            return await work()
    except TimeoutError as error:
        raise StageTimedOut(f"make took longer than {limit_s:g} seconds") from error


# ---- upstreams


async def _chosen(
    task: Task, names: Sequence[str], asked: UpstreamOrder, attempt: Attempt, *, number: int
) -> _Found:
    """Try the route's engines in order, again and again, until one takes the task."""
    deps, left = attempt.deps, list(names)
    deadline = (task.started_at or deps.clock.now()) + _seconds(deps.limits.engine_wait_s)
    while True:
        said: list[str] = []
        for name in list(left):
            upstream = deps.routes.upstreams.get(name)
            if upstream is None:
                return _Found(name)
            order = replace(asked, key=f"{task.id}-{number}")
            reason = f"{name} of {_list(names)}" + (f"; {said[-1]}" if said else "")
            try:
                return await _ordered(upstream, order, attempt, number=number, reason=reason)
            except NOT_TAKEN as fault:
                said.append(f"{name}: {fault.message}")
            except UpstreamUnfit as unfit:
                left.remove(name)
                said.append(unfit.message)
            except UpstreamFailed as failed:
                number += 1
                if upstream.provider.bills:
                    left.remove(name)
                if not failed.may_retry or not left or number > PURCHASES_MAX:
                    raise
                said.append(f"{name}: {failed.message}")
        if not left or deps.clock.now() > deadline:
            raise NoEngineFree(f"no engine took the task: {'; '.join(said)}")
        await deps.routes.upstreams[left[0]].wait_for_room(WAIT_FOR_ROOM_S)


async def _ordered(
    upstream: Upstream, order: UpstreamOrder, attempt: Attempt, *, number: int, reason: str
) -> _Found:
    if upstream.is_full:
        raise UpstreamBusy(f"it makes {upstream.allowance.concurrent_max} films at a time")
    if not upstream.breaker.may_try():
        raise UpstreamAway("it is left alone for a while after faults")
    async with upstream.film_under_way():
        purchase = await order_film(order, number=number, upstream=upstream, attempt=attempt)
        await attempt.keep(Steps(engine=upstream.name, engine_reason=reason))
        bought = await await_film(purchase, upstream=upstream, attempt=attempt)
    if bought.actual_prompt and order.may_rewrite_prompt:
        await attempt.keep(Steps(actual_prompt=bought.actual_prompt))
    return _Found(upstream.name, bought)


async def _resumed(purchase: Purchase, order: UpstreamOrder, attempt: Attempt) -> _Found | None:
    """Go on with what an earlier attempt ordered; None if it came to nothing and cost nothing."""
    upstream = attempt.deps.routes.upstreams.get(purchase.upstream)
    if upstream is None:
        raise UpstreamUncertain(
            f"the film was ordered from {purchase.upstream}, which is no longer set up here"
        )
    order = replace(order, key=purchase.key)
    async with upstream.film_under_way():
        try:
            bought_one = await resume_purchase(purchase, order, upstream=upstream, attempt=attempt)
            bought = await await_film(bought_one, upstream=upstream, attempt=attempt)
        except (*NOT_TAKEN, UpstreamUnfit) as fault:
            log.info("upstream.not_resumed", task_id=purchase.task_id, reason=fault.message)
            return None
        except UpstreamFailed as failed:
            if not failed.may_retry:
                raise
            log.info("upstream.not_resumed", task_id=purchase.task_id, reason=failed.message)
            return None
    return _Found(upstream.name, bought)


async def _upstream_order(task: Task, attempt: Attempt, order: FilmOrder) -> UpstreamOrder:
    generation, picture = task.generation, None
    if order.image_path is not None:
        picture = attempt.scratch / "picture.png"
        await attempt.studio.prepare_picture(
            order.image_path,
            picture,
            width_px=order.width_px,
            height_px=order.height_px,
            param="image_urls",
        )
    is_upstreams = route_of(task, attempt).rewriting is Rewriting.UPSTREAM
    return UpstreamOrder(
        key="",
        model=generation.model,
        prompt=order.prompt,
        negative_prompt=order.negative_prompt,
        may_rewrite_prompt=is_upstreams and generation.may_rewrite_prompt,
        resolution=generation.resolution,
        width_px=order.width_px,
        height_px=order.height_px,
        fps=order.fps,
        duration_s=order.duration_s,
        seed=order.seed,
        image_path=picture,
        sound_path=order.sound_path,
        callback_url=callback_url(task.id, deps=attempt.deps),
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
