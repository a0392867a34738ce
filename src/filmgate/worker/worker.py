"""The worker's loops: the queue hands it tasks, it keeps their leases, and stops what is no longer
its own.

queue ──task id──→ attempt (produce_video in a slot) ──→ ended or given back
every lease / 3    renew all leases in one statement; an attempt that is not renewed is stopped
at 80 % of a lease that could not be renewed, by our own clock: stop, the database may hang
at a change        a task of ours that was cancelled is stopped at once
at an upstream's   the attempt that waits for it looks at once
  callback
every sweep_s      sweep
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from procrastinate import App, PsycopgConnector

from filmgate.domain.errors import DatabaseAway, FilmgateError
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Failure, Status, Task
from filmgate.ports.studio import Studio
from filmgate.service.audit_ledger import audit_ledger
from filmgate.service.check_storage import remove_orphans
from filmgate.service.close_purchases import close_purchases
from filmgate.service.deps import Deps
from filmgate.service.end_loops import end_loops
from filmgate.service.produce_video import produce_video
from filmgate.service.settle_task import settle_task
from filmgate.service.sweep import expire_assets, sweep
from filmgate.store.database import KEEPALIVE
from filmgate.worker.seat import StudioSeat

log = structlog.get_logger()

QUEUE = "films"
POLL_S = 2.0
HEARTBEAT_S = 5.0
STALLED_S = 20.0
RESTART_S_MAX = 10.0
GIVING_BACK_S = 1.0
QUEUE_END_S = 2.0
RETENTION_EVERY_S = 60.0
AUDIT_EVERY_S = 600.0
ORPHANS_EVERY_S = 3600.0
STOP_BEFORE_LEASE_END = 0.8
"""Share of the lease after which an unrenewed attempt is stopped by our own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker needs to know."""

    name: str
    database_url: str
    sweep_s: float
    drain_s: float
    attempts_max: int = 1000
    """Tasks of one worker at a time, with those that wait for an upstream."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that this worker believes to be its own, and when its lease was last asked for, by
    this process's monotonic clock.
    """

    attempt: int
    leased_at_s: float


class Worker:
    """One worker process: as many films at a time as it has studios."""

    def __init__(
        self,
        *,
        deps: Deps,
        studios: Sequence[Studio],
        settings: WorkerSettings,
        get_ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """No task is taken before `get_ready` has returned; all else goes on meanwhile."""
        self._get_ready = get_ready
        self._deps = deps
        self._settings = settings
        self._slots = len(studios)
        self._studios: asyncio.Queue[Studio] = asyncio.Queue()
        for studio in studios:
            self._studios.put_nowait(studio)
        self._all_studios = tuple(studios)
        self._running: dict[TaskId, asyncio.Task[None]] = {}
        self._claims: dict[TaskId, Claim] = {}
        self._is_stopping = False
        self._attempts = asyncio.TaskGroup()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then take nothing more, let films finish for a
        while, and give back the rest.
        """
        loops = asyncio.TaskGroup()
        async with self._attempts, loops:
            taking = loops.create_task(self._take_tasks(stop))
            keeping = [
                loops.create_task(self._renew_leases()),
                loops.create_task(self._mind_own_clock()),
                loops.create_task(self._hear_changes()),
                loops.create_task(self._hear_upstreams()),
                loops.create_task(self._sweep()),
                loops.create_task(self._expire()),
                loops.create_task(self._audit()),
            ]
            await stop.wait()
            self._is_stopping = True
            taking.cancel()
            await self._drain()
            await asyncio.wait({taking}, timeout=QUEUE_END_S)
            await end_loops([taking, *keeping])
        for studio in self._all_studios:
            await studio.close()

    async def _drain(self) -> None:
        if self._running:
            log.info("worker.draining", tasks=len(self._running), limit_s=self._settings.drain_s)
            await asyncio.wait(self._running.values(), timeout=self._settings.drain_s)
        for attempt in list(self._running.values()):
            attempt.cancel()
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=5)
        await end_loops(list(self._running.values()))

    # ---- taking tasks

    async def _take_tasks(self, stop: asyncio.Event) -> None:
        """Run the queue's worker; it ends when its database connection breaks, and is
        started again.
        """
        if self._get_ready is not None:
            try:
                await self._get_ready()
            except FilmgateError as error:  # its films say it too, and may go elsewhere
                log.warning("worker.not_ready", reason=error.message)
        wait_s = 0.2
        while not stop.is_set():
            started = asyncio.get_running_loop().time()
            try:
                await self._take_until_cancelled()
            except Exception as error:  # noqa: BLE001 - the worker's loop: whatever broke, films must go on
                log.warning("queue.restarting", error=type(error).__name__, wait_s=wait_s)
            if asyncio.get_running_loop().time() - started > RESTART_S_MAX:
                wait_s = 0.2
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RESTART_S_MAX)

    async def _take_until_cancelled(self) -> None:
        """Take tasks; when cancelled, take no more and wait for those that run."""
        app = App(
            connector=PsycopgConnector(
                conninfo=self._settings.database_url, max_size=4, kwargs=dict(KEEPALIVE)
            )
        )
        app.task(name="produce_video", queue=QUEUE)(self._produce)
        try:
            await app.open_async()
            await app.run_worker_async(
                queues=[QUEUE],
                name=self._settings.name,
                concurrency=self._slots,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=POLL_S,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_S,
                shutdown_graceful_timeout=self._settings.drain_s + 5,
            )
        finally:  # also when cancelled while opening: the pool's own loops end in no other way
            await app.close_async()

    async def _produce(self, task_id: str) -> None:
        """The queue's entry: make the attempt ours, so that it outlives a broken queue
        connection.
        """
        key = TaskId(task_id)
        if key in self._running:  # a task that is just being given back nudges before it is gone
            await asyncio.wait({self._running[key]}, timeout=GIVING_BACK_S)
        if key in self._running or self._is_stopping:
            return
        seat = StudioSeat(self._studios)
        attempt = self._attempts.create_task(self._attempt(key, seat))
        self._running[key] = attempt
        attempt.add_done_callback(lambda _: self._forget(key))
        await asyncio.shield(self._until_slot_is_free(attempt, seat))

    async def _until_slot_is_free(self, attempt: asyncio.Task[None], seat: StudioSeat) -> None:
        """Wait until the attempt ends, or waits for an upstream and needs no studio meanwhile."""
        lent = self._attempts.create_task(seat.is_lent.wait())
        await asyncio.wait({attempt, lent}, return_when=asyncio.FIRST_COMPLETED)
        lent.cancel()
        if not attempt.done() and len(self._running) >= self._settings.attempts_max:
            await asyncio.wait({attempt})

    def _forget(self, task_id: TaskId) -> None:
        self._running.pop(task_id, None)
        self._claims.pop(task_id, None)

    async def _attempt(self, task_id: TaskId, seat: StudioSeat) -> None:
        await seat.take()
        asked_at_s = asyncio.get_running_loop().time()

        def note(task: Task) -> None:
            self._claims[task_id] = Claim(task.attempt, asked_at_s)

        try:
            await produce_video(
                task_id, worker=self._settings.name, seat=seat, deps=self._deps, on_claim=note
            )
        except Exception:  # the worker's loop: a bug in one task must not end the others
            log.exception("task.broke", task_id=task_id)
            await self._fail_broken(task_id)
        finally:
            seat.leave()

    async def _fail_broken(self, task_id: TaskId) -> None:
        claim = self._claims.get(task_id)
        if claim is None:
            return
        try:
            task = await self._deps.store.task(task_id)
            if task is None or task.is_final or task.attempt != claim.attempt:
                return
            message = "an internal error; the server's log has it under this task's id"
            failure = Failure(code="internal_error", message=message)
            ended = task.failed(attempt=task.attempt, failure=failure, at=self._deps.clock.now())
            await settle_task(ended, attempt=task.attempt, store=self._deps.store)
        except FilmgateError as error:
            log.warning("task.not_settled", task_id=task_id, reason=error.code)

    # ---- keeping and losing them

    async def _renew_leases(self) -> None:
        loop, lease_s = asyncio.get_running_loop(), self._deps.limits.lease_s
        while True:
            await asyncio.sleep(lease_s / 3)
            asked, asked_at_s = dict(self._claims), loop.time()
            if not asked:
                continue
            attempts = {task_id: claim.attempt for task_id, claim in asked.items()}
            try:
                held = await self._deps.store.renew(attempts, lease_s=lease_s)
            except DatabaseAway:
                continue
            for task_id, claim in asked.items():
                if self._claims.get(task_id) != claim:
                    continue
                if task_id in held:
                    self._claims[task_id] = replace(claim, leased_at_s=asked_at_s)
                else:
                    await self._stop_if_over(task_id, is_held=False)

    async def _mind_own_clock(self) -> None:
        """Stop what could not be renewed in time, without asking anybody: the database may hang."""
        loop, lease_s = asyncio.get_running_loop(), self._deps.limits.lease_s
        while True:
            await asyncio.sleep(lease_s * (1 - STOP_BEFORE_LEASE_END) / 2)
            for task_id, claim in list(self._claims.items()):
                silent_s = loop.time() - claim.leased_at_s
                if silent_s > lease_s * STOP_BEFORE_LEASE_END:
                    log.warning(
                        "task.lease_ended_by_own_clock", task_id=task_id, seconds=round(silent_s, 1)
                    )
                    self._stop(task_id)

    async def _hear_changes(self) -> None:
        async for task_id in self._deps.store.changes():
            if task_id is not None and task_id in self._claims:
                await self._stop_if_over(task_id, is_held=True)

    async def _hear_upstreams(self) -> None:
        if self._deps.routes.upstreams and self._deps.public_url:
            async for task_id in self._deps.store.upstream_news():
                self._deps.upstream_news.tell(task_id)

    async def _stop_if_over(self, task_id: TaskId, *, is_held: bool) -> None:
        """Stop an attempt whose task was cancelled or taken over, or whose lease is gone."""
        try:
            task = await self._deps.store.task(task_id)
        except DatabaseAway:
            return
        claim = self._claims.get(task_id)
        if claim is None:
            return
        if task is not None and task.attempt == claim.attempt:
            if task.is_final and task.status is not Status.CANCELLED:
                return  # the attempt wrote this ending itself and is about to return
            if not task.is_final and is_held and task.lease_until is not None:
                return
        log.info("task.stopping", task_id=task_id, attempt=claim.attempt)
        self._stop(task_id)

    def _stop(self, task_id: TaskId) -> None:
        """Cancel an attempt, once: giving back, which it does then, may take a while."""
        if self._claims.pop(task_id, None) is not None:
            self._running[task_id].cancel()

    # ---- upkeep

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._settings.sweep_s)
            try:
                await sweep(deps=self._deps)
                await close_purchases(deps=self._deps)
            except FilmgateError as error:
                log.warning("sweep.failed", reason=error.code)

    async def _audit(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_EVERY_S)
            try:
                await audit_ledger(deps=self._deps)
            except FilmgateError as error:
                log.warning("audit.failed", reason=error.code)

    async def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        orphans_due_s = loop.time()
        while True:
            try:
                await expire_assets(deps=self._deps)
                if loop.time() >= orphans_due_s:
                    orphans_due_s = loop.time() + ORPHANS_EVERY_S
                    await remove_orphans(deps=self._deps)
            except FilmgateError as error:
                log.warning("retention.failed", reason=error.code)
            await asyncio.sleep(RETENTION_EVERY_S)
