"""The worker's loop for webhooks, apart from its films: takes due deliveries and has them made.

    woken by a notification, by the next due time, or by an attempt that ended
        └─→ claim as many as there is room for, at most a few of one receiver ─→ one attempt each

A receiver that hangs holds its own few places and nobody else's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from filmgate.domain.errors import FilmgateError
from filmgate.domain.webhook import Delivery
from filmgate.service.deliver_webhook import Postman, deliver_webhook, record_broken

log = structlog.get_logger()

LOOK_AGAIN_S = 15.0
"""Longest wait without a look: a notification may have been lost."""
PAUSE_S = 1.0
"""Wait while what is due must wait for its receiver's places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLimits:
    """How many attempts run at a time, and how long one is kept by a silent worker."""

    running_max: int = 16
    receiver_max: int = 2
    """Over all workers."""
    lease_s: float = 21.0


class WebhookLoop:
    """Delivers webhooks for ever, until it is cancelled."""

    def __init__(self, postman: Postman, limits: WebhookLimits) -> None:
        self._postman = postman
        self._limits = limits
        self._store = postman.deps.store
        self._running = 0
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Deliver. Cancelling it leaves running attempts to their leases."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            while True:
                self._wake.clear()
                wait_s = PAUSE_S
                try:
                    if await self._start_due(group):
                        continue
                    wait_s = await self._wait_s()
                except FilmgateError as error:
                    log.warning("webhooks.not_claimed", reason=error.code)
                await self._woken(wait_s)

    async def _listen(self) -> None:
        async for _ in self._store.new_deliveries():
            self._wake.set()

    async def _start_due(self, group: asyncio.TaskGroup) -> bool:
        """Start what is due; tell whether there may be more that can start now."""
        free = self._limits.running_max - self._running
        if free <= 0:
            return False
        claimed = await self._store.claim_deliveries(
            limit=free, receiver_max=self._limits.receiver_max, lease_s=self._limits.lease_s
        )
        for delivery in claimed:
            self._running += 1
            group.create_task(self._attempt(delivery))
        return bool(claimed)

    async def _wait_s(self) -> float:
        if self._running >= self._limits.running_max:
            return LOOK_AGAIN_S
        due_in_s = await self._store.seconds_to_delivery()
        if due_in_s is None:
            return LOOK_AGAIN_S
        return min(due_in_s, LOOK_AGAIN_S) if due_in_s > 0 else PAUSE_S

    async def _woken(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            await deliver_webhook(delivery, postman=self._postman)
        except FilmgateError as error:
            log.warning("webhook.not_recorded", delivery_id=delivery.id, reason=error.code)
        except Exception:  # the worker's loop: a bug in one delivery must not end the others
            log.exception("webhook.broke", delivery_id=delivery.id)
            await record_broken(delivery, postman=self._postman)
        finally:
            self._running -= 1
            self._wake.set()
