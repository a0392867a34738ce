"""API keys, their accounts, and rates in PostgreSQL. Balances stand in accounts.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from filmgate.domain.account import Account
from filmgate.domain.api_key import ApiKey, Spent
from filmgate.domain.ids import AccountId, ApiKeyId
from filmgate.domain.turn import Turn
from filmgate.store.database import Database
from filmgate.store.queries import load_queries
from filmgate.store.rows import key_from, key_values, spent_from

SQL = load_queries("keys")


class PostgresKeys:
    """The Keys port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure_account(self, account_id: AccountId, *, name: str, at: datetime) -> AccountId:
        """See the port."""
        values = {"id": account_id, "name": name, "at": at}
        row = await self._database.row(SQL["ensure_account"], values)
        assert row is not None  # noqa: S101 - INSERT … RETURNING
        return row["id"]

    async def add_account(
        self, account_id: AccountId, *, name: str, at: datetime, is_limited: bool, is_admin: bool
    ) -> bool:
        """See the port."""
        values = {
            "id": account_id,
            "name": name,
            "at": at,
            "is_limited": is_limited,
            "is_admin": is_admin,
        }
        return await self._database.row(SQL["add_account"], values) is not None

    async def edit_account(self, account: Account) -> bool:
        """See the port."""
        values = {
            "id": account.id,
            "name": account.name,
            "is_limited": account.balance.is_limited,
            "is_admin": account.is_admin,
        }
        return await self._database.row(SQL["edit_account"], values) is not None

    async def add_key(self, key: ApiKey) -> None:
        """See the port."""
        await self._database.rows(SQL["add_key"], key_values(key))

    async def key(self, key_id: ApiKeyId) -> ApiKey | None:
        """See the port."""
        row = await self._database.row("SELECT * FROM api_keys WHERE id = %(id)s", {"id": key_id})
        return key_from(row) if row else None

    async def key_by_hash(self, token_hash: bytes) -> ApiKey | None:
        """See the port."""
        row = await self._database.row(
            "SELECT * FROM api_keys WHERE token_hash = %(hash)s OR previous_token_hash = %(hash)s",
            {"hash": token_hash},
        )
        return key_from(row) if row else None

    async def keys(self, *, account_id: AccountId | None = None) -> list[ApiKey]:
        """See the port."""
        return await self._database.nouns(
            key_from,
            "SELECT * FROM api_keys WHERE %(account)s::text IS NULL OR account_id = %(account)s"
            " ORDER BY created_at DESC, id DESC",
            {"account": account_id},
        )

    async def edit_key(self, key: ApiKey) -> None:
        """See the port."""
        await self._database.rows(SQL["edit_key"], key_values(key))

    async def rotate_key(
        self, key_id: ApiKeyId, *, token_hash: bytes, prefix: str, previous_until: datetime
    ) -> None:
        """See the port."""
        values = {
            "id": key_id,
            "token_hash": token_hash,
            "prefix": prefix,
            "previous_until": previous_until,
        }
        await self._database.rows(SQL["rotate_key"], values)

    async def disable_key(self, key_id: ApiKeyId, *, at: datetime | None) -> None:
        """See the port."""
        await self._database.rows(
            "UPDATE api_keys SET disabled_at = %(at)s WHERE id = %(id)s",
            {"id": key_id, "at": at},
        )

    async def revoke_key(self, key_id: ApiKeyId, *, at: datetime) -> ApiKey | None:
        """See the port."""
        row = await self._database.row(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %(at)s)"
            " WHERE id = %(id)s RETURNING *",
            {"id": key_id, "at": at},
        )
        return key_from(row) if row else None

    async def touch_key(self, key_id: ApiKeyId, *, at: datetime, address: str | None) -> None:
        """See the port."""
        await self._database.rows(
            "UPDATE api_keys SET last_used_at = %(at)s,"
            " last_used_address = coalesce(%(address)s, last_used_address)"
            " WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(at)s)",
            {"id": key_id, "at": at, "address": address},
        )

    async def spending(
        self, *, account_id: AccountId | None = None, key_id: ApiKeyId | None = None
    ) -> Mapping[ApiKeyId, Spent]:
        """See the port."""
        rows = await self._database.rows(
            SQL["spending"], {"account_id": account_id, "key_id": key_id}
        )
        return {row["id"]: spent_from(row) for row in rows}


class PostgresTurns:
    """The Turns port: the counting is a function of the database, `take_turn`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_turn(self, subject: str, *, most: int, window_s: int) -> Turn:
        """See the port."""
        row = await self._database.row(
            "SELECT * FROM take_turn(%(subject)s, %(most)s, %(window_s)s)",
            {"subject": subject, "most": most, "window_s": window_s},
        )
        assert row is not None  # noqa: S101 - a function always gives a row
        return Turn(most=most, **row)

    async def forget_turns(self, *, idle_s: int) -> None:
        """See the port."""
        await self._database.rows(
            "DELETE FROM turns WHERE began_at < clock_timestamp() - make_interval(secs => %(s)s)",
            {"s": idle_s},
        )
