"""Usage: what finished videos cost, by model and day. Failed and cancelled tasks cost nothing, so
they are not in it.

    start, end (days of a time zone, both included) → boundaries, one more than days
    00:00 │ day 1 │ day 2 │ … │ day n │ 00:00 after `end`
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from filmgate.domain.ids import AccountId, ApiKeyId

DAYS_MAX = 31


class Scope(StrEnum):
    """Whose usage."""

    KEY = "key"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Which usage to sum up, and how finely."""

    account_id: AccountId
    api_key_id: ApiKeyId | None
    """None: all keys of the account."""
    boundaries: tuple[datetime, ...]
    """The midnights before, between and after the days that are asked for."""
    by_model: bool
    by_day: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """A sum over finished videos: how many, how long, what they cost."""

    model: str | None
    """None where models are not told apart."""
    day_index: int | None
    """Which of the days, from 0; None where days are not told apart."""
    requests: int
    seconds: int
    amount_micro_usd: int


def day_boundaries(start: date, end: date, zone: tzinfo) -> tuple[datetime, ...]:
    """Return the midnights around each day from `start` to `end`, both included.

    A day is as long as its time zone makes it: 23 or 25 hours where clocks change.
    """
    count = (end - start).days + 2
    return tuple(
        datetime.combine(start + timedelta(days=offset), time(), zone) for offset in range(count)
    )
