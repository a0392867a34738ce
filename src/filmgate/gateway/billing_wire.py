"""Balance and usage on the wire: structs, CSV, and their conversions. It sums nothing up.

Amounts are US dollars; 10 credits are 1 USD.
"""

from __future__ import annotations

import csv
import io
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from filmgate.domain.ledger import CREDITS_PER_USD, MICRO_USD
from filmgate.domain.usage import UsageLine
from filmgate.service.read_balance import Spending
from filmgate.service.read_usage import GROUPINGS, Usage

UNLIMITED = -1.0


class BalanceAnswer(Struct, frozen=True, kw_only=True):
    """What may still be spent (-1: without a limit) and what finished videos have cost.

    What unfinished tasks hold is in neither.
    """

    success: bool
    remain_balance: float
    used_balance: float
    remain_credits: float
    used_credits: float
    unlimited_quota: bool


class UsageSum(Struct, frozen=True, kw_only=True):
    """Finished videos: how many, their length in seconds, their cost. Failed ones cost nothing."""

    requests: int
    seconds: int
    amount_usd: float
    credits: float


class UsageRow(Struct, frozen=True, kw_only=True):
    """A sum; `date` and `model` are there if they were asked for by `group_by`."""

    date: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    requests: int
    seconds: int
    amount_usd: float
    credits: float


class UsageAnswer(Struct, frozen=True, kw_only=True):
    """Usage from `start` to `end`, days of `timezone`, both included. Days without are left out."""

    success: bool
    start: str
    end: str
    timezone: str
    group_by: str
    scope: Literal["key", "account"]
    total: UsageSum
    data: list[UsageRow]


BILLING_ANSWERS = (BalanceAnswer, UsageAnswer)
"""The structs whose schemas these paths name."""


def balance_answer(spending: Spending) -> BalanceAnswer:
    """Return a balance as callers read it."""
    remaining = spending.remaining_micro_usd
    return BalanceAnswer(
        success=True,
        remain_balance=UNLIMITED if remaining is None else _usd(remaining),
        used_balance=_usd(spending.used_micro_usd),
        remain_credits=UNLIMITED if remaining is None else _credits(remaining),
        used_credits=_credits(spending.used_micro_usd),
        unlimited_quota=remaining is None,
    )


def usage_answer(usage: Usage) -> UsageAnswer:
    """Return usage as callers read it."""
    amount = sum(line.amount_micro_usd for line in usage.lines)
    return UsageAnswer(
        success=True,
        start=usage.start.isoformat(),
        end=usage.end.isoformat(),
        timezone=usage.timezone,
        group_by=usage.grouping,
        scope=usage.scope.value,
        total=UsageSum(
            requests=sum(line.requests for line in usage.lines),
            seconds=sum(line.seconds for line in usage.lines),
            amount_usd=_usd(amount),
            credits=_credits(amount),
        ),
        data=[_row(usage, line) for line in usage.lines],
    )


def usage_csv(usage: Usage) -> bytes:
    """Return usage as CSV (RFC 4180) with a line of headings; no line of totals."""
    grouped = [name for name in ("date", "model") if name in GROUPINGS[usage.grouping]]
    headings = [*grouped, "requests", "seconds", "amount_usd", "credits"]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(headings)
    for line in usage.lines:
        row = _row(usage, line)
        lines.writerow([getattr(row, name) for name in headings])
    return text.getvalue().encode()


def _row(usage: Usage, line: UsageLine) -> UsageRow:
    day = usage.day_of(line)
    return UsageRow(
        date=UNSET if day is None else day.isoformat(),
        model=UNSET if line.model is None else line.model,
        requests=line.requests,
        seconds=line.seconds,
        amount_usd=_usd(line.amount_micro_usd),
        credits=_credits(line.amount_micro_usd),
    )


def _usd(micro_usd: int) -> float:
    return micro_usd / MICRO_USD


def _credits(micro_usd: int) -> float:
    return micro_usd * CREDITS_PER_USD / MICRO_USD
