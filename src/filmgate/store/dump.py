"""A database as one file, by PostgreSQL's own programs: written from one moment, read back whole or
not at all. It starts no server and knows no other files.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from filmgate.domain.errors import DatabaseAway
from filmgate.store.embedded import postgres_binaries

CONNECT_S_MAX = 10
PROGRAM_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a database holds: the number of its schema, and how many of each noun."""

    schema: int
    accounts: int
    keys: int
    tasks: int
    unfinished: int


def dump_database(url: str, target: Path) -> Contents:
    """Write a whole database to a new file, 0600, and return what it held at that very moment.

    Nobody who uses the database is held up. Raises DatabaseAway, ConfigError, OSError.
    """
    with _connection(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = cast("str", _row(connection, "SELECT pg_export_snapshot()")[0])
        contents = _contents(connection)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _run(url, descriptor, "pg_dump", "--format=custom", f"--snapshot={snapshot}")
        finally:
            os.close(descriptor)
        return contents


def load_database(url: str, source: Path) -> Contents:
    """Fill an empty database from such a file, in one transaction; return what it holds now.

    Raises DatabaseAway, ConfigError.
    """
    _run(
        url, None, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner",
        f"--dbname={conninfo_to_dict(url)['dbname']}", str(source),
    )  # fmt: skip
    with _connection(url) as connection:
        return _contents(connection)


def _connection(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_S_MAX)
    except psycopg.OperationalError as error:
        raise DatabaseAway(
            "the database does not answer; if its server starts or ends just now, try again"
        ) from error


def _contents(connection: psycopg.Connection[tuple[Any, ...]]) -> Contents:
    schema, accounts, keys, tasks, unfinished = _row(
        connection,
        """
        SELECT (SELECT max(number) FROM filmgate_migrations),
               (SELECT count(*) FROM accounts),
               (SELECT count(*) FROM api_keys),
               (SELECT count(*) FROM tasks),
               (SELECT count(*) FROM tasks WHERE ended_at IS NULL)
        """,
    )
    return Contents(schema=schema, accounts=accounts, keys=keys, tasks=tasks, unfinished=unfinished)


def _row(connection: psycopg.Connection[tuple[Any, ...]], statement: Any) -> tuple[Any, ...]:
    try:
        row = connection.execute(statement).fetchone()
    except psycopg.Error as error:
        raise DatabaseAway("the database cannot be read: it has no schema of filmgate") from error
    assert row is not None  # noqa: S101 - a SELECT without FROM
    return row


def _run(url: str, output: int | None, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by its environment, where no other user
    sees it.
    """
    known = conninfo_to_dict(url)
    named = {PROGRAM_VARIABLES[name]: str(value) for name, value in known.items() if value}
    done = subprocess.run(  # noqa: S603 - our own binaries, no shell
        [str(postgres_binaries() / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if output is None else output,
        stderr=subprocess.PIPE,
        env={"PATH": os.defpath, "LC_ALL": "C", **named},
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise DatabaseAway(f"{program} failed: {said}")
