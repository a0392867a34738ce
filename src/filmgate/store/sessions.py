"""Signed-in browsers in PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict

from filmgate.ports.sessions import Session
from filmgate.store.database import Database


class PostgresSessions:
    """The Sessions port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_session(self, session: Session) -> None:
        """See the port."""
        await self._database.rows(
            "WITH over AS (DELETE FROM sessions WHERE expires_at <= %(created_at)s)"
            " INSERT INTO sessions (token_hash, key_hash, created_at, expires_at)"
            " VALUES (%(token_hash)s, %(key_hash)s, %(created_at)s, %(expires_at)s)",
            asdict(session),
        )

    async def session(self, token_hash: bytes) -> Session | None:
        """See the port."""
        row = await self._database.row(
            "SELECT * FROM sessions WHERE token_hash = %(hash)s", {"hash": token_hash}
        )
        return Session(**row) if row else None

    async def forget_session(self, token_hash: bytes) -> None:
        """See the port."""
        await self._database.rows(
            "DELETE FROM sessions WHERE token_hash = %(hash)s", {"hash": token_hash}
        )
