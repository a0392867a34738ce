"""Usage over accounts and the system on the wire: structs, CSV, conversions. It sums nothing up."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType

from filmgate.domain.ledger import MICRO_USD
from filmgate.domain.overview import FailureSeen, Totals, WorkerSeen
from filmgate.domain.webhook import Delivery
from filmgate.service.read_overview import Summary, SystemView
from filmgate.service.upstream import Upstream

SUMS = ("videos", "seconds", "spend_usd", "failures", "cancelled")


class SummarySum(Struct, frozen=True, kw_only=True):
    """Finished videos, their length and price; tasks that failed or were cancelled, at no cost."""

    videos: int
    seconds: int
    spend_usd: float
    failures: int
    cancelled: int


class SummaryRow(SummarySum, frozen=True, kw_only=True):
    """A sum; what tells it from others is there if it was asked for by `group_by`."""

    date: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    key_id: str | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET
    account_id: str | UnsetType = UNSET
    account: str | UnsetType = UNSET


class SummaryObject(Struct, frozen=True, kw_only=True):
    """Usage from `start` to `end`, days of `timezone`, both included. Days without are left out."""

    start: str
    end: str
    timezone: str
    group_by: list[str]
    total: SummarySum
    rows: list[SummaryRow]


class SummaryEnvelope(Struct, frozen=True):
    """Usage over accounts."""

    code: int
    data: SummaryObject


class TaskAtWorkObject(Struct, frozen=True, kw_only=True):
    """A task that a worker has."""

    id: str
    model: str
    stage: str
    progress: int
    attempt: int
    started_at: datetime


class WorkerObject(Struct, frozen=True, kw_only=True):
    """A worker process. Its name is known once it has a task."""

    name: str
    last_heartbeat_at: datetime
    tasks: list[TaskAtWorkObject]


class QueueObject(Struct, frozen=True, kw_only=True):
    """Unfinished tasks."""

    pending: int
    processing: int
    oldest_wait_s: int | None
    unfinished_max: int


class FailureObject(Struct, frozen=True, kw_only=True):
    """A task that failed in the last 7 days."""

    task_id: str
    account: str
    key: str
    model: str
    engine: str | None
    ended_at: datetime
    code: str
    message: str


class FailedDeliveryObject(Struct, frozen=True, kw_only=True):
    """A webhook delivery that was given up."""

    id: str
    task_id: str
    url: str
    attempts: int
    http_status: int | None
    error: str | None
    created_at: datetime


class WebhooksObject(Struct, frozen=True, kw_only=True):
    """Webhook deliveries of all accounts."""

    pending: int
    delivered_last_day: int
    failed_last_day: int
    latest_failed: list[FailedDeliveryObject]


class StorageObject(Struct, frozen=True, kw_only=True):
    """Stored files, and the room there is; null where there is no knowing."""

    files: int
    bytes: int
    free_bytes: int | None
    total_bytes: int | None


class RouteObject(Struct, frozen=True, kw_only=True):
    """A route: its engines in the order in which they are tried; several in one place share."""

    name: str
    engines: list[list[str]]


class UpstreamObject(Struct, frozen=True, kw_only=True):
    """An account at somebody else's server, by the name that routes call it. None: no limit."""

    name: str
    provider: str
    host: str
    films_max: int
    usd_per_day: float | None
    usd_per_month: float | None


class SystemObject(Struct, frozen=True, kw_only=True):
    """How the server stands. `engines` are those that some route leads to, upstreams among them."""

    version: str
    now: datetime
    engines: list[str]
    routes: list[RouteObject]
    upstreams: list[UpstreamObject]
    queue: QueueObject
    workers: list[WorkerObject]
    failures: list[FailureObject]
    webhooks: WebhooksObject
    storage: StorageObject


class SystemEnvelope(Struct, frozen=True):
    """How the server stands."""

    code: int
    data: SystemObject


OVERVIEW_ANSWERS = (SummaryEnvelope, SystemEnvelope)
"""The structs whose schemas these paths name."""


def summary_object(summary: Summary) -> SummaryObject:
    """Return usage's wire form."""
    lines = summary.lines
    return SummaryObject(
        start=summary.start.isoformat(),
        end=summary.end.isoformat(),
        timezone=summary.timezone,
        group_by=list(summary.groups),
        total=SummarySum(
            videos=sum(line.videos for line in lines),
            seconds=sum(line.seconds for line in lines),
            spend_usd=sum(line.amount_micro_usd for line in lines) / MICRO_USD,
            failures=sum(line.failures for line in lines),
            cancelled=sum(line.cancelled for line in lines),
        ),
        rows=[_row(summary, line) for line in lines],
    )


def summary_csv(summary: Summary) -> bytes:
    """Return usage as CSV (RFC 4180) with a line of headings; no line of totals."""
    named = {"key": ["key_id", "key"], "account": ["account_id", "account"]}
    headings = [name for group in summary.groups for name in named.get(group, [group])]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([*headings, *SUMS])
    for line in summary.lines:
        row = _row(summary, line)
        lines.writerow([getattr(row, name) for name in (*headings, *SUMS)])
    return text.getvalue().encode()


def _row(summary: Summary, line: Totals) -> SummaryRow:
    day, groups = summary.day_of(line), summary.groups
    return SummaryRow(
        date=UNSET if day is None else day.isoformat(),
        model=UNSET if line.model is None else line.model,
        key_id=line.api_key_id if "key" in groups else UNSET,
        key=line.key_name if "key" in groups else UNSET,
        account_id=UNSET if line.account_id is None else line.account_id,
        account=UNSET if line.account_name is None else line.account_name,
        videos=line.videos,
        seconds=line.seconds,
        spend_usd=line.amount_micro_usd / MICRO_USD,
        failures=line.failures,
        cancelled=line.cancelled,
    )


def system_object(view: SystemView, *, version: str) -> SystemObject:
    """Return the system's wire form."""
    standing, oldest = view.standing, view.standing.oldest_pending_at
    return SystemObject(
        version=version,
        now=standing.at,
        engines=list(view.routes.engines),
        routes=[
            RouteObject(name=route.name, engines=[list(choice) for choice in route.choices])
            for route in (*view.routes.routes, view.routes.otherwise)
        ],
        upstreams=[_upstream(upstream) for upstream in view.routes.upstreams.values()],
        queue=QueueObject(
            pending=standing.pending,
            processing=standing.processing,
            oldest_wait_s=None if oldest is None else int((standing.at - oldest).total_seconds()),
            unfinished_max=view.unfinished_max,
        ),
        workers=[_worker(worker) for worker in standing.workers],
        failures=[_failure(seen) for seen in standing.failures],
        webhooks=WebhooksObject(
            pending=standing.webhooks_pending,
            delivered_last_day=standing.webhooks_delivered_last_day,
            failed_last_day=standing.webhooks_failed_last_day,
            latest_failed=[_failed_delivery(delivery) for delivery in view.failed_deliveries],
        ),
        storage=StorageObject(
            files=standing.files,
            bytes=standing.files_bytes,
            free_bytes=view.space.free_bytes if view.space else None,
            total_bytes=view.space.total_bytes if view.space else None,
        ),
    )


def _upstream(upstream: Upstream) -> UpstreamObject:
    allowance, there = upstream.allowance, urlsplit(upstream.provider.url)
    return UpstreamObject(
        name=upstream.name,
        provider=upstream.provider.kind,
        host=there.netloc.rpartition("@")[2],
        films_max=allowance.concurrent_max,
        usd_per_day=_usd(allowance.micro_usd_per_day),
        usd_per_month=_usd(allowance.micro_usd_per_month),
    )


def _usd(amount_micro_usd: int | None) -> float | None:
    return None if amount_micro_usd is None else amount_micro_usd / MICRO_USD


def _worker(worker: WorkerSeen) -> WorkerObject:
    return WorkerObject(
        name=worker.name,
        last_heartbeat_at=worker.last_heartbeat_at,
        tasks=[
            TaskAtWorkObject(
                id=task.id,
                model=task.model,
                stage=task.stage,
                progress=task.progress,
                attempt=task.attempt,
                started_at=task.started_at,
            )
            for task in worker.tasks
        ],
    )


def _failure(seen: FailureSeen) -> FailureObject:
    return FailureObject(
        task_id=seen.task_id,
        account=seen.account_name,
        key=seen.key_name,
        model=seen.model,
        engine=seen.engine,
        ended_at=seen.ended_at,
        code=seen.failure.code,
        message=seen.failure.message,
    )


def _failed_delivery(delivery: Delivery) -> FailedDeliveryObject:
    return FailedDeliveryObject(
        id=delivery.id,
        task_id=delivery.task_id,
        url=delivery.url,
        attempts=delivery.attempts,
        http_status=delivery.last_status,
        error=delivery.last_error,
        created_at=delivery.created_at,
    )
