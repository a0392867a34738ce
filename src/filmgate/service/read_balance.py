"""What a key, or its account, may still spend and has spent. Holds are in neither: they are decided
when their task ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmgate.domain.api_key import ApiKey, Budget, Spent, tightest
from filmgate.domain.usage import Scope
from filmgate.service.deps import Deps


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What is left and what was spent, in micro-USD."""

    remaining_micro_usd: int | None
    """None: without a limit."""
    used_micro_usd: int


async def read_balance(scope: Scope, *, key: ApiKey, deps: Deps) -> Spending:
    """Return the spending of the key or of its account.

    What is left to a key is what is left to its account or of its tightest budget, whichever is
    less.
    """
    balance = await deps.store.balance(key.account_id)
    remaining = balance.available if balance.is_limited else None
    if scope is not Scope.KEY:
        return Spending(remaining_micro_usd=remaining, used_micro_usd=balance.captured)
    if key.budget != Budget():
        spent = await deps.store.spending(key_id=key.id)
        budget = tightest(key.budget, spent.get(key.id, Spent()))
        if budget is not None:
            left = max(0, budget[1])
            remaining = left if remaining is None else min(left, remaining)
    used = await deps.store.captured_by_key(key.id)
    return Spending(remaining_micro_usd=remaining, used_micro_usd=used)
