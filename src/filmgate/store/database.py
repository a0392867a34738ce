"""Connections: one pool, autocommit, every vendor error translated. No SQL of any noun here."""

from __future__ import annotations

import asyncio
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
RECONNECT_S_MAX = 3.0
STATEMENT_TIMEOUT_MS = 20_000
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Over a network, a peer that is gone without a word is noticed in half a minute, not in hours."""
ANSWER_S_MAX = 25.0
"""After the server's own limit: then the network or the server's process is stuck."""


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, url: str, *, connections_max: int = 10) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=connections_max,
            timeout=POOL_WAIT_S,
            # Attempts to connect are spaced by growing delays and given up after this time; the
            # next request starts afresh, so that a database that is back is used within seconds.
            reconnect_timeout=RECONNECT_S_MAX,
            open=False,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
                "connect_timeout": 5,
                **KEEPALIVE,
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

        Raises DatabaseAway when there is none to be had, it breaks, or it does not answer.
        """
        try:
            async with asyncio.timeout(ANSWER_S_MAX), self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            raise DatabaseAway(AWAY_MESSAGE, retry_after_s=1) from error

    @staticmethod
    def was_never_asked(away: DatabaseAway) -> bool:
        """Whether no connection was to be had, so that nothing can have been written."""
        return isinstance(away.__cause__, PoolTimeout)

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
