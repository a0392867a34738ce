"""What the verbs need to tell a task's end: deliveries in the database, and somebody who posts.

The Webhooks methods are one transaction each and raise DatabaseAway, as all of the store's do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from filmgate.domain.ids import AccountId, ApiKeyId, DeliveryId, TaskId
from filmgate.domain.webhook import Delivery, DeliveryState, Try, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A signing secret as it is kept: encrypted by a Sealer."""

    sealed: bytes
    created_at: datetime
    previous_sealed: bytes | None = None
    previous_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries to list: newest first, those with an id below `before`."""

    account_id: AccountId | None = None
    """None: of all accounts, for operators."""
    task_id: TaskId | None = None
    state: DeliveryState | None = None
    before: DeliveryId | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What came of one post. Without an answer, `status` is None and `error` says why."""

    status: int | None
    error: str | None
    took_ms: int
    retry_after_s: float | None = None


class Webhooks(Protocol):
    """Deliveries and signing secrets. A task's settlement itself makes its delivery."""

    async def claim_deliveries(
        self, *, limit: int, receiver_max: int, lease_s: float
    ) -> list[Delivery]:
        """Take due deliveries for so long, at most `receiver_max` of one receiver at a time.

        The limit holds over all workers. A delivery whose outcome is not recorded within its lease
        is due again.
        """
        ...

    async def seconds_to_delivery(self) -> float | None:
        """Return how long until a delivery is due, below 0 if one is; None: there is none."""
        ...

    async def freeze_body(self, delivery_id: DeliveryId, *, body: bytes) -> bytes | None:
        """Keep the body of a delivery unless it has one; return the kept one.

        None if the delivery is gone: its task was erased.
        """
        ...

    async def record_try(self, delivery_id: DeliveryId, *, tried: Try, verdict: Verdict) -> bool:
        """Write an attempt and what it makes of the delivery.

        False, and nothing is written, if another attempt has begun meanwhile.
        """
        ...

    async def redeliver(
        self, delivery_id: DeliveryId, *, account_id: AccountId | None = None
    ) -> Delivery | None:
        """Make a delivery due at once, in a new round of attempts.

        None if there is none, or not one of the account.
        """
        ...

    async def deliveries(self, wanted: DeliveryFilter) -> list[Delivery]:
        """Return a page of deliveries with their logs, without their bodies."""
        ...

    def new_deliveries(self) -> AsyncIterator[None]:
        """Yield at each new delivery, by notification, and after each reconnect."""
        ...

    async def webhook_secret(self, key_id: ApiKeyId) -> SealedSecret | None:
        """Return a key's signing secret."""
        ...

    async def keep_webhook_secret(self, key_id: ApiKeyId, drawn: SealedSecret) -> SealedSecret:
        """Return a key's signing secret; `drawn` becomes it if there was none."""
        ...

    async def rotate_webhook_secret(self, key_id: ApiKeyId, drawn: SealedSecret) -> SealedSecret:
        """Make `drawn` the key's secret; the one before it stays until `drawn.previous_until`."""
        ...


class Sender(Protocol):
    """Posts bodies to public addresses only, within a time limit. Never raises for what a
    receiver does.
    """

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Post once; redirects are not followed, the answer's body is not kept."""
        ...


class Sealer(Protocol):
    """Encrypts secrets before they are stored, with a key that is not in the database."""

    def seal(self, clear: bytes, *, owner: str) -> bytes:
        """Encrypt for an owner, such as an API key's id."""
        ...

    def unseal(self, sealed: bytes, *, owner: str) -> bytes:
        """Decrypt what was sealed for that owner. Raises SecretUnreadable."""
        ...
