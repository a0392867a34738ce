"""Order one film from an upstream, at most once, and bring it here.

    intend (written) → submit → bought (id written) → look … → fetch → delivered
          │
          └ died in between: an upstream that keeps keys is asked again with the same key, and a
            server of our own too; any other might sell twice, so the task fails instead

Whoever goes on with the task begins where its purchase stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from filmgate.domain.errors import (
    StageTimedOut,
    UpstreamFailed,
    UpstreamRejected,
    UpstreamUncertain,
)
from filmgate.domain.purchase import Purchase, PurchaseState
from filmgate.domain.upstream_fault import UpstreamFault, UpstreamSilent
from filmgate.ports.provider import UpstreamOrder, View, ViewState
from filmgate.ports.studio import Stage
from filmgate.service.attempt import Attempt
from filmgate.service.patience import patiently
from filmgate.service.upstream import Upstream
from filmgate.service.upstream_news import News

log = structlog.get_logger()

T = TypeVar("T")

RECORD_S = 60.0
"""How long the id of a bought film is tried to be written down."""
SUBMITS_MAX = 12
"""Orders with one key, at an upstream that keeps keys, until an answer comes: 4 minutes."""
FETCHES_MAX = 5
AGAIN_S, AGAIN_S_MAX = 2.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A film that an upstream made, as it came."""

    purchase: Purchase
    path: Path
    actual_prompt: str | None


async def order_film(
    order: UpstreamOrder, *, number: int, upstream: Upstream, attempt: Attempt
) -> Purchase:
    """Order a film that nobody has ordered yet.

    Raises UpstreamBusy, UpstreamAway, UpstreamRefused (nothing was bought: another engine may be
    tried), UpstreamRejected (the request is at fault), UpstreamUncertain.
    """
    store, limit_s = attempt.deps.store, attempt.deps.limits.lease_s
    purchase = await patiently(
        lambda: store.intend_purchase(
            attempt.task_id,
            attempt=attempt.number,
            number=number,
            upstream=upstream.name,
            cost_micro_usd=upstream.cost_micro_usd(order),
            allowance=upstream.allowance,
        ),
        limit_s=limit_s,
    )
    return await _uninterrupted(_submit(purchase, order, upstream, attempt, may_be_taken=False))


async def resume_purchase(
    purchase: Purchase, order: UpstreamOrder, *, upstream: Upstream, attempt: Attempt
) -> Purchase:
    """Go on with what an earlier attempt began: order again only where that cannot buy twice."""
    if purchase.upstream_id is not None:
        return purchase
    if upstream.provider.keeps_keys or not upstream.provider.bills:
        return await _uninterrupted(_submit(purchase, order, upstream, attempt, may_be_taken=True))
    raise await _uncertain(purchase, "the server died while it was ordered", attempt)


async def await_film(purchase: Purchase, *, upstream: Upstream, attempt: Attempt) -> Bought:
    """Wait for an ordered film and fetch it.

    Raises UpstreamFailed (`may_retry` where nothing was charged), UpstreamRejected, StageTimedOut.
    """
    with attempt.deps.upstream_news.of(purchase.task_id) as news:
        view = await _looked(purchase, upstream, attempt, news)
    target = attempt.scratch / f"{purchase.key}.film"
    await _fetch(view, purchase, target, upstream, attempt)
    await _end(purchase, PurchaseState.DELIVERED, attempt, cost_micro_usd=view.cost_micro_usd)
    return Bought(purchase=purchase, path=target, actual_prompt=view.actual_prompt)


# ---- ordering


async def _submit(
    purchase: Purchase,
    order: UpstreamOrder,
    upstream: Upstream,
    attempt: Attempt,
    *,
    may_be_taken: bool,
) -> Purchase:
    """Order, and write down what came of it. Once an answer was lost, no fault says any more that
    nothing was taken: then only asking again with the same key can tell.
    """
    provider = upstream.provider
    for submits_left in reversed(range(SUBMITS_MAX)):
        try:
            upstream_id = await upstream.ask(lambda: provider.submit(order))
            break
        except (UpstreamFault, UpstreamRejected) as fault:
            is_silent = isinstance(fault, UpstreamSilent)
            may_be_taken = (may_be_taken or is_silent) and provider.bills
            if not may_be_taken or isinstance(fault, UpstreamRejected):
                await _end(
                    purchase, PurchaseState.REFUSED, attempt, detail=fault.message, cost_micro_usd=0
                )
                raise
            if not provider.keeps_keys or not submits_left:
                raise await _uncertain(purchase, fault.message, attempt) from fault
        await asyncio.sleep(min(AGAIN_S * (SUBMITS_MAX - submits_left), AGAIN_S_MAX))
    else:
        raise AssertionError("the last submit neither returned nor raised")
    log.info(
        "upstream.bought", task_id=purchase.task_id, upstream=upstream.name, upstream_id=upstream_id
    )
    store = attempt.deps.store
    return await patiently(
        lambda: store.record_bought(purchase, upstream_id=upstream_id), limit_s=RECORD_S
    )


async def _uncertain(purchase: Purchase, why: str, attempt: Attempt) -> UpstreamUncertain:
    await _end(purchase, PurchaseState.UNCERTAIN, attempt, detail=why)
    log.error("upstream.uncertain", task_id=purchase.task_id, upstream=purchase.upstream, why=why)
    return UpstreamUncertain(
        "whether an upstream took this task could not be learned, so it was not ordered again"
    )


# ---- waiting


async def _looked(purchase: Purchase, upstream: Upstream, attempt: Attempt, news: News) -> View:
    """Look until the film is done: now and then, and when the upstream says that there is news."""
    deps = attempt.deps
    limit = timedelta(seconds=deps.limits.upstream_timeout_s)
    deadline = (purchase.bought_at or deps.clock.now()) + limit
    upstream_id = _id_of(purchase)
    is_fresh = purchase.attempt == attempt.number
    wait_s = upstream.poll_every_s if is_fresh else 0.0
    while True:
        await news.wait(wait_s)
        wait_s = upstream.poll_every_s
        try:
            view = await upstream.ask(lambda: upstream.provider.look(upstream_id))
        except UpstreamFault as fault:
            if deps.clock.now() > deadline:
                raise await _timed_out(purchase, upstream, attempt) from fault
            continue
        if view.state is ViewState.DONE:
            return view
        if view.state in {ViewState.FAILED, ViewState.LOST}:
            raise await _failed(purchase, view, attempt)
        if deps.clock.now() > deadline:
            raise await _timed_out(purchase, upstream, attempt)
        if view.progress is not None:
            attempt.progress.say(Stage.MAKE, view.progress)
        wait_s = max(wait_s, view.poll_after_s or 0.0)


async def _failed(
    purchase: Purchase, view: View, attempt: Attempt
) -> UpstreamFailed | UpstreamRejected:
    is_lost = view.state is ViewState.LOST
    said = "it does not know this film any more" if is_lost else view.message or "it gave no reason"
    cost = view.cost_micro_usd
    is_free = cost == 0
    state = PurchaseState.FAILED if is_free else PurchaseState.WASTED
    await _end(purchase, state, attempt, cost_micro_usd=cost, detail=said)
    if view.is_callers_fault:
        return UpstreamRejected(f"{purchase.upstream} refused this: {said}")
    message = f"{purchase.upstream} could not make the film: {said}"
    return UpstreamFailed(message, may_retry=is_free)


async def _timed_out(purchase: Purchase, upstream: Upstream, attempt: Attempt) -> StageTimedOut:
    """Give up, but leave the purchase open: the sweep sees what becomes of it."""
    log.warning("upstream.timed_out", task_id=purchase.task_id, upstream=upstream.name)
    limit_s = attempt.deps.limits.upstream_timeout_s
    return StageTimedOut(f"{purchase.upstream} took longer than {limit_s:,} seconds")


# ---- fetching


async def _fetch(
    view: View, purchase: Purchase, target: Path, upstream: Upstream, attempt: Attempt
) -> None:
    """Fetch the film; a link that fails is asked for anew."""
    upstream_id = _id_of(purchase)
    size_bytes_max = attempt.deps.limits.upstream_film_bytes_max
    for fetches_left in reversed(range(FETCHES_MAX)):
        try:
            await upstream.provider.fetch(view, upstream_id, target, size_bytes_max=size_bytes_max)
            return
        except (UpstreamFault, UpstreamFailed) as fault:
            if not fault.may_retry or not fetches_left:
                await _end(purchase, PurchaseState.WASTED, attempt, detail=fault.message)
                raise UpstreamFailed(
                    f"the film of {purchase.upstream} could not be fetched: {fault.message}"
                ) from fault
            log.info("upstream.fetch_again", task_id=purchase.task_id, reason=fault.message)
        await asyncio.sleep(AGAIN_S * (FETCHES_MAX - fetches_left))
        try:
            view = await upstream.ask(lambda: upstream.provider.look(upstream_id))
        except UpstreamFault:
            log.info("upstream.look_failed", task_id=purchase.task_id)


# ---- what all of them need


def _id_of(purchase: Purchase) -> str:
    if purchase.upstream_id is None:
        raise AssertionError(f"{purchase.key} is waited for and was never bought")
    return purchase.upstream_id


async def _end(
    purchase: Purchase,
    state: PurchaseState,
    attempt: Attempt,
    *,
    cost_micro_usd: int | None = None,
    detail: str | None = None,
) -> None:
    store = attempt.deps.store
    await patiently(
        lambda: store.end_purchase(
            purchase, state=state, cost_micro_usd=cost_micro_usd, detail=detail
        ),
        limit_s=RECORD_S,
    )


async def _uninterrupted(work: Awaitable[T]) -> T:
    """Bring to its end what must not be cut in two, also when this attempt is being cancelled: a
    film that was bought must be written down. The work has limits of its own.
    """
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise
