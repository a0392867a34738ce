"""Connections: one pool, autocommit, every vendor error translated. No SQL of any noun here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from filmgate.domain.errors import DatabaseAway
from filmgate.store.rows import Row

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Row]

AWAY_MESSAGE = "the database does not answer; please try again"
POOL_WAIT_S = 5.0
STATEMENT_TIMEOUT_MS = 20_000


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, url: str, *, connections_max: int = 10) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=connections_max,
            timeout=POOL_WAIT_S,
            open=False,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
                "connect_timeout": 5,
            },
        )

    async def open(self) -> None:
        """Open the pool. Does not wait for the database: a request that needs it does."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Lend a connection in autocommit mode.

        Raises DatabaseAway when there is none to be had or it breaks.
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseAway(AWAY_MESSAGE, retry_after_s=1) from error

    async def rows(
        self, query: LiteralString, values: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Run one statement and return its rows."""
        async with self.connection() as connection:
            cursor = await connection.execute(query, values)
            return await cursor.fetchall() if cursor.description else []

    async def row(
        self, query: LiteralString, values: Mapping[str, Any] | None = None
    ) -> Row | None:
        """Run one statement and return its first row."""
        found = await self.rows(query, values)
        return found[0] if found else None

    async def nouns(
        self, make: Callable[[Row], T], query: LiteralString, values: Mapping[str, Any]
    ) -> list[T]:
        """Run one statement and return its rows as nouns."""
        return [make(row) for row in await self.rows(query, values)]
