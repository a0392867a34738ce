"""Show deliveries, make one again, and hand out or rotate signing secrets. It delivers nothing."""

from __future__ import annotations

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import BrokenRule, InvalidFields, NotFound, SecretUnreadable
from filmgate.domain.field_rule import shown
from filmgate.domain.ids import ApiKeyId, DeliveryId, TaskId, is_delivery_id, is_task_id
from filmgate.domain.webhook import (
    OVERLAP,
    SECRET_ENTROPY_BYTES,
    Delivery,
    DeliveryState,
    WebhookSecret,
    secret_from,
)
from filmgate.ports.webhook import DeliveryFilter, SealedSecret
from filmgate.service.deps import Deps

PAGE_MAX = 100


async def webhook_secret(key_id: ApiKeyId, *, deps: Deps) -> WebhookSecret:
    """Return a key's signing secret, drawn if it has none yet.

    Raises SecretUnreadable if it was encrypted with another seal key.
    """
    kept = await deps.store.webhook_secret(key_id)
    if kept is None:
        kept = await deps.store.keep_webhook_secret(key_id, _drawn(key_id, deps))
    return _unsealed(kept, key_id, deps)


async def rotate_webhook_secret(key_id: ApiKeyId, *, deps: Deps) -> WebhookSecret:
    """Return a new signing secret for a key; the one before it stays valid for 24 hours.

    A secret that cannot be decrypted any more is replaced all the same.
    """
    kept = await deps.store.rotate_webhook_secret(key_id, _drawn(key_id, deps))
    return _unsealed(kept, key_id, deps)


async def list_deliveries(
    *,
    key: ApiKey | None,
    task_id: str | None,
    state: str | None,
    before: str | None,
    limit: int,
    deps: Deps,
) -> list[Delivery]:
    """Return a page of deliveries, newest first: of the key's account, or for operators of all.

    Raises InvalidFields for a filter that breaks a rule.
    """
    broken: list[BrokenRule] = []
    if task_id is not None and not is_task_id(task_id):
        broken.append(BrokenRule("task_id", f"task_id must be a task id, got {shown(task_id)}"))
    if before is not None and not is_delivery_id(before):
        broken.append(BrokenRule("cursor", f"cursor must be a delivery id, got {shown(before)}"))
    if state is not None and state not in set(DeliveryState):
        names = ", ".join(DeliveryState)
        broken.append(BrokenRule("status", f"status must be one of {names}, got {shown(state)}"))
    if not 1 <= limit <= PAGE_MAX:
        broken.append(BrokenRule("limit", f"limit must be 1 to {PAGE_MAX}, got {limit}"))
    if broken:
        raise InvalidFields(broken)
    wanted = DeliveryFilter(
        account_id=key.account_id if key else None,
        task_id=TaskId(task_id) if task_id else None,
        state=DeliveryState(state) if state else None,
        before=DeliveryId(before) if before else None,
        limit=limit,
    )
    return await deps.store.deliveries(wanted)


async def redeliver(delivery_id: str, *, key: ApiKey | None, deps: Deps) -> Delivery:
    """Make a delivery due at once, whatever became of it before: one of the key's account, or for
    operators any. Raises NotFound.
    """
    if is_delivery_id(delivery_id):
        account_id = key.account_id if key else None
        delivery = await deps.store.redeliver(DeliveryId(delivery_id), account_id=account_id)
        if delivery is not None:
            return delivery
    raise NotFound(f"there is no delivery {shown(delivery_id)}")


def _drawn(key_id: ApiKeyId, deps: Deps) -> SealedSecret:
    secret = secret_from(deps.entropy.bytes(SECRET_ENTROPY_BYTES))
    now = deps.clock.now()
    return SealedSecret(
        sealed=deps.sealer.seal(secret.encode(), owner=key_id),
        created_at=now,
        previous_until=now + OVERLAP,
    )


def _unsealed(kept: SealedSecret, key_id: ApiKeyId, deps: Deps) -> WebhookSecret:
    previous = None
    until = kept.previous_until
    if kept.previous_sealed is not None and until is not None and deps.clock.now() < until:
        try:
            previous = deps.sealer.unseal(kept.previous_sealed, owner=key_id).decode()
        except SecretUnreadable:
            previous = None
    return WebhookSecret(
        secret=deps.sealer.unseal(kept.sealed, owner=key_id).decode(),
        created_at=kept.created_at,
        previous=previous,
        previous_until=until if previous is not None else None,
    )
