"""Pictures of films in the making, in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import structlog

from filmgate.domain.errors import LeaseLost
from filmgate.domain.ids import TaskId
from filmgate.ports.preview import NewPreview, Preview
from filmgate.store.database import KEEPALIVE, Database
from filmgate.store.queries import load_queries

log = structlog.get_logger()

SQL = load_queries("previews")
CHANNEL = "filmgate_preview"
RECONNECT_S = 0.5


class PostgresPreviews:
    """The Previews port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_preview(self, task_id: TaskId, *, attempt: int, jpeg: bytes) -> None:
        """See the port."""
        values = {"id": task_id, "attempt": attempt, "jpeg": jpeg}
        try:
            written = await self._database.row(SQL["record"], values)
        except psycopg.errors.ForeignKeyViolation:  # the task was erased at this very moment
            written = None
        if written is None:
            raise LeaseLost(f"attempt {attempt} of {task_id} is over")

    async def preview(self, task_id: TaskId) -> Preview | None:
        """See the port."""
        row = await self._database.row(SQL["latest"], {"id": task_id})
        return Preview(number=row["number"], jpeg=bytes(row["jpeg"])) if row else None

    async def preview_number(self, task_id: TaskId) -> int:
        """See the port."""
        row = await self._database.row(SQL["number"], {"id": task_id})
        return row["number"] if row else 0

    async def new_previews(self) -> AsyncIterator[NewPreview]:
        """See the port. Notifications need a session of their own: the pool is not used."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._database.url, autocommit=True, connect_timeout=5, **KEEPALIVE
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for notification in connection.notifies():
                        task_id, _, number = notification.payload.partition(" ")
                        yield NewPreview(task_id=TaskId(task_id), number=int(number))
            except psycopg.OperationalError as error:
                log.warning("previews.reconnecting", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_S)

    async def forget_previews(self) -> None:
        """See the port."""
        await self._database.rows(SQL["forget"])
