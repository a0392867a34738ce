"""Close what was ordered from an upstream for tasks that have ended meanwhile: cancelled ones, and
those that waited too long. Runs with the sweep, in workers only.

    bought ── cancelled there ──→ cancelled, at no cost
           └─ not to be cancelled → looked at until it ends: what it cost is recorded
    intended, and nobody is ordering it any more ──→ uncertain
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from filmgate.domain.purchase import Purchase, PurchaseState
from filmgate.domain.upstream_fault import UpstreamFault
from filmgate.ports.provider import View, ViewState
from filmgate.service.deps import Deps
from filmgate.service.upstream import Upstream

log = structlog.get_logger()

AT_A_TIME = 20
REST_S = 2.0
"""Time that an attempt may take to record what it just learned."""
CALL_S = 180.0
"""Time after which an intention counts as nobody's. An id that comes later opens it again."""
FORGOTTEN_AFTER = timedelta(hours=24)
STATES = {
    ViewState.DONE: PurchaseState.DELIVERED,
    ViewState.FAILED: PurchaseState.FAILED,
    ViewState.LOST: PurchaseState.UNCERTAIN,
}


async def close_purchases(*, deps: Deps) -> None:
    """Look once at each purchase that no task waits for any more."""
    upstreams = deps.routes.upstreams
    if not upstreams:
        return
    abandoned = await deps.store.abandoned_purchases(
        list(upstreams), rest_s=REST_S, call_s=CALL_S, limit=AT_A_TIME
    )
    for purchase in abandoned:
        await _close(purchase, upstreams[purchase.upstream], deps)


async def _close(purchase: Purchase, upstream: Upstream, deps: Deps) -> None:
    store, upstream_id = deps.store, purchase.upstream_id
    if upstream_id is None:
        log.error("upstream.uncertain", task_id=purchase.task_id, upstream=upstream.name)
        why = "the server died while it was ordered"
        await store.end_purchase(purchase, state=PurchaseState.UNCERTAIN, detail=why)
        return
    why = "its task ended before"
    try:
        view = await upstream.ask(lambda: upstream.provider.look(upstream_id))
        if view.state in STATES:
            await _end(purchase, view, deps)
        elif await upstream.ask(lambda: upstream.provider.cancel(upstream_id)):
            await store.end_purchase(
                purchase, state=PurchaseState.CANCELLED, cost_micro_usd=0, detail=why
            )
    except UpstreamFault as fault:
        log.info("upstream.not_closed", task_id=purchase.task_id, reason=fault.message)
        if deps.clock.now() - purchase.intended_at > FORGOTTEN_AFTER:
            await store.end_purchase(purchase, state=PurchaseState.UNCERTAIN, detail=why)


async def _end(purchase: Purchase, view: View, deps: Deps) -> None:
    detail = "its task ended before" + (f"; {view.message}" if view.message else "")
    await deps.store.end_purchase(
        purchase, state=STATES[view.state], cost_micro_usd=view.cost_micro_usd, detail=detail
    )
