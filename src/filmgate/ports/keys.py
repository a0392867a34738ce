"""What the verbs need of the database about accounts, their API keys, and rates. Each method is one
transaction; all raise DatabaseAway.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from filmgate.domain.account import Account
from filmgate.domain.api_key import ApiKey, Spent
from filmgate.domain.ids import AccountId, ApiKeyId
from filmgate.domain.turn import Turn


class Keys(Protocol):
    """API keys and their accounts."""

    async def ensure_account(self, account_id: AccountId, *, name: str, at: datetime) -> AccountId:
        """Return the account of that name, made if need be; an admin's if there is none yet."""
        ...

    async def add_account(
        self, account_id: AccountId, *, name: str, at: datetime, is_limited: bool, is_admin: bool
    ) -> bool:
        """Make an account; False if there is one of that name."""
        ...

    async def edit_account(self, account: Account) -> bool:
        """Write an account's name, limit and rank; False if another has that name."""
        ...

    async def add_key(self, key: ApiKey) -> None:
        """Keep a new key."""
        ...

    async def key(self, key_id: ApiKeyId) -> ApiKey | None:
        """Return the key of that id."""
        ...

    async def key_by_hash(self, token_hash: bytes) -> ApiKey | None:
        """Return the key with that token hash, or with it before its last rotation."""
        ...

    async def keys(self, *, account_id: AccountId | None = None) -> list[ApiKey]:
        """Return all keys, or those of one account, newest first."""
        ...

    async def edit_key(self, key: ApiKey) -> None:
        """Write a key's name and limits; neither its token nor whether it is in use."""
        ...

    async def rotate_key(
        self, key_id: ApiKeyId, *, token_hash: bytes, prefix: str, previous_until: datetime
    ) -> None:
        """Give a key another token; the present one stays valid until then."""
        ...

    async def disable_key(self, key_id: ApiKeyId, *, at: datetime | None) -> None:
        """Take a key out of use; None puts it back."""
        ...

    async def revoke_key(self, key_id: ApiKeyId, *, at: datetime) -> ApiKey | None:
        """Mark a key as revoked."""
        ...

    async def touch_key(self, key_id: ApiKeyId, *, at: datetime, address: str | None) -> None:
        """Note that a key was used, and whence."""
        ...

    async def spending(
        self, *, account_id: AccountId | None = None, key_id: ApiKeyId | None = None
    ) -> Mapping[ApiKeyId, Spent]:
        """Return what each key spends: all of them, an account's, or one."""
        ...


class Turns(Protocol):
    """How often somebody asked lately, exact over all processes of one database."""

    async def take_turn(self, subject: str, *, most: int, window_s: int) -> Turn:
        """Take one of `most` turns in a window that slides, if one is left."""
        ...

    async def forget_turns(self, *, idle_s: int) -> None:
        """Forget whoever has not asked for so long."""
        ...
