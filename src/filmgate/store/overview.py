"""Sums over all accounts, and how the server stands, in PostgreSQL. It changes nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from filmgate.domain.overview import (
    FailureSeen,
    Standing,
    TaskAtWork,
    Totals,
    TotalsFilter,
    WorkerSeen,
)
from filmgate.domain.task import Failure
from filmgate.store.database import Database
from filmgate.store.queries import load_queries
from filmgate.store.rows import Row

SQL = load_queries("overview")


class PostgresOverview:
    """The Overview port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def totals(self, wanted: TotalsFilter) -> list[Totals]:
        """See the port."""
        values = {
            **asdict(wanted),
            "boundaries": list(wanted.boundaries),
            "start": wanted.boundaries[0],
            "end": wanted.boundaries[-1],
        }
        return await self._database.nouns(lambda row: Totals(**row), SQL["totals"], values)

    async def standing(self, *, failures_max: int) -> Standing:
        """See the port."""
        async with self._database.connection() as connection, connection.transaction():
            counts = await (await connection.execute(SQL["counts"])).fetchone()
            workers = await (await connection.execute(SQL["workers"])).fetchall()
            failures = await (
                await connection.execute(SQL["failures"], {"limit": failures_max})
            ).fetchall()
        assert counts is not None  # noqa: S101 - a SELECT of scalars always has a row
        return Standing(
            workers=tuple(_worker_from(row) for row in workers),
            failures=tuple(_failure_from(row) for row in failures),
            **counts,
        )


def _worker_from(row: Row) -> WorkerSeen:
    tasks = tuple(_task_from(task) for task in row["tasks"])
    return WorkerSeen(name=row["name"], last_heartbeat_at=row["last_heartbeat_at"], tasks=tasks)


def _task_from(task: Row) -> TaskAtWork:
    fields: Row = {**task, "started_at": datetime.fromisoformat(task["started_at"])}
    return TaskAtWork(**fields)


def _failure_from(row: Row) -> FailureSeen:
    fields: Row = {**row, "failure": Failure(**row["failure"])}
    return FailureSeen(**fields)
