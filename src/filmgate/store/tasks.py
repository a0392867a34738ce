"""Tasks in PostgreSQL: submit, claim, renew, record, settle. The sweep stands in queue.py, the
statements in queries/tasks.sql.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import datetime

import psycopg
import structlog

from filmgate.domain.api_key import tightest
from filmgate.domain.errors import (
    BudgetSpent,
    CallerError,
    DatabaseAway,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InsufficientCredits,
    LeaseLost,
    OutcomeUnknown,
    QueueFull,
    Unauthorized,
)
from filmgate.domain.ids import ApiKeyId, TaskId
from filmgate.domain.ledger import MICRO_USD
from filmgate.domain.task import Task
from filmgate.ports.store import (
    SEARCHED_TASKS_MAX,
    IdempotencyKey,
    Steps,
    Submission,
    TaskFilter,
    TaskWindow,
)
from filmgate.store.database import KEEPALIVE, Connection, Database
from filmgate.store.queries import load_queries
from filmgate.store.queue import admit, check_room, nudge_on
from filmgate.store.rows import (
    Row,
    balance_from,
    ending_values,
    key_from,
    spent_from,
    submit_values,
    task_from,
)

log = structlog.get_logger()

SQL = load_queries("tasks")
KEYS = load_queries("keys")

RESUBMITS_MAX = 3
CHANNEL = "filmgate_task"
RECONNECT_S = 0.5


class PostgresTasks:
    """The Tasks port."""

    def __init__(self, database: Database, *, concurrent_max: int | None = None) -> None:
        self._database = database
        self._concurrent_max = concurrent_max

    async def submit(
        self, task: Task, *, idempotency: IdempotencyKey | None, unfinished_max: int
    ) -> Submission:
        """See the port."""
        try:
            return await self._submit_once(task, idempotency, unfinished_max)
        except DatabaseAway as lost:
            if self._database.was_never_asked(lost):
                raise
        for _ in range(RESUBMITS_MAX):
            try:
                return await self._submit_again(task, idempotency, unfinished_max)
            except DatabaseAway as still_away:
                if self._database.was_never_asked(still_away):
                    break  # a caller waits: no more than one wait for a connection
        raise OutcomeUnknown(
            f"whether {task.id} was accepted is not known yet; ask for it before you resubmit",
            retry_after_s=2,
        )

    async def _submit_once(
        self, task: Task, idempotency: IdempotencyKey | None, unfinished_max: int
    ) -> Submission:
        values: Row = {
            **submit_values(task),
            "unfinished_max": unfinished_max,
            "concurrent_max": self._concurrent_max,
            "idempotency_key": idempotency.key if idempotency else None,
            "body_hash": idempotency.body_hash if idempotency else None,
        }
        async with self._database.connection() as connection:
            if idempotency is None:
                cursor = await connection.execute(SQL["submit"], values)
                if await cursor.fetchone():
                    return Submission(task_id=task.id)
            else:
                earlier = await _submit_named(connection, values, idempotency)
                if earlier:
                    return earlier
            return await _refuse(connection, task, unfinished_max, is_named=idempotency is not None)

    async def _submit_again(
        self, task: Task, idempotency: IdempotencyKey | None, unfinished_max: int
    ) -> Submission:
        """The answer to a submit was lost: only the row can tell whether it was committed.

        A statement that is still under way somewhere would be missed by merely looking. Submitting
        the same id again waits for it, because both write the account's row.
        """
        if await self.task(task.id) is not None:
            return Submission(task_id=task.id)
        try:
            return await self._submit_once(task, idempotency, unfinished_max)
        except psycopg.errors.UniqueViolation:
            return Submission(task_id=task.id)
        except CallerError:
            if await self.task(task.id) is not None:
                return Submission(task_id=task.id)
            raise

    async def task(self, task_id: TaskId) -> Task | None:
        """See the port."""
        row = await self._database.row("SELECT * FROM tasks WHERE id = %(id)s", {"id": task_id})
        return task_from(row) if row else None

    async def tasks(self, wanted: TaskFilter) -> list[Task]:
        """See the port."""
        name = "oldest_first" if wanted.is_oldest_first else "newest_first"
        values = asdict(wanted)
        if wanted.words:
            name = "search"
            values["patterns"] = [f"%{_literal(word)}%" for word in wanted.words]
            values["searched_max"] = SEARCHED_TASKS_MAX
        return await self._database.nouns(task_from, SQL[name], values)

    async def searched_until(self, wanted: TaskFilter) -> TaskId | None:
        """See the port."""
        values = {
            "account_id": wanted.account_id,
            "before": wanted.before,
            "others": SEARCHED_TASKS_MAX - 1,
        }
        row = await self._database.row(SQL["searched_until"], values)
        return row["id"] if row else None

    async def task_window(self, wanted: TaskWindow) -> tuple[list[Task], int]:
        """See the port."""
        rows = await self._database.rows(SQL["window"], asdict(wanted))
        return [task_from(row) for row in rows if row["id"] is not None], rows[0]["total"]

    async def claim(self, task_id: TaskId, *, worker: str, lease_s: float) -> Task | None:
        """See the port."""
        row = await self._database.row(
            SQL["claim"], {"id": task_id, "worker": worker, "lease_s": lease_s}
        )
        return task_from(row) if row else None

    async def renew(self, attempts: Mapping[TaskId, int], *, lease_s: float) -> set[TaskId]:
        """See the port."""
        ids, numbers = list(attempts), list(attempts.values())
        rows = await self._database.rows(
            SQL["renew"], {"ids": ids, "attempts": numbers, "lease_s": lease_s}
        )
        return {row["id"] for row in rows}

    async def record_progress(
        self, task_id: TaskId, *, attempt: int, stage: str, progress: int
    ) -> None:
        """See the port."""
        values = {"id": task_id, "attempt": attempt, "stage": stage, "progress": progress}
        if await self._database.row(SQL["progress"], values) is None:
            raise LeaseLost(f"attempt {attempt} of {task_id} is over")

    async def record_steps(self, task_id: TaskId, *, attempt: int, steps: Steps) -> Task:
        """See the port."""
        row = await self._database.row(
            SQL["steps"], {"id": task_id, "attempt": attempt, **asdict(steps)}
        )
        if row is None:
            raise LeaseLost(f"attempt {attempt} of {task_id} is over")
        return task_from(row)

    async def settle(self, ended: Task, *, attempt: int | None) -> None:
        """See the port.

        After a lost answer the row is read again: an ending that is ours counts as written.
        """
        values = {
            **ending_values(ended),
            "attempt": attempt,
            "concurrent_max": self._concurrent_max,
        }
        try:
            row = await self._database.row(SQL["settle"], values)
        except DatabaseAway:
            kept = await self.task(ended.id)
            if kept is None or not _is_same_ending(kept, ended):
                raise
            return
        if row is None:
            raise LeaseLost(f"{ended.id} has ended, or attempt {attempt} is over")
        if row["is_awaited"]:
            await self._admit(ended.api_key_id)

    async def give_back(self, task_id: TaskId, *, attempt: int, is_crash: bool) -> None:
        """See the port."""
        values = {"id": task_id, "attempt": attempt, "is_crash": is_crash}
        if await self._database.row(SQL["give_back"], values) is None:
            raise LeaseLost(f"attempt {attempt} of {task_id} is over")
        await self._nudge(task_id)

    async def release_worker(self, worker: str) -> list[TaskId]:
        """See the port."""
        rows = await self._database.rows(SQL["release_worker"], {"worker": worker})
        for row in rows:
            await self._nudge(row["id"])
        return [row["id"] for row in rows]

    async def changes(self) -> AsyncIterator[TaskId | None]:
        """See the port. Notifications need a session of their own: the pool is not used."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._database.url, autocommit=True, connect_timeout=5, **KEEPALIVE
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    yield None
                    async for notification in connection.notifies():
                        yield TaskId(notification.payload)
            except psycopg.OperationalError as error:
                log.warning("watch.reconnecting", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_S)

    async def forget_tasks(self, *, ended_before: datetime, limit: int) -> int:
        """See the port."""
        rows = await self._database.rows(
            """
            DELETE FROM tasks WHERE id IN (
                SELECT id FROM tasks WHERE ended_at < %(ended_before)s
                   AND NOT EXISTS (SELECT FROM assets WHERE assets.task_id = tasks.id)
                 LIMIT %(limit)s)
            RETURNING id
            """,
            {"ended_before": ended_before, "limit": limit},
        )
        return len(rows)

    async def erase_task(self, task_id: TaskId, *, at: datetime) -> list[str]:
        """See the port."""
        rows = await self._database.rows(SQL["erase"], {"id": task_id, "at": at})
        return [row["key"] for row in rows if row["key"] is not None]

    async def _admit(self, key_id: ApiKeyId) -> None:
        """Let the key's next task take the place of one that has ended. If the database goes away
        meanwhile, the sweep does it.
        """
        try:
            async with self._database.connection() as connection:
                await admit(connection, key_id, concurrent_max=self._concurrent_max)
        except DatabaseAway:
            log.warning("key.next_not_admitted", key_id=key_id)

    async def _nudge(self, task_id: TaskId) -> None:
        async with self._database.connection() as connection:
            await nudge_on(connection, task_id)


async def _submit_named(
    connection: Connection, values: Row, idempotency: IdempotencyKey
) -> Submission | None:
    """Submit under an idempotency key; None if the submit was refused (then the key is not
    kept).
    """
    async with connection.transaction() as transaction:
        if await (await connection.execute(SQL["submit"], values)).fetchone():
            return Submission(task_id=values["id"])
        raise psycopg.Rollback(transaction)
    kept = await (
        await connection.execute(
            "SELECT body_hash, task_id FROM idempotency_keys"
            " WHERE account_id = %(account_id)s AND key = %(idempotency_key)s"
            " AND created_at >= now() - interval '24 hours'",
            values,
        )
    ).fetchone()
    if kept is None:
        return None
    if bytes(kept["body_hash"]) != idempotency.body_hash:
        raise IdempotencyKeyReused(
            f"Idempotency-Key {idempotency.key!r} was used for another body; use a new key"
        )
    return Submission(task_id=kept["task_id"], is_replayed=kept["task_id"] != values["id"])


async def _refuse(
    connection: Connection, task: Task, unfinished_max: int, *, is_named: bool
) -> Submission:
    """The submit statement took nothing: say why."""
    row = await (
        await connection.execute("SELECT * FROM accounts WHERE id = %s", (task.account_id,))
    ).fetchone()
    if row is None:
        raise Unauthorized("this key's account is gone")
    await check_room(connection, task.api_key_id, unfinished_max=unfinished_max)
    balance = balance_from(row)
    if not balance.may_hold(task.price_micro_usd):
        raise InsufficientCredits(
            f"this video costs ${task.price_micro_usd / MICRO_USD:.4f},"
            f" available are ${balance.available / MICRO_USD:.4f}"
        )
    await _check_budget(connection, task)
    if not is_named:  # room or credits came free between the two statements
        raise QueueFull("the account had no room a moment ago; try again", retry_after_s=1)
    raise IdempotencyInProgress(
        "a request with this Idempotency-Key is being worked on", retry_after_s=1
    )


async def _check_budget(connection: Connection, task: Task) -> None:
    key = await (
        await connection.execute("SELECT * FROM api_keys WHERE id = %s", (task.api_key_id,))
    ).fetchone()
    of_key = {"key_id": task.api_key_id, "account_id": None}
    spent = await (await connection.execute(KEYS["spending"], of_key)).fetchone()
    if key is None or spent is None:
        raise Unauthorized("this key is gone")
    found = tightest(key_from(key).budget, spent_from(spent))
    if found is not None and found[1] < task.price_micro_usd:
        period = {"day": "today (UTC)", "month": "this month (UTC)", "total": "in all"}[found[0]]
        raise BudgetSpent(
            f"this video costs ${task.price_micro_usd / MICRO_USD:.4f}, left of this key's budget"
            f" {period} are ${found[1] / MICRO_USD:.4f}"
        )


def _is_same_ending(kept: Task, ended: Task) -> bool:
    return kept.status == ended.status and kept.result_key == ended.result_key


def _literal(word: str) -> str:
    """The word as a LIKE pattern that means nothing but itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
