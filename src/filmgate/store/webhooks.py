"""Webhook deliveries and signing secrets in PostgreSQL. It posts nothing and decrypts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict

import psycopg
import structlog

from filmgate.domain.ids import AccountId, ApiKeyId, DeliveryId
from filmgate.domain.webhook import Delivery, Try, Verdict
from filmgate.ports.webhook import DeliveryFilter, SealedSecret
from filmgate.store.database import Database
from filmgate.store.queries import load_queries
from filmgate.store.rows import Row, delivery_from

log = structlog.get_logger()

SQL = load_queries("webhooks")

CLAIM_LOCK = 0x686F6F6B  # 'hook': one claim at a time, so that a receiver's limit is exact
CHANNEL = "filmgate_webhook"
RECONNECT_S = 0.5
LOG_LENGTH = 20
"""Attempts of one delivery that are kept."""


class PostgresWebhooks:
    """The Webhooks port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_deliveries(
        self, *, limit: int, receiver_max: int, lease_s: float
    ) -> list[Delivery]:
        """See the port. Waits for a moment while another worker claims."""
        values = {"limit": limit, "receiver_max": receiver_max, "lease_s": lease_s}
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (CLAIM_LOCK,))
            rows = await (await connection.execute(SQL["claim"], values)).fetchall()
        return [delivery_from(row) for row in rows]

    async def seconds_to_delivery(self) -> float | None:
        """See the port."""
        row = await self._database.row(SQL["seconds_to_next"])
        return row["seconds"] if row else None

    async def freeze_body(self, delivery_id: DeliveryId, *, body: bytes) -> bytes | None:
        """See the port."""
        row = await self._database.row(
            SQL["freeze_body"], {"id": delivery_id, "body": body.decode()}
        )
        return row["body"].encode() if row else None

    async def record_try(self, delivery_id: DeliveryId, *, tried: Try, verdict: Verdict) -> bool:
        """See the port."""
        values: Row = {
            **asdict(tried),
            "id": delivery_id,
            "state": verdict.state,
            "retry_in_s": verdict.retry_in_s or 0.0,
            "log_length": LOG_LENGTH,
        }
        return await self._database.row(SQL["record"], values) is not None

    async def redeliver(
        self, delivery_id: DeliveryId, *, account_id: AccountId | None = None
    ) -> Delivery | None:
        """See the port."""
        values = {"id": delivery_id, "account_id": account_id}
        row = await self._database.row(SQL["redeliver"], values)
        return delivery_from(row) if row else None

    async def deliveries(self, wanted: DeliveryFilter) -> list[Delivery]:
        """See the port."""
        return await self._database.nouns(delivery_from, SQL["list"], asdict(wanted))

    async def new_deliveries(self) -> AsyncIterator[None]:
        """See the port. Notifications need a session of their own: the pool is not used."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._database.url, autocommit=True, connect_timeout=5
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    yield None
                    async for _ in connection.notifies():
                        yield None
            except psycopg.OperationalError as error:
                log.warning("webhooks.reconnecting", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_S)

    async def webhook_secret(self, key_id: ApiKeyId) -> SealedSecret | None:
        """See the port."""
        row = await self._database.row(SQL["secret"], {"key_id": key_id})
        return _secret_from(row) if row else None

    async def keep_webhook_secret(self, key_id: ApiKeyId, drawn: SealedSecret) -> SealedSecret:
        """See the port."""
        row = await self._database.row(SQL["keep_secret"], {"key_id": key_id, **asdict(drawn)})
        assert row is not None  # noqa: S101 - INSERT … RETURNING
        return _secret_from(row)

    async def rotate_webhook_secret(self, key_id: ApiKeyId, drawn: SealedSecret) -> SealedSecret:
        """See the port."""
        row = await self._database.row(SQL["rotate_secret"], {"key_id": key_id, **asdict(drawn)})
        assert row is not None  # noqa: S101 - INSERT … RETURNING
        return _secret_from(row)


def _secret_from(row: Row) -> SealedSecret:
    previous = row["previous_sealed"]
    return SealedSecret(
        sealed=bytes(row["sealed"]),
        created_at=row["created_at"],
        previous_sealed=bytes(previous) if previous is not None else None,
        previous_until=row["previous_until"],
    )
