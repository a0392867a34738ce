"""Ways to hurt a running server, and the promises that must hold afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from filmgate.store.embedded import EmbeddedPostgres
from filmgate.store.store import PostgresStore
from serving import ServerUnderTest, children_of

T = TypeVar("T")
QUICK = {"resolution": "480p", "prompt_extend": False}


def url_of(server: ServerUnderTest) -> str:
    """Where the server's embedded database is reached."""
    password = (server.data / "postgres.password").read_text().strip()
    return EmbeddedPostgres(server.data, password=password).url


def rows(server: ServerUnderTest, query: str, *values: object) -> list[dict[str, Any]]:
    """Look into the server's database, past everything that filmgate says of itself."""
    with psycopg.connect(url_of(server), autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def row(server: ServerUnderTest, task_id: str) -> dict[str, Any]:
    """A task's row."""
    return rows(server, "SELECT * FROM tasks WHERE id = %s", task_id)[0]


def patiently(look: Callable[[], T], limit_s: float = 30) -> T:
    """Look until the database answers."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return look()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def making(server: ServerUnderTest, task_id: str, progress: int = 8) -> Callable[[], bool]:
    """A condition: the film is being made."""
    return lambda: (
        (kept := row(server, task_id))["stage"] == "make" and kept["progress"] >= progress
    )


def postmaster_pid(server: ServerUnderTest) -> int:
    """The database's main process, from its own note."""
    socket_folder = Path(url_of(server).partition("?host=")[2].replace("%2F", "/"))
    return int((socket_folder.parent / "data" / "postmaster.pid").read_text().split()[0])


def studio_pid(server: ServerUnderTest) -> int:
    """The studio child of the server's worker."""
    return children_of(server.pid_of("worker"))[0]


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def assert_ledger_is_exact(server: ServerUnderTest) -> None:
    """Every task is held once; every ended one captured or released once, as its ending says."""
    found = rows(
        server,
        """
        SELECT t.id, t.status, t.price_micro_usd,
               array_agg(e.movement ORDER BY e.id) AS movements,
               array_agg(DISTINCT e.amount) AS amounts
          FROM tasks t LEFT JOIN ledger_entries e ON e.task_id = t.id GROUP BY t.id
        """,
    )
    wanted = {"completed": ["hold", "capture"], "failed": ["hold", "release"]}
    wanted["cancelled"] = wanted["failed"]
    for task in found:
        assert task["movements"] == wanted.get(task["status"], ["hold"]), task
        assert task["amounts"] == [task["price_micro_usd"]], task
    counted = rows(
        server,
        """
        SELECT a.unfinished, (SELECT count(*) FROM tasks t
                               WHERE t.account_id = a.id AND t.ended_at IS NULL) AS counted
          FROM accounts a
        """,
    )
    counted += rows(
        server,
        """
        SELECT q.unfinished, (SELECT count(*) FROM tasks t
                               WHERE t.api_key_id = q.api_key_id AND t.ended_at IS NULL) AS counted
          FROM key_queues q
        """,
    )
    for owner in counted:
        assert owner["unfinished"] == owner["counted"], owner

    async def audit() -> list[Any]:
        store = PostgresStore(url_of(server), connections_max=1)
        await store.open()
        try:
            return await store.audit()
        finally:
            await store.close()

    assert asyncio.run(audit()) == []
