"""A task: one accepted request, and the only ways its state may change.

                 ┌────────── given back (worker lost, drained) ─────────┐
                 ▼                                                      │
    submit → pending ──── claimed (attempt + 1) ──→ processing ────────┘
                 │                                      │
                 └──→ cancelled ←───────────────────────┼──→ completed
                                                        └──→ failed

Nothing leaves completed, failed or cancelled. An ending names the attempt that reached it;
`service/settle_task.py` is the only writer of an ending.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from filmgate.domain.errors import LeaseLost
from filmgate.domain.generation import Generation
from filmgate.domain.ids import AccountId, ApiKeyId, TaskId

PROGRESS_BEFORE_END_MAX = 99


class Status(StrEnum):
    """The five states."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task failed, in words for its caller."""

    code: str
    message: str
    param: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One accepted request and everything that has come of it so far."""

    id: TaskId
    account_id: AccountId
    api_key_id: ApiKeyId
    generation: Generation
    price_micro_usd: int
    created_at: datetime
    rank: int = 0
    """Place in the queue: lower is started earlier."""
    status: Status = Status.PENDING
    attempt: int = 0
    crashes: int = 0
    lease_until: datetime | None = None
    worker: str | None = None
    stage: str = "queue"
    progress: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    actual_prompt: str | None = None
    rewrite_note: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    engine: str | None = None
    engine_reason: str | None = None
    """Why that engine, in a sentence."""
    result_key: str | None = None
    result_bytes: int | None = None
    expires_at: datetime | None = None
    failure: Failure | None = None

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self.status.is_final

    @property
    def actual_time_s(self) -> int | None:
        """Seconds from being accepted to the end."""
        if self.ended_at is None:
            return None
        return max(0, round((self.ended_at - self.created_at).total_seconds()))

    def completed(
        self, *, attempt: int, key: str, size_bytes: int, at: datetime, ttl_s: int
    ) -> Task:
        """The task with its film. Raises LeaseLost if the attempt is no longer current."""
        self._must_be_current(attempt)
        return replace(
            self,
            status=Status.COMPLETED,
            stage="done",
            progress=100,
            ended_at=at,
            lease_until=None,
            result_key=key,
            result_bytes=size_bytes,
            expires_at=at + timedelta(seconds=ttl_s),
        )

    def failed(self, *, attempt: int, failure: Failure, at: datetime) -> Task:
        """The task without a film. Raises LeaseLost if the attempt is no longer current."""
        self._must_be_current(attempt)
        return replace(
            self,
            status=Status.FAILED,
            stage="done",
            progress=100,
            ended_at=at,
            lease_until=None,
            failure=failure,
        )

    def cancelled(self, *, at: datetime) -> Task:
        """The task called off. Raises LeaseLost if it has already ended."""
        if self.is_final:
            raise LeaseLost(f"{self.id} has already ended as {self.status}")
        return replace(
            self,
            status=Status.CANCELLED,
            stage="done",
            progress=100,
            ended_at=at,
            lease_until=None,
        )

    def _must_be_current(self, attempt: int) -> None:
        if self.is_final or attempt != self.attempt:
            raise LeaseLost(
                f"attempt {attempt} of {self.id} is over:"
                f" the task is {self.status}, attempt {self.attempt}"
            )
