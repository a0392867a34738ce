"""Accounts, keys, usage and the system on the wire: structs and their conversions. Amounts are US
dollars, times RFC 3339; null stands for no limit, or for never.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from filmgate.domain.account import Account
from filmgate.domain.api_key import ApiKey
from filmgate.domain.ledger import CREDITS_PER_USD, MICRO_USD, Entry
from filmgate.service.manage_keys import KeyView


class AccountObject(Struct, frozen=True, kw_only=True):
    """An account and its balance. The keys of an admin account with `manage` manage everything."""

    id: str
    name: str
    created_at: datetime
    is_limited: bool
    is_admin: bool
    granted_usd: float
    available_usd: float
    held_usd: float
    spent_usd: float
    available_credits: float
    keys: int
    unfinished_tasks: int


class EntryObject(Struct, frozen=True, kw_only=True):
    """What moved an account's balance. A release notes whether its task failed or was cancelled."""

    id: int | None
    at: datetime | None
    movement: Literal["grant", "hold", "capture", "release"]
    amount_usd: float
    task_id: str | None
    key_id: str | None
    model: str | None
    seconds: int | None
    note: str | None


class KeyObject(Struct, frozen=True, kw_only=True):
    """An API key: what it may do, what it spends (days and months of UTC, holds included).

    `token` is there once, when the key is made or rotated.
    """

    id: str
    account_id: str
    account: str
    name: str
    token_starts: str
    state: Literal["active", "expired", "disabled", "revoked"]
    scopes: list[str]
    models: list[str] | None
    networks: list[str] | None
    requests_per_minute: int | None
    concurrent_tasks_max: int | None
    queue_length_max: int | None
    priority: Literal["low", "normal", "high"]
    budget_usd_day: float | None
    budget_usd_month: float | None
    budget_usd_total: float | None
    spent_usd_day: float
    spent_usd_month: float
    spent_usd_total: float
    created_at: datetime
    expires_at: datetime | None
    disabled_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_address: str | None
    previous_token_until: datetime | None
    token: str | UnsetType = UNSET


class MeObject(Struct, frozen=True, kw_only=True):
    """The key that asks, and its account."""

    key: KeyObject
    account: AccountObject


class AccountEnvelope(Struct, frozen=True):
    """One account."""

    code: int
    data: AccountObject


class AccountList(Struct, frozen=True):
    """Accounts, by name."""

    code: int
    data: list[AccountObject]


class EntryPage(Struct, frozen=True):
    """Entries, newest first."""

    code: int
    data: list[EntryObject]
    next_cursor: str | None


class KeyEnvelope(Struct, frozen=True):
    """One key."""

    code: int
    data: KeyObject


class KeyList(Struct, frozen=True):
    """Keys, newest first."""

    code: int
    data: list[KeyObject]


class MeEnvelope(Struct, frozen=True):
    """The key that asks."""

    code: int
    data: MeObject


ADMIN_ANSWERS = (AccountEnvelope, AccountList, EntryPage, KeyEnvelope, KeyList, MeEnvelope)
"""The structs whose schemas these paths name."""


def account_object(account: Account) -> AccountObject:
    """Return an account's wire form."""
    balance = account.balance
    return AccountObject(
        id=account.id,
        name=account.name,
        created_at=account.created_at,
        is_limited=balance.is_limited,
        is_admin=account.is_admin,
        granted_usd=balance.granted / MICRO_USD,
        available_usd=balance.available / MICRO_USD,
        held_usd=balance.held / MICRO_USD,
        spent_usd=balance.captured / MICRO_USD,
        available_credits=balance.available * CREDITS_PER_USD / MICRO_USD,
        keys=account.usable_keys,
        unfinished_tasks=account.unfinished,
    )


def entry_object(entry: Entry) -> EntryObject:
    """Return a ledger entry's wire form."""
    return EntryObject(
        id=entry.id,
        at=entry.created_at,
        movement=entry.movement.value,
        amount_usd=entry.amount_micro_usd / MICRO_USD,
        task_id=entry.task_id,
        key_id=entry.api_key_id,
        model=entry.model,
        seconds=entry.seconds,
        note=entry.note,
    )


def key_object(view: KeyView, *, now: datetime, token: str | None = None) -> KeyObject:
    """Return a key's wire form."""
    key, spent = view.key, view.spent
    return KeyObject(
        id=key.id,
        account_id=key.account_id,
        account=view.account.name,
        name=key.name,
        token_starts=key.prefix,
        state=state_of(key, now),
        scopes=sorted(key.scopes),
        models=None if key.models is None else sorted(key.models),
        networks=None if key.networks is None else list(key.networks),
        requests_per_minute=key.requests_per_minute,
        concurrent_tasks_max=key.concurrent_tasks_max,
        queue_length_max=key.queue_length_max,
        priority=key.priority.value,
        budget_usd_day=_usd(key.budget.day),
        budget_usd_month=_usd(key.budget.month),
        budget_usd_total=_usd(key.budget.total),
        spent_usd_day=spent.day / MICRO_USD,
        spent_usd_month=spent.month / MICRO_USD,
        spent_usd_total=spent.total / MICRO_USD,
        created_at=key.created_at,
        expires_at=key.expires_at,
        disabled_at=key.disabled_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        last_used_address=key.last_used_address,
        previous_token_until=_still(key.previous_until, now),
        token=UNSET if token is None else token,
    )


def state_of(key: ApiKey, now: datetime) -> Literal["active", "expired", "disabled", "revoked"]:
    """Say in a word whether a key is in use."""
    if key.revoked_at is not None:
        return "revoked"
    if key.disabled_at is not None:
        return "disabled"
    return "expired" if key.has_expired(now) else "active"


def _still(until: datetime | None, now: datetime) -> datetime | None:
    return until if until is not None and until > now else None


def _usd(micro_usd: int | None) -> float | None:
    return None if micro_usd is None else micro_usd / MICRO_USD
