"""Accounts: who pays. An account owns API keys and a balance; it signs nobody in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain.ids import AccountId
from filmgate.domain.ledger import Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as it stands."""

    id: AccountId
    name: str
    created_at: datetime
    balance: Balance
    unfinished: int
    """Tasks that have not ended."""
    usable_keys: int
    """API keys that are neither revoked nor disabled."""
    is_admin: bool = False
    """Whether its keys with the scope `manage` manage everything, not only their own account."""
