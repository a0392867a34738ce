"""What those who manage see of the whole: usage over accounts, and how the server stands. Records
only; nothing here is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from filmgate.domain.ids import AccountId, ApiKeyId, TaskId
from filmgate.domain.task import Failure

USAGE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsFilter:
    """Which usage to sum up, and how finely. None: of all."""

    account_id: AccountId | None
    api_key_id: ApiKeyId | None
    boundaries: tuple[datetime, ...]
    """The midnights before, between and after the days that are asked for."""
    by_day: bool
    by_model: bool
    by_key: bool
    by_account: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A sum over ended tasks. What tells it from others is None where it was not asked for."""

    day_index: int | None = None
    model: str | None = None
    api_key_id: ApiKeyId | None = None
    key_name: str | None = None
    account_id: AccountId | None = None
    account_name: str | None = None
    videos: int
    seconds: int
    amount_micro_usd: int
    failures: int
    cancelled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAtWork:
    """A task that a worker has."""

    id: TaskId
    model: str
    stage: str
    progress: int
    attempt: int
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A worker process that takes films."""

    name: str
    last_heartbeat_at: datetime
    tasks: tuple[TaskAtWork, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureSeen:
    """A task that failed lately."""

    task_id: TaskId
    account_name: str
    key_name: str
    model: str
    engine: str | None
    ended_at: datetime
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the server stands, as its database knows it, at one moment."""

    at: datetime
    pending: int
    processing: int
    oldest_pending_at: datetime | None
    workers: tuple[WorkerSeen, ...]
    failures: tuple[FailureSeen, ...]
    webhooks_pending: int
    webhooks_delivered_last_day: int
    webhooks_failed_last_day: int
    files: int
    files_bytes: int
