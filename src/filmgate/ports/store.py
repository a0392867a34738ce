"""What the verbs need of the database. Every method is one transaction; none of them holds a file,
a network or a wait.

All methods raise DatabaseAway when the database does not answer. Methods that name an attempt
change nothing and raise LeaseLost if that attempt is no longer the task's current one, or if its
lease has run out in database time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from filmgate.domain.account import Account
from filmgate.domain.asset import Asset
from filmgate.domain.ids import AccountId, ApiKeyId, TaskId
from filmgate.domain.ledger import Balance, Entry
from filmgate.domain.purchase import Purchase, PurchaseState
from filmgate.domain.task import Status, Task
from filmgate.domain.usage import UsageFilter, UsageLine
from filmgate.ports.keys import Keys, Turns
from filmgate.ports.overview import Overview
from filmgate.ports.preview import Previews
from filmgate.ports.queue import Queue
from filmgate.ports.sessions import Sessions
from filmgate.ports.webhook import Webhooks

SEARCHED_TASKS_MAX = 20_000
"""How many tasks one search looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """The caller's name for one submit, and a digest of its body."""

    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What became of a submit: the new task's id, or with an idempotency key the id of the
    earlier one.
    """

    task_id: TaskId
    is_replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a task has achieved; None leaves a column as it is."""

    image: str | None = None
    audio: str | None = None
    actual_prompt: str | None = None
    rewrite_note: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    engine: str | None = None
    engine_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks to list: newest first unless it says otherwise, those with an id below `before`
    and above `after`.
    """

    account_id: AccountId
    before: TaskId | None = None
    after: TaskId | None = None
    is_oldest_first: bool = False
    status: Status | None = None
    model: str | None = None
    words: tuple[str, ...] = ()
    """Only tasks whose prompt has all of these in it, in any case, among the first
    SEARCHED_TASKS_MAX: `searched_until` says where to go on."""
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWindow:
    """Which tasks to count and to number in pages, newest first: those with an id between two."""

    account_id: AccountId
    after: TaskId
    before: TaskId
    status: Status | None = None
    model: str | None = None
    has_picture: bool | None = None
    """Only films that start from a picture, or only those that do not."""
    api_key_id: str | None = None
    limit: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What may be ordered from one upstream, over all workers. None: no budget."""

    concurrent_max: int
    micro_usd_per_day: int | None = None
    micro_usd_per_month: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFault:
    """An account whose stored balance is not the sum of its entries, or does not add up."""

    account_id: AccountId
    stored: Balance
    summed: Balance


class Tasks(Protocol):
    """Tasks, their holds and their nudges."""

    async def submit(
        self, task: Task, *, idempotency: IdempotencyKey | None, unfinished_max: int
    ) -> Submission:
        """Hold the price, insert the task and enqueue it, all or nothing.

        Raises InsufficientCredits, QueueFull, IdempotencyKeyReused, and OutcomeUnknown if the
        answer to COMMIT was lost and the task could not be looked up afterwards.
        """
        ...

    async def task(self, task_id: TaskId) -> Task | None:
        """Return a task."""
        ...

    async def tasks(self, wanted: TaskFilter) -> list[Task]:
        """Return a page of an account's tasks."""
        ...

    async def searched_until(self, wanted: TaskFilter) -> TaskId | None:
        """Return the last task that a search looks at; None if it comes to the account's first."""
        ...

    async def task_window(self, wanted: TaskWindow) -> tuple[list[Task], int]:
        """Return a numbered page of an account's tasks, and how many there are on all pages."""
        ...

    async def claim(self, task_id: TaskId, *, worker: str, lease_s: float) -> Task | None:
        """Take a waiting task, or one whose lease ran out, as a new attempt; None if
        there is nothing to take.
        """
        ...

    async def renew(self, attempts: Mapping[TaskId, int], *, lease_s: float) -> set[TaskId]:
        """Prolong the leases of these attempts; return the tasks whose attempt is still current
        and had not run out. What a worker no longer runs it must not renew.
        """
        ...

    async def record_progress(
        self, task_id: TaskId, *, attempt: int, stage: str, progress: int
    ) -> None:
        """Write how far an attempt is. Progress never falls."""
        ...

    async def record_steps(self, task_id: TaskId, *, attempt: int, steps: Steps) -> Task:
        """Write what an attempt achieved and return the task."""
        ...

    async def settle(self, ended: Task, *, attempt: int | None) -> None:
        """Write an ending and capture or release the hold, all or nothing.

        `attempt` None means that no attempt holds it: a cancellation, or a failure by the sweep.
        Raises LeaseLost if the task has ended already, or for a failure by the sweep, if an attempt
        holds it again.
        """
        ...

    async def give_back(self, task_id: TaskId, *, attempt: int, is_crash: bool) -> None:
        """End an attempt without ending the task, and nudge."""
        ...

    async def release_worker(self, worker: str) -> list[TaskId]:
        """Let go of all tasks of a worker that is known to be dead, as crashes."""
        ...

    def changes(self) -> AsyncIterator[TaskId | None]:
        """Yield the id of each task that changes, by notification; None after a
        reconnect (anything may have changed).
        """
        ...

    async def forget_tasks(self, *, ended_before: datetime, limit: int) -> int:
        """Erase old ended tasks; the ledger stays."""
        ...

    async def erase_task(self, task_id: TaskId, *, at: datetime) -> list[str]:
        """Erase an ended task with its prompts, and let its files' time end at `at`, all or
        nothing; return their keys. The ledger stays. An unfinished task is left alone.
        """
        ...


class Ledger(Protocol):
    """Accounts' balances, what moved them, and their audit."""

    async def accounts(self, *, sought: str | None = None) -> list[Account]:
        """Return all accounts by name, or the one of that id or name."""
        ...

    async def limit_account(self, account_id: AccountId, *, is_limited: bool) -> None:
        """Say whether an account may spend no more than it was granted."""
        ...

    async def grant(self, account_id: AccountId, *, amount_micro_usd: int, note: str) -> bool:
        """Add to what is available, or take back a negative amount, as one entry.

        False if an account with a limit has less available than is to be taken back.
        """
        ...

    async def entries(
        self, account_id: AccountId, *, limit: int, before: int | None = None
    ) -> list[Entry]:
        """Return an account's latest ledger entries, or those before one, newest first."""
        ...

    async def captured_by_key(self, api_key_id: ApiKeyId) -> int:
        """Return what the finished videos of a key have cost, in micro-USD."""
        ...

    async def usage(self, wanted: UsageFilter) -> list[UsageLine]:
        """Sum up finished videos, by day and model; also of tasks that are erased by now."""
        ...

    async def balance(self, account_id: AccountId) -> Balance:
        """Return an account's balance."""
        ...

    async def audit(self) -> list[LedgerFault]:
        """Return every account whose balance is not what its entries say."""
        ...


class Assets(Protocol):
    """Records of stored files. A record is written before its file is promised to anybody."""

    async def add_asset(self, asset: Asset) -> None:
        """Keep a record."""
        ...

    async def asset(self, key: str) -> Asset | None:
        """Return a record."""
        ...

    async def expired_assets(self, *, at: datetime, limit: int) -> list[Asset]:
        """Return records whose time was over at that moment, and that no unfinished task names.

        An input has no time of its own: it goes with its task's film, or with its task's end.
        """
        ...

    async def recorded_keys(self, keys: Sequence[str]) -> set[str]:
        """Return those of the keys that have a record."""
        ...

    async def assets_after(self, key: str, *, limit: int) -> list[Asset]:
        """Return the records of greater keys, in the order of their keys."""
        ...

    async def forget_asset(self, key: str) -> None:
        """Erase a record, after its file."""
        ...


class Purchases(Protocol):
    """Films ordered from upstreams."""

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
        """Write that a film is about to be ordered; nothing may be ordered without it.

        Raises UpstreamBusy if the upstream makes as many as it may, or its budget does not hold the
        cost; LeaseLost if the attempt is over. Asked again by the same attempt it changes nothing.
        """
        ...

    async def record_bought(self, purchase: Purchase, *, upstream_id: str) -> Purchase:
        """Write the upstream's id, also if the attempt or the task has ended by now."""
        ...

    async def end_purchase(
        self,
        purchase: Purchase,
        *,
        state: PurchaseState,
        cost_micro_usd: int | None = None,
        detail: str | None = None,
    ) -> None:
        """Write how a purchase ended; a cost of None stays as it was."""
        ...

    async def purchases(self, task_id: TaskId) -> list[Purchase]:
        """Return a task's purchases, in their order."""
        ...

    async def abandoned_purchases(
        self, upstreams: list[str], *, rest_s: float, call_s: float, limit: int
    ) -> list[Purchase]:
        """Return purchases under way whose task ended at least `rest_s` ago, oldest first.

        An intention counts only after `call_s`: until then its call may still be running.
        """
        ...

    async def tell_upstream_news(self, task_id: TaskId) -> None:
        """Let all workers know that an upstream told something of a task."""
        ...

    def upstream_news(self) -> AsyncIterator[TaskId]:
        """Yield the id of each task that an upstream tells of, by notification; some may be lost.

        Never ends by itself.
        """
        ...

    async def latest_purchases(self, upstream: str | None, *, limit: int) -> list[Purchase]:
        """Return the latest purchases at one upstream, or at all."""
        ...


class Store(
    Tasks,
    Queue,
    Keys,
    Turns,
    Overview,
    Ledger,
    Assets,
    Purchases,
    Sessions,
    Previews,
    Webhooks,
    Protocol,
):
    """The whole database."""

    async def ensure_secret(self, name: str, drawn: bytes) -> bytes:
        """Return the secret of that name; `drawn` becomes it if there was none."""
        ...

    async def is_ready(self) -> bool:
        """Whether the database answers and has this release's schema."""
        ...
