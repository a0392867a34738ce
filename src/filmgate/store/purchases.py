"""Purchases in PostgreSQL. It calls no upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import structlog

from filmgate.domain.errors import LeaseLost
from filmgate.domain.ids import TaskId
from filmgate.domain.purchase import Purchase, PurchaseState
from filmgate.domain.upstream_fault import UpstreamBusy
from filmgate.ports.store import Allowance
from filmgate.store.database import KEEPALIVE, Database
from filmgate.store.queries import load_queries
from filmgate.store.rows import Row, purchase_from

log = structlog.get_logger()

SQL = load_queries("purchases")

CHANNEL = "filmgate_upstream"
RECONNECT_S = 1.0

PURCHASES_LOCK = 0x627579  # 'buy': with the upstream's name, one intention at a time


class PostgresPurchases:
    """The Purchases port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend_purchase(
        self,
        task_id: TaskId,
        *,
        attempt: int,
        number: int,
        upstream: str,
        cost_micro_usd: int,
        allowance: Allowance,
    ) -> Purchase:
        """See the port."""
        values: Row = {
            "task_id": task_id,
            "attempt": attempt,
            "number": number,
            "upstream": upstream,
            "cost": cost_micro_usd,
        }
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (PURCHASES_LOCK, upstream)
            )
            standing = await (await connection.execute(SQL["standing"], values)).fetchone()
            assert standing is not None  # noqa: S101 - aggregates always give a row
            _check_allowance(upstream, standing, cost_micro_usd, allowance)
            row = await (await connection.execute(SQL["intend"], values)).fetchone()
        if row is None:
            raise LeaseLost(f"attempt {attempt} of {task_id} is over: it may order nothing")
        return purchase_from(row)

    async def record_bought(self, purchase: Purchase, *, upstream_id: str) -> Purchase:
        """See the port."""
        values: Row = {
            "task_id": purchase.task_id,
            "number": purchase.number,
            "upstream_id": upstream_id,
        }
        row = await self._database.row(SQL["bought"], values)
        if row is None:  # recorded already: the answer to an earlier write was lost
            rows = await self._database.rows(SQL["of_task"], values)
            row = next(row for row in rows if row["number"] == purchase.number)
        return purchase_from(row)

    async def end_purchase(
        self,
        purchase: Purchase,
        *,
        state: PurchaseState,
        cost_micro_usd: int | None = None,
        detail: str | None = None,
    ) -> None:
        """See the port."""
        await self._database.row(
            SQL["end"],
            {
                "task_id": purchase.task_id,
                "number": purchase.number,
                "state": state,
                "cost": cost_micro_usd,
                "detail": detail,
            },
        )

    async def purchases(self, task_id: TaskId) -> list[Purchase]:
        """See the port."""
        return await self._database.nouns(purchase_from, SQL["of_task"], {"task_id": task_id})

    async def abandoned_purchases(
        self, upstreams: list[str], *, rest_s: float, call_s: float, limit: int
    ) -> list[Purchase]:
        """See the port."""
        values = {"upstreams": upstreams, "rest_s": rest_s, "call_s": call_s, "limit": limit}
        return await self._database.nouns(purchase_from, SQL["abandoned"], values)

    async def tell_upstream_news(self, task_id: TaskId) -> None:
        """See the port."""
        await self._database.row("SELECT pg_notify(%(to)s, %(id)s)", {"to": CHANNEL, "id": task_id})

    async def upstream_news(self) -> AsyncIterator[TaskId]:
        """See the port. Notifications need a session of their own: the pool is not used."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._database.url, autocommit=True, connect_timeout=5, **KEEPALIVE
                )
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for notification in connection.notifies():
                        yield TaskId(notification.payload)
            except psycopg.OperationalError as error:
                log.warning("upstream_news.reconnecting", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_S)

    async def latest_purchases(self, upstream: str | None, *, limit: int) -> list[Purchase]:
        """See the port."""
        values = {"upstream": upstream, "limit": limit}
        return await self._database.nouns(purchase_from, SQL["latest"], values)


def _check_allowance(upstream: str, standing: Row, cost: int, allowance: Allowance) -> None:
    most = allowance.concurrent_max
    if standing["under_way"] >= most:
        raise UpstreamBusy(f"{upstream} makes {most} films at a time, and does")
    budgets = (
        ("today", allowance.micro_usd_per_day),
        ("this_month", allowance.micro_usd_per_month),
    )
    for span, budget in budgets:
        if budget is not None and standing[span] + cost > budget:
            spent_usd, budget_usd = standing[span] / 1e6, budget / 1e6
            raise UpstreamBusy(
                f"the budget of {upstream} is {budget_usd:g} USD {span.replace('_', ' ')},"
                f" {spent_usd:g} are spent and this film costs {cost / 1e6:g}"
            )
