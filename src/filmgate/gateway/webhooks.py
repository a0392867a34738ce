"""Webhooks as their owner, and those who manage, see them: the key's signing secret, the
deliveries. It delivers nothing.

GET  /v1/webhooks/secret             POST /v1/webhooks/secret/rotate
GET  /v1/webhooks/deliveries?task_id=&status=&limit=&cursor=
POST /v1/webhooks/deliveries/{delivery}/redeliver
GET  /v1/admin/webhooks/deliveries   POST /v1/admin/webhooks/deliveries/{delivery}/redeliver
"""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET
from starlette.requests import Request

from filmgate.domain.api_key import ApiKey, KeyScope
from filmgate.domain.webhook import Delivery, DeliveryState, WebhookSecret
from filmgate.gateway.admin import managing_key
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.apimart import read_limit
from filmgate.gateway.auth import caller
from filmgate.gateway.wire import (
    DeliveryEnvelope,
    DeliveryObject,
    DeliveryPage,
    DeliveryTry,
    WebhookSecretEnvelope,
    WebhookSecretObject,
)
from filmgate.service.deps import Deps
from filmgate.service.manage_webhooks import (
    PAGE_MAX,
    list_deliveries,
    redeliver,
    rotate_webhook_secret,
    webhook_secret,
)


class WebhookPages:
    """The handlers of /v1/webhooks."""

    def __init__(self, *, deps: Deps) -> None:
        self._deps = deps

    async def secret(self, request: Request) -> Answer:
        """Show this key's signing secret."""
        key = await caller(request, self._deps, one_of=(KeyScope.GENERATE,))
        return _said(await webhook_secret(key.id, deps=self._deps))

    async def rotate(self, request: Request) -> Answer:
        """Make a new signing secret for this key; the old one signs beside it for 24 hours."""
        key = await caller(request, self._deps)
        return _said(await rotate_webhook_secret(key.id, deps=self._deps))

    async def deliveries(self, request: Request) -> Answer:
        """List this account's deliveries, newest first, with their latest attempts."""
        return await self._page(request, await caller(request, self._deps))

    async def all_deliveries(self, request: Request) -> Answer:
        """List the deliveries that a managing key sees: an admin's those of all accounts."""
        key, within = await managing_key(request, self._deps)
        return await self._page(request, key if within else None)

    async def redeliver(self, request: Request) -> Answer:
        """Make a delivery of this account again."""
        return await self._again(request, await caller(request, self._deps))

    async def redeliver_any(self, request: Request) -> Answer:
        """Make a delivery again that a managing key sees."""
        key, within = await managing_key(request, self._deps)
        return await self._again(request, key if within else None)

    async def _again(self, request: Request, key: ApiKey | None) -> Answer:
        made = await redeliver(request.path_params["delivery"], key=key, deps=self._deps)
        return json_answer(DeliveryEnvelope(200, delivery_object(made)))

    async def _page(self, request: Request, key: ApiKey | None) -> Answer:
        query = request.query_params
        limit = read_limit(query.get("limit"))
        # One more than asked tells whether there is another page.
        asked = limit + 1 if limit < PAGE_MAX else limit
        found = await list_deliveries(
            key=key,
            task_id=query.get("task_id") or None,
            state=query.get("status") or None,
            before=query.get("cursor") or None,
            limit=asked,
            deps=self._deps,
        )
        has_more = len(found) == asked and (len(found) > limit or limit == PAGE_MAX)
        page = found[:limit]
        cursor = page[-1].id if has_more else None
        return json_answer(DeliveryPage(200, [delivery_object(d) for d in page], cursor))


def delivery_object(delivery: Delivery) -> DeliveryObject:
    """Return a delivery's wire form."""
    is_pending = delivery.state is DeliveryState.PENDING
    return DeliveryObject(
        id=delivery.id,
        task_id=delivery.task_id,
        url=delivery.url,
        status=delivery.state.value,
        attempts=delivery.attempts,
        created=_seconds(delivery.created_at),
        delivered=UNSET if delivery.delivered_at is None else _seconds(delivery.delivered_at),
        next_attempt=_seconds(delivery.next_at) if is_pending else UNSET,
        log=[
            DeliveryTry(
                number=tried.number,
                at=_seconds(tried.at),
                http_status=tried.status,
                error=tried.error,
                took_ms=tried.took_ms,
            )
            for tried in delivery.log
        ],
    )


def _said(secret: WebhookSecret) -> Answer:
    until = secret.previous_until
    said = WebhookSecretObject(
        secret=secret.secret,
        created=_seconds(secret.created_at),
        previous_secret=UNSET if secret.previous is None else secret.previous,
        previous_until=UNSET if until is None else _seconds(until),
    )
    return json_answer(WebhookSecretEnvelope(200, said))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
