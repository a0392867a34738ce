"""The queue in PostgreSQL: nudges, the room of each key, the sweep, and how it all stands.

    submit ──→ admitted ──→ entry ──→ claimed ──→ ended
       │           ▲                                │
       └──→ apart ─┘ admit: one of its key ended ◀──┘

A task beyond its key's limit stands apart: it has no entry and cannot be claimed. The submit
statement admits as many as the limit says, and every ending admits the next one, so that no more
than that are admitted, whoever claims. Single tasks are not written here, see tasks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
import structlog

from filmgate.domain.errors import QueueFull
from filmgate.domain.forecast import FilmKind, Pace, retry_after_s
from filmgate.domain.ids import ApiKeyId, TaskId
from filmgate.domain.task import Task
from filmgate.ports.queue import LINE_MAX, Outlook
from filmgate.store.database import Connection, Database
from filmgate.store.queries import load_queries
from filmgate.store.rows import Row, task_from
from filmgate.store.wall_clock import WallClock

log = structlog.get_logger()

SQL = load_queries("queue")

SWEEP_LOCK = 0x66696C6D  # 'film': one sweep at a time over all workers


class PostgresQueue:
    """The Queue port."""

    def __init__(self, database: Database, *, concurrent_max: int | None = None) -> None:
        self._database = database
        self._concurrent_max = concurrent_max
        self._clock = WallClock()

    async def outlooks(self, task_ids: Sequence[TaskId]) -> dict[TaskId, Outlook]:
        """See the port."""
        values = {"ids": list(task_ids), "concurrent_max": self._concurrent_max}
        return {
            row["id"]: Outlook(
                line_ahead=row["line_ahead"],
                apart_ahead=row["apart_ahead"],
                at_once_max=row["at_once_max"],
            )
            for row in await self._database.rows(SQL["outlooks"], values)
        }

    async def pace(self) -> Pace:
        """See the port."""
        row = await self._database.row(SQL["pace"], {"line_max": LINE_MAX})
        assert row is not None  # noqa: S101 - a SELECT of scalars always has a row
        return _pace_from(row)

    async def count_unfinished(self) -> int:
        """See the port."""
        row = await self._database.row("SELECT count(*) AS n FROM tasks WHERE ended_at IS NULL")
        return row["n"] if row else 0

    async def sweep(self, *, lease_s: float = 0.0) -> list[Task]:
        """See the port. A second sweep at the same time does nothing."""
        async with self._database.connection() as connection:
            async with connection.transaction():
                locked = await (
                    await connection.execute(
                        "SELECT clock_timestamp() AS now, pg_try_advisory_xact_lock(%s) AS got",
                        (SWEEP_LOCK,),
                    )
                ).fetchone()
                assert locked is not None  # noqa: S101 - a SELECT of scalars always has a row
                if not locked["got"]:  # nor is the clock looked at: the next sweep must see a jump
                    return []
                now = locked["now"]
                has_jumped = self._clock.has_jumped(now)
                values: Row = {"lease_s": lease_s, "now": now, "has_clock_jumped": has_jumped}
                if lease_s:
                    await connection.execute(SQL["shorten"], values)
                let_go = await (await connection.execute(SQL["let_go"], values)).fetchall()
                await connection.execute(SQL["drop_dead_entries"])
                await connection.execute(SQL["move_base"])
                await connection.execute(SQL["reprioritise"])
            await self._balance(connection)
            lonely = await (await connection.execute(SQL["without_entry"])).fetchall()
            for row in lonely:
                await nudge_on(connection, row["id"])
        return [task_from(row) for row in let_go]

    async def overdue(self, *, queue_timeout_s: int, crashes_max: int) -> list[Task]:
        """See the port."""
        values = {"queue_timeout_s": queue_timeout_s, "crashes_max": crashes_max}
        return await self._database.nouns(task_from, SQL["overdue"], values)

    async def _balance(self, connection: Connection) -> None:
        """Put right what a limit that was changed, or a death after an ending, left behind."""
        values: Row = {"concurrent_max": self._concurrent_max}
        for row in await (await connection.execute(SQL["unbalanced"], values)).fetchall():
            async with connection.transaction():
                values["api_key_id"] = row["api_key_id"]
                await connection.execute(SQL["lock_queue"], values)
                await connection.execute(SQL["withdraw"], values)
                await connection.execute(SQL["admit"], values)


async def admit(connection: Connection, key_id: ApiKeyId, *, concurrent_max: int | None) -> None:
    """Admit and nudge as many waiting tasks of a key as it has room for."""
    values: Row = {"api_key_id": key_id, "concurrent_max": concurrent_max}
    async with connection.transaction():
        await connection.execute(SQL["lock_queue"], values)
        admitted = await (await connection.execute(SQL["admit"], values)).fetchall()
    for row in admitted:
        await nudge_on(connection, row["id"])


async def check_room(connection: Connection, key_id: ApiKeyId, *, unfinished_max: int) -> None:
    """Raise QueueFull if a key has as many unfinished tasks as it may."""
    values: Row = {"api_key_id": key_id, "unfinished_max": unfinished_max}
    row = await (await connection.execute(SQL["room"], values)).fetchone()
    if row is not None and row["unfinished"] >= row["length_max"]:
        raise QueueFull(
            f"at most {row['length_max']:,} unfinished tasks are kept,"
            f" you have {row['unfinished']:,}; wait for some to end",
            retry_after_s=retry_after_s(row["ends"], now=row["now"]),
        )


async def nudge_on(connection: Connection, task_id: TaskId) -> None:
    """Enqueue a task that has no waiting entry. A collision means that it is enqueued already."""
    try:
        await connection.execute(SQL["nudge"], {"id": task_id})
    except psycopg.errors.UniqueViolation:
        log.debug("task.already_nudged", task_id=task_id)


def _pace_from(row: Row) -> Pace:
    return Pace(
        make_s={FilmKind(*kind): make_s for kind, make_s in row["kinds"] or ()},
        running=[
            (FilmKind(*kind), datetime.fromtimestamp(started_s, UTC))
            for kind, started_s in row["running"] or ()
        ],
        line=[FilmKind(*kind) for kind in row["line"] or ()],
        waiting_since=row["waiting_since"],
        at_once=row["at_once"] or 0,
        ends=row["ends"] or (),
    )
