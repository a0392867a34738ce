"""Credits: three movements, integer micro-USD, and the one equation that always holds.

granted = available + held + captured

hold     available → held        at submit
capture  held → captured         at completion
release  held → available        at failure or cancellation
grant    → available             by the operator
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from filmgate.domain.ids import AccountId, ApiKeyId, TaskId

MICRO_USD = 1_000_000
CREDITS_PER_USD = 10


class Movement(StrEnum):
    """What an entry does."""

    GRANT = "grant"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger. Lines are only ever added."""

    account_id: AccountId
    task_id: TaskId | None
    movement: Movement
    amount_micro_usd: int
    created_at: datetime | None = None
    note: str | None = None
    """Why an operator granted it; of a release, whether its task failed or was cancelled."""
    id: int | None = None
    """Its place in the ledger, once it is written."""
    api_key_id: ApiKeyId | None = None
    model: str | None = None
    seconds: int | None = None
    """Of a task's entry: whose task it is, and the film's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account has, in micro-USD.

    Available may be negative for an account without a limit.
    """

    granted: int = 0
    available: int = 0
    held: int = 0
    captured: int = 0
    is_limited: bool = False

    def after(self, entry: Entry) -> Balance:
        """Return the balance once the entry is written."""
        amount = entry.amount_micro_usd
        match entry.movement:
            case Movement.GRANT:
                return replace(
                    self, granted=self.granted + amount, available=self.available + amount
                )
            case Movement.HOLD:
                return replace(self, available=self.available - amount, held=self.held + amount)
            case Movement.CAPTURE:
                return replace(self, held=self.held - amount, captured=self.captured + amount)
            case Movement.RELEASE:
                return replace(self, held=self.held - amount, available=self.available + amount)

    def may_hold(self, amount: int) -> bool:
        """Whether this much may be held: always, for an account without a limit."""
        return not self.is_limited or self.available >= amount

    @property
    def adds_up(self) -> bool:
        """The equation."""
        return self.granted == self.available + self.held + self.captured
