"""Balances, the ledger and asset records in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from filmgate.domain.account import Account
from filmgate.domain.asset import Asset
from filmgate.domain.errors import Unauthorized
from filmgate.domain.ids import AccountId, ApiKeyId
from filmgate.domain.ledger import Balance, Entry
from filmgate.domain.usage import UsageFilter, UsageLine
from filmgate.ports.store import LedgerFault
from filmgate.store.database import Database
from filmgate.store.queries import load_queries
from filmgate.store.rows import (
    account_from,
    asset_from,
    balance_from,
    entry_from,
)

SQL = load_queries("accounts")


class PostgresLedger:
    """The Ledger port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accounts(self, *, sought: str | None = None) -> list[Account]:
        """See the port."""
        return await self._database.nouns(account_from, SQL["accounts"], {"sought": sought})

    async def limit_account(self, account_id: AccountId, *, is_limited: bool) -> None:
        """See the port."""
        await self._database.rows(
            "UPDATE accounts SET is_limited = %(is_limited)s WHERE id = %(id)s",
            {"id": account_id, "is_limited": is_limited},
        )

    async def grant(self, account_id: AccountId, *, amount_micro_usd: int, note: str) -> bool:
        """See the port."""
        values = {"id": account_id, "amount": amount_micro_usd, "note": note or None}
        return await self._database.row(SQL["grant"], values) is not None

    async def entries(
        self, account_id: AccountId, *, limit: int, before: int | None = None
    ) -> list[Entry]:
        """See the port."""
        values = {"account_id": account_id, "limit": limit, "before": before}
        return await self._database.nouns(entry_from, SQL["entries"], values)

    async def captured_by_key(self, api_key_id: ApiKeyId) -> int:
        """See the port."""
        row = await self._database.row(SQL["captured_by_key"], {"api_key_id": api_key_id})
        return row["captured"] if row else 0

    async def usage(self, wanted: UsageFilter) -> list[UsageLine]:
        """See the port."""
        values = {
            **asdict(wanted),
            "boundaries": list(wanted.boundaries),
            "start": wanted.boundaries[0],
            "end": wanted.boundaries[-1],
        }
        return await self._database.nouns(lambda row: UsageLine(**row), SQL["usage"], values)

    async def balance(self, account_id: AccountId) -> Balance:
        """See the port."""
        row = await self._database.row(
            "SELECT * FROM accounts WHERE id = %(id)s", {"id": account_id}
        )
        if row is None:
            raise Unauthorized("this key's account is gone")
        return balance_from(row)

    async def audit(self) -> list[LedgerFault]:
        """See the port. One statement, so that it sees one moment."""
        rows = await self._database.rows(SQL["audit"])
        faults: list[LedgerFault] = []
        for row in rows:
            stored = balance_from(row)
            held = row["all_held"] - row["all_captured"] - row["all_released"]
            summed = Balance(
                granted=row["all_granted"],
                held=held,
                captured=row["all_captured"],
                available=row["all_granted"] - held - row["all_captured"],
                is_limited=stored.is_limited,
            )
            if stored != summed or not stored.adds_up:
                faults.append(LedgerFault(account_id=row["id"], stored=stored, summed=summed))
        return faults


class PostgresAssets:
    """The Assets port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_asset(self, asset: Asset) -> None:
        """See the port."""
        await self._database.rows(
            SQL["add_asset"],
            asdict(asset),
        )

    async def asset(self, key: str) -> Asset | None:
        """See the port."""
        row = await self._database.row("SELECT * FROM assets WHERE key = %(key)s", {"key": key})
        return asset_from(row) if row else None

    async def expired_assets(self, *, at: datetime, limit: int) -> list[Asset]:
        """See the port."""
        return await self._database.nouns(
            asset_from,
            SQL["expired_assets"],
            {"at": at, "limit": limit},
        )

    async def recorded_keys(self, keys: Sequence[str]) -> set[str]:
        """See the port."""
        rows = await self._database.rows(
            "SELECT key FROM assets WHERE key = ANY(%(keys)s)", {"keys": list(keys)}
        )
        return {row["key"] for row in rows}

    async def assets_after(self, key: str, *, limit: int) -> list[Asset]:
        """See the port."""
        return await self._database.nouns(
            asset_from,
            "SELECT * FROM assets WHERE key > %(key)s ORDER BY key LIMIT %(limit)s",
            {"key": key, "limit": limit},
        )

    async def forget_asset(self, key: str) -> None:
        """See the port."""
        await self._database.rows("DELETE FROM assets WHERE key = %(key)s", {"key": key})
