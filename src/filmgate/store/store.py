"""The whole database behind the Store port: tasks, keys, ledger, assets, webhooks; one pool."""

from __future__ import annotations

from filmgate.domain.errors import DatabaseAway
from filmgate.store.accounts import PostgresAssets, PostgresLedger
from filmgate.store.database import Database
from filmgate.store.keys import PostgresKeys, PostgresTurns
from filmgate.store.migrate import newest_migration
from filmgate.store.overview import PostgresOverview
from filmgate.store.previews import PostgresPreviews
from filmgate.store.purchases import PostgresPurchases
from filmgate.store.queue import PostgresQueue
from filmgate.store.sessions import PostgresSessions
from filmgate.store.tasks import PostgresTasks
from filmgate.store.wall_clock import WallClock
from filmgate.store.webhooks import PostgresWebhooks


class PostgresStore(
    PostgresTasks,
    PostgresQueue,
    PostgresKeys,
    PostgresTurns,
    PostgresLedger,
    PostgresAssets,
    PostgresOverview,
    PostgresPurchases,
    PostgresSessions,
    PostgresPreviews,
    PostgresWebhooks,
):
    """The Store port over PostgreSQL."""

    def __init__(
        self, url: str, *, connections_max: int = 10, key_concurrent_tasks_max: int = 0
    ) -> None:
        self._database = Database(url, connections_max=connections_max)
        self._concurrent_max = key_concurrent_tasks_max or None
        self._clock = WallClock()

    async def open(self) -> None:
        """Open the pool."""
        await self._database.open()

    async def close(self) -> None:
        """Close the pool."""
        await self._database.close()

    async def ensure_secret(self, name: str, drawn: bytes) -> bytes:
        """See the port."""
        row = await self._database.row(
            "INSERT INTO secrets (name, secret) VALUES (%(name)s, %(drawn)s)"
            " ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING secret",
            {"name": name, "drawn": drawn},
        )
        assert row is not None  # noqa: S101 - INSERT … RETURNING
        return bytes(row["secret"])

    async def is_ready(self) -> bool:
        """See the port."""
        try:
            row = await self._database.row("SELECT max(number) AS newest FROM filmgate_migrations")
        except DatabaseAway:
            return False
        return row is not None and row["newest"] == newest_migration()
