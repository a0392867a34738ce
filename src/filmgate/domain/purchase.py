"""A purchase: one film ordered from an upstream for one task, and the only ways it may go.

    intended ──→ bought ──→ delivered
       │            ├─────→ failed (not charged)
       ├──→ refused ├─────→ wasted (may be charged, and there is no film of use)
       │            └─────→ cancelled
       └──→ uncertain (the answer was lost, and the upstream cannot be asked by name;
                       an id that comes all the same makes it bought)

It is written before the upstream is called and completed right after, so that whoever goes on with
the task knows whether something was bought, and under which id. It holds no credits: the ledger
knows what the caller pays, this what the upstream takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from filmgate.domain.ids import TaskId


class PurchaseState(StrEnum):
    """How far a purchase is."""

    INTENDED = "intended"
    BOUGHT = "bought"
    DELIVERED = "delivered"
    FAILED = "failed"
    WASTED = "wasted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One order at one upstream."""

    task_id: TaskId
    number: int
    """1 for a task's first purchase. A further one follows only where nothing was charged."""
    upstream: str
    state: PurchaseState
    attempt: int
    """The attempt of the task that intended it."""
    cost_micro_usd: int
    """What it costs as far as is known: estimated when intended, then what the upstream says."""
    intended_at: datetime
    upstream_id: str | None = None
    bought_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str | None = None
    """Why it went as it did, for the operator."""

    @property
    def key(self) -> str:
        """The name under which the upstream is asked for it, the same in every try."""
        return f"{self.task_id}-{self.number}"

    @property
    def is_to_go_on(self) -> bool:
        """Whether the task must be finished with this purchase and no other."""
        return self.state in {
            PurchaseState.INTENDED,
            PurchaseState.BOUGHT,
            PurchaseState.DELIVERED,
        }

    @property
    def is_failed(self) -> bool:
        """Whether it gave no film and was not charged: its number is used, another may follow."""
        return self.state is PurchaseState.FAILED

    @property
    def is_final_for_task(self) -> bool:
        """Whether it may have cost money and gave no film: the task must not order another."""
        return self.state in {PurchaseState.WASTED, PurchaseState.UNCERTAIN}
