"""Schema upgrades: our numbered files and the queue's own, forward only, under one lock.

A database made by a newer release is refused: older code must not write into a schema that it does
not know.
"""

from __future__ import annotations

from importlib.resources import files
from typing import LiteralString, cast

import psycopg
from procrastinate.schema import SchemaManager

from filmgate.domain.errors import ConfigError

MIGRATION_LOCK = 0x6D696772  # 'migr'

Connection = psycopg.AsyncConnection[tuple[object, ...]]


def migrations() -> dict[int, tuple[str, str]]:
    """Return all our migrations: number → (file name, SQL)."""
    found: dict[int, tuple[str, str]] = {}
    for entry in files("filmgate.store").joinpath("migrations").iterdir():
        if entry.name.endswith(".sql"):
            found[int(entry.name.split("_")[0])] = (entry.name, entry.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def newest_migration() -> int:
    """Return the number of the schema that this release needs."""
    return max(migrations())


async def migrate(url: str) -> list[str]:
    """Bring a database up to this release; return the names of what was applied.

    Raises ConfigError if the database belongs to a newer release.
    """
    applied: list[str] = []
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS filmgate_migrations ("
            " number integer PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS filmgate_queue_migrations (name text PRIMARY KEY)"
        )
        rows = await (await connection.execute("SELECT number FROM filmgate_migrations")).fetchall()
        done = {cast("int", row[0]) for row in rows}
        ours = migrations()
        if done and max(done) > max(ours):
            raise ConfigError(
                f"the database has schema {max(done)}, this release of filmgate knows up to"
                f" {max(ours)}; run the newer release, or restore a backup"
            )
        applied += await _migrate_queue(connection)
        for number, (name, script) in ours.items():
            if number not in done:
                await connection.execute(cast("LiteralString", script))
                await connection.execute(
                    "INSERT INTO filmgate_migrations (number, name) VALUES (%s, %s)", (number, name)
                )
                applied.append(name)
    return applied


async def _migrate_queue(connection: Connection) -> list[str]:
    """The queue's schema: whole in a new database, else those of its migrations that were
    not applied yet.
    """
    folder = files("procrastinate.sql").joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    rows = await (await connection.execute("SELECT name FROM filmgate_queue_migrations")).fetchall()
    done = {cast("str", row[0]) for row in rows}
    missing = [name for name in names if name not in done]
    if not done:
        await connection.execute(SchemaManager.get_schema())
    else:
        for name in missing:
            script = folder.joinpath(name).read_text(encoding="utf-8")
            await connection.execute(cast("LiteralString", script))
    for name in missing:
        await connection.execute("INSERT INTO filmgate_queue_migrations VALUES (%s)", (name,))
    return (
        [f"queue: {name}" for name in missing] if done else ["queue: whole schema"][: len(missing)]
    )
