"""API keys: whose they are, what each may do, how much, how often, until when and from where.

The token itself is nowhere but in its holder's hands. No limit is kept here: the rules only say
what a limit may be.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from filmgate.domain.errors import BrokenRule
from filmgate.domain.field_rule import shown
from filmgate.domain.ids import AccountId, ApiKeyId
from filmgate.domain.ledger import MICRO_USD

TOKEN_PREFIX = "fg_"  # noqa: S105 - not a secret: it makes leaked tokens findable by scanners
TOKEN_ENTROPY_BYTES = 32
TOKEN_SHOWN_CHARS = 8
NAME_CHARS_MAX = 100
LIMIT_MAX = 1_000_000
BUDGET_USD_MAX = 1_000_000_000
NETWORKS_MAX = 50


class KeyScope(StrEnum):
    """A kind of request."""

    GENERATE = "generate"
    """Submit, upload, cancel, delete."""
    READ = "read"
    """See tasks, videos, balance and usage."""
    MANAGE = "manage"
    """Administer: the account's own keys, or everything with a key of an admin account."""


class Priority(StrEnum):
    """Where a key's tasks stand in the queue."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def number(self) -> int:
        """-1, 0 or 1: higher goes first."""
        return list(Priority).index(self) - 1

    @classmethod
    def of(cls, number: int) -> Priority:
        """Return the priority of a number."""
        return list(cls)[number + 1]


SCOPES_DEFAULT = frozenset({KeyScope.GENERATE, KeyScope.READ})
SCOPES_ALL = frozenset(KeyScope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a key may spend in a day and month of UTC and altogether, in micro-USD; None: no limit.

    What unfinished tasks hold counts as spent until it is released.
    """

    day: int | None = None
    month: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a key spends today, this month (UTC) and altogether, in micro-USD, holds included."""

    day: int = 0
    month: int = 0
    total: int = 0


def tightest(budget: Budget, spent: Spent) -> tuple[str, int] | None:
    """Return the period of which the least is left, and how much: `day`, `month` or `total`.

    Below 0 where a budget was lowered; None without a budget.
    """
    left = {
        "day": None if budget.day is None else budget.day - spent.day,
        "month": None if budget.month is None else budget.month - spent.month,
        "total": None if budget.total is None else budget.total - spent.total,
    }
    known = [(amount, period) for period, amount in left.items() if amount is not None]
    return (min(known)[1], min(known)[0]) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is kept. None stands for no limit of its own."""

    id: ApiKeyId
    account_id: AccountId
    name: str
    token_hash: bytes
    prefix: str
    created_at: datetime
    scopes: frozenset[KeyScope] = SCOPES_DEFAULT
    models: frozenset[str] | None = None
    networks: tuple[str, ...] | None = None
    requests_per_minute: int | None = None
    concurrent_tasks_max: int | None = None
    queue_length_max: int | None = None
    priority: Priority = Priority.NORMAL
    budget: Budget = field(default_factory=Budget)
    expires_at: datetime | None = None
    disabled_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_address: str | None = None
    previous_token_hash: bytes | None = None
    """Of the token before the last rotation, valid until `previous_until`."""
    previous_until: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the key is neither revoked nor disabled; it may have expired."""
        return self.revoked_at is None and self.disabled_at is None

    def has_expired(self, at: datetime) -> bool:
        """Whether the key's time is over."""
        return self.expires_at is not None and self.expires_at <= at

    def opens(self, token_hash: bytes, *, at: datetime) -> bool:
        """Whether a token is this key's: the current one, or the one before it in the overlap."""
        if token_hash == self.token_hash:
            return True
        overlaps = self.previous_until is not None and at < self.previous_until
        return overlaps and token_hash == self.previous_token_hash

    def may_use(self, model: str) -> bool:
        """Whether the key may make films with a model."""
        return self.models is None or model in self.models

    def may_come_from(self, address: str) -> bool:
        """Whether requests from an IP address are served; what is no IP address has no network."""
        if self.networks is None:
            return True
        try:
            asking = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(asking, "ipv4_mapped", None)
        return any((mapped or asking) in ipaddress.ip_network(network) for network in self.networks)


def broken_rules(key: ApiKey, *, models: Iterable[str]) -> list[BrokenRule]:
    """Return every rule that a key's name and limits break. `models`: those of the server."""
    broken: list[BrokenRule] = []
    if not is_name(key.name):
        broken.append(BrokenRule("name", f"{NAME_RULE}, got {shown(key.name)}"))
    if not key.scopes:
        words = ", ".join(KeyScope)
        broken.append(BrokenRule("scopes", f"scopes must name at least one of {words}"))
    known = sorted(models)
    for model in sorted(key.models if key.models is not None else ()):
        if model not in known:
            message = f"models must be among {', '.join(known)}, got {shown(model)}"
            broken.append(BrokenRule("models", message))
    if key.models is not None and not key.models:
        broken.append(BrokenRule("models", "models must name at least one; leave it out for all"))
    broken += _broken_networks(key.networks)
    for name in ("requests_per_minute", "concurrent_tasks_max", "queue_length_max"):
        limit = getattr(key, name)
        if limit is not None and not 1 <= limit <= LIMIT_MAX:
            message = f"{name} must be 1 to {LIMIT_MAX:,}, got {limit}; leave it out for no limit"
            broken.append(BrokenRule(name, message))
    for period in ("day", "month", "total"):
        amount = getattr(key.budget, period)
        if amount is not None and not 0 <= amount <= BUDGET_USD_MAX * MICRO_USD:
            rule = f"budget_usd_{period} must be 0 to {BUDGET_USD_MAX:,} US dollars"
            broken.append(BrokenRule(f"budget_usd_{period}", f"{rule}, got {amount / MICRO_USD:g}"))
    return broken


NAME_RULE = f"a name must have 1 to {NAME_CHARS_MAX} printable characters"


def is_name(text: str) -> bool:
    """Whether a text can name a key or an account."""
    return bool(text.strip()) and len(text) <= NAME_CHARS_MAX and text.isprintable()


def _broken_networks(networks: tuple[str, ...] | None) -> list[BrokenRule]:
    if networks is None:
        return []
    if not 1 <= len(networks) <= NETWORKS_MAX:
        rule = f"networks must name 1 to {NETWORKS_MAX}; leave it out for all"
        return [BrokenRule("networks", f"{rule}, got {len(networks)}")]
    broken: list[BrokenRule] = []
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            rule = "networks must be addresses or networks such as 10.0.0.0/8 or 2001:db8::/32"
            broken.append(BrokenRule("networks", f"{rule}, got {shown(network)}"))
    return broken


def token_from(entropy: bytes) -> str:
    """Return a new token: the prefix and 256 bits of chance."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(entropy).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    """Return what is stored of a token.

    A plain SHA-256 is enough: a token holds 256 random bits, so there is nothing to guess (NIST SP
    800-63B, look-up secrets of at least 112 bits).
    """
    return hashlib.sha256(token.encode()).digest()
