"""What a key, or its account, may still spend and has spent. Holds are in neither: they are decided
when their task ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmgate.domain.api_key import ApiKey
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

    A key has no budget of its own: what is left to it is what is left to its account.
    """
    balance = await deps.store.balance(key.account_id)
    used = balance.captured
    if scope is Scope.KEY:
        used = await deps.store.captured_by_key(key.id)
    return Spending(
        remaining_micro_usd=balance.available if balance.is_limited else None, used_micro_usd=used
    )
