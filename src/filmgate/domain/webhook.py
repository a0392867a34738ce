"""Webhooks: where a task's end is told, how that is signed, when it is retried. Sends nothing.

    settle ──→ pending ── 2xx ─────────────────────────────→ delivered
                 ▲  │
                 │  ├── no answer, 3xx, 408, 429, 5xx ──→ next_at, until a day is over ──┐
                 │  └── any other 4xx ───────────────────────────────────────────────────┤
                 └──────────────── redelivered by hand ──────────────────────────── failed

At least once: a delivery whose outcome was not written is made again, under the same id and with
the same body. Signatures are those of Standard Webhooks (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from filmgate.domain.ids import AccountId, ApiKeyId, DeliveryId, TaskId

SECRET_PREFIX = "whsec_"  # noqa: S105 - not a secret: it makes leaked ones findable by scanners
SECRET_ENTROPY_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long the secret before a rotation stays valid beside the new one."""

RETRY_DELAYS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800)
"""Waits after the first, second, … failed attempt; the last one repeats."""
FIRST_RETRY_S = float(RETRY_DELAYS_S[0])
RETRY_PERIOD = timedelta(hours=24)
"""No attempt begins later than this after the first one of a round."""
ATTEMPTS_MAX = 100
JITTER = 0.15
"""Share of a wait that chance may take off, so that a backlog does not return all at once."""
ASKED_DELAY_S_MAX = 3600
"""Longest Retry-After that is obeyed."""
RETRIED_STATUSES = frozenset({408, 429})


class DeliveryState(StrEnum):
    """The three states of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt at a delivery, as the log keeps it."""

    number: int
    at: datetime
    status: int | None
    """The HTTP status, or None if there was no answer."""
    error: str | None
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The telling of one task's end to one receiver."""

    id: DeliveryId
    """Also the `webhook-id`: the same at every attempt, so that receivers can drop repetitions."""
    task_id: TaskId
    account_id: AccountId
    api_key_id: ApiKeyId
    base_url: str
    state: DeliveryState
    attempts: int
    round_attempts: int
    """Attempts since the task ended, or since it was last redelivered by hand."""
    round_since: datetime
    """When the first of them began."""
    next_at: datetime
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None
    body: bytes | None = None
    """Frozen when the first attempt begins."""
    log: tuple[Try, ...] = ()
    """The latest attempts, newest first."""

    @property
    def url(self) -> str:
        """Where the body is posted."""
        return callback_url(self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecret:
    """An API key's signing secret, with the one before it while that is valid."""

    secret: str
    created_at: datetime
    previous: str | None = None
    previous_until: datetime | None = None

    def valid(self, at: datetime) -> tuple[str, ...]:
        """Return the secrets that sign at a moment, newest first."""
        if self.previous and self.previous_until and at < self.previous_until:
            return (self.secret, self.previous)
        return (self.secret,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an attempt makes of its delivery; `retry_in_s` only while it is pending."""

    state: DeliveryState
    retry_in_s: float | None = None


def callback_url(base_url: str) -> str:
    """Return `<base>/callback` with one slash between; a query stays, a fragment goes."""
    parts = urlsplit(base_url)
    return parts._replace(path=parts.path.rstrip("/") + "/callback", fragment="").geturl()


def secret_from(entropy: bytes) -> str:
    """Return a new signing secret."""
    return SECRET_PREFIX + base64.b64encode(entropy).decode("ascii")


def signature(secret: str, *, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


def signed_headers(
    *, message_id: str, timestamp_s: int, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the three headers of a delivery, with one signature for each valid secret."""
    signatures = (
        signature(secret, message_id=message_id, timestamp_s=timestamp_s, body=body)
        for secret in secrets
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def retry_delay_s(
    round_attempts: int, *, first_retry_s: float = FIRST_RETRY_S, chance: float = 0.0
) -> float:
    """Return the wait after so many attempts of a round.

    `first_retry_s` scales the schedule, `chance` of 0 to 1 shortens the wait by up to JITTER.
    """
    step = RETRY_DELAYS_S[min(round_attempts, len(RETRY_DELAYS_S)) - 1]
    scaled_s = min(float(RETRY_DELAYS_S[-1]), step * first_retry_s / FIRST_RETRY_S)
    return scaled_s * (1 - JITTER * chance)


def verdict(
    delivery: Delivery,
    *,
    status: int | None,
    asked_delay_s: float | None,
    at: datetime,
    first_retry_s: float = FIRST_RETRY_S,
    chance: float = 0.0,
) -> Verdict:
    """Judge an attempt that ended at `at`.

    `status` None means that there was no answer, `asked_delay_s` is the answer's Retry-After.
    """
    if status is not None and 200 <= status < 300:
        return Verdict(state=DeliveryState.DELIVERED)
    if status is not None and 400 <= status < 500 and status not in RETRIED_STATUSES:
        return Verdict(state=DeliveryState.FAILED)
    delay_s = retry_delay_s(delivery.round_attempts, first_retry_s=first_retry_s, chance=chance)
    delay_s = max(delay_s, min(asked_delay_s or 0.0, ASKED_DELAY_S_MAX))
    is_over = at + timedelta(seconds=delay_s) > delivery.round_since + RETRY_PERIOD
    if is_over or delivery.round_attempts >= ATTEMPTS_MAX:
        return Verdict(state=DeliveryState.FAILED)
    return Verdict(state=DeliveryState.PENDING, retry_in_s=delay_s)
