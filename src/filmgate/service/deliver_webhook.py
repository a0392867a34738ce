"""Tell the end of a task to whoever asked for it: one attempt at one delivery.

    claimed → body (rendered once, then frozen) → signed → posted → outcome recorded

A process that dies anywhere in here loses nothing: the claim's lease runs out and the delivery is
made again under the same id. When an attempt is due is the worker's business: worker/webhooks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from filmgate.domain.errors import FilmgateError, SecretUnreadable
from filmgate.domain.webhook import (
    ATTEMPTS_MAX,
    Delivery,
    DeliveryState,
    Try,
    Verdict,
    signed_headers,
    verdict,
)
from filmgate.ports.webhook import Posted, Sender
from filmgate.service.deps import Deps
from filmgate.service.manage_webhooks import webhook_secret
from filmgate.service.read_task import TaskView, view_of

log = structlog.get_logger()

Render = Callable[[TaskView], bytes]
"""Gives the JSON of a task, as the API shows it."""

RECORDED_ERROR_CHARS_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Postman:
    """What delivering needs beside the verbs' adapters."""

    deps: Deps
    sender: Sender
    render: Render
    first_retry_s: float


async def deliver_webhook(delivery: Delivery, *, postman: Postman) -> None:
    """Make one attempt and record what came of it. Raises DatabaseAway."""
    if delivery.round_attempts > ATTEMPTS_MAX:
        await _record(delivery, _nothing_posted("too many attempts"), postman, is_last=True)
        return
    try:
        posted = await _post(delivery, postman)
    except SecretUnreadable as error:
        posted = _nothing_posted(error.message)
    await _record(delivery, posted, postman)


async def record_broken(delivery: Delivery, *, postman: Postman) -> None:
    """Record an attempt that a fault of ours ended, so that it is retried with growing waits."""
    posted = _nothing_posted("an internal error; the server's log has it under the delivery's id")
    try:
        await _record(delivery, posted, postman)
    except FilmgateError as error:
        log.warning("webhook.not_recorded", delivery_id=delivery.id, reason=error.code)


async def _post(delivery: Delivery, postman: Postman) -> Posted:
    deps = postman.deps
    body = delivery.body or await _render(delivery, postman)
    if body is None:
        return _nothing_posted("the task was deleted")
    now = deps.clock.now()
    secret = await webhook_secret(delivery.api_key_id, deps=deps)
    headers = signed_headers(
        message_id=delivery.id,
        timestamp_s=int(now.timestamp()),
        body=body,
        secrets=secret.valid(now),
    )
    return await postman.sender.post(delivery.url, body=body, headers=headers)


async def _render(delivery: Delivery, postman: Postman) -> bytes | None:
    store = postman.deps.store
    task = await store.task(delivery.task_id)
    if task is None:
        return None
    rendered = postman.render(await view_of(task, deps=postman.deps))
    return await store.freeze_body(delivery.id, body=rendered)


async def _record(
    delivery: Delivery, posted: Posted, postman: Postman, *, is_last: bool = False
) -> None:
    now = postman.deps.clock.now()
    judged = verdict(
        delivery,
        status=posted.status,
        asked_delay_s=posted.retry_after_s,
        at=now,
        first_retry_s=postman.first_retry_s,
        chance=postman.deps.entropy.bytes(1)[0] / 255,
    )
    if is_last:
        judged = Verdict(state=DeliveryState.FAILED)
    tried = Try(
        number=delivery.attempts,
        at=now,
        status=posted.status,
        error=posted.error[:RECORDED_ERROR_CHARS_MAX] if posted.error else None,
        took_ms=posted.took_ms,
    )
    is_written = await postman.deps.store.record_try(delivery.id, tried=tried, verdict=judged)
    log.info(
        "webhook.attempted",
        delivery_id=delivery.id,
        task_id=delivery.task_id,
        attempt=delivery.attempts,
        status=posted.status,
        state=judged.state.value if is_written else "superseded",
        retry_in_s=judged.retry_in_s,
        took_ms=posted.took_ms,
    )


def _nothing_posted(reason: str) -> Posted:
    return Posted(status=None, error=reason, took_ms=0)
