"""Random histories of tasks on real PostgreSQL: whatever is done in whatever order, also by
attempts that are long over, the ledger adds up and nothing ends twice.

FILMGATE_TEST_HISTORIES names how many histories are drawn (a soak asks for thousands).
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rig import look

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import CallerError, IdempotencyKeyReused, LeaseLost
from filmgate.domain.ids import TaskId
from filmgate.domain.task import Failure, Task
from filmgate.ports.store import IdempotencyKey, Steps
from filmgate.store.store import PostgresStore
from kept_tasks import PRICE, done, new_key, new_task, now

T = TypeVar("T")
HISTORIES = int(os.environ.get("FILMGATE_TEST_HISTORIES", "15"))
PHASES = [Phase.generate, Phase.shrink] if HISTORIES > 100 else [Phase.generate]
STEPS = 25
UNFINISHED_MAX = 6
AT_ONCE_MAX = 3
GRANT = 20 * PRICE
TABLES = "ledger_entries, idempotency_keys, assets, tasks, api_keys, procrastinate_jobs, accounts"


class Ground:
    """An event loop, a store and an emptied database for one history after the other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self.store = PostgresStore(url, connections_max=4, key_concurrent_tasks_max=AT_ONCE_MAX)
        self.do(self.store.open())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def clear(self) -> None:
        self.do(look(self.url, f"TRUNCATE {TABLES} CASCADE"))

    def close(self) -> None:
        self.do(self.store.close())
        self._runner.close()


class Histories(RuleBasedStateMachine):
    """One account with limited credits, another without, and everything that happens to tasks."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        self.ground.clear()
        self.do, self.store = self.ground.do, self.ground.store
        self.keys: list[ApiKey] = [
            self.do(new_key(self.store, name)) for name in ("limited", "free")
        ]
        self.do(
            look(
                self.ground.url,
                GRANT_SQL,
                GRANT, GRANT, self.keys[0].account_id, GRANT,
            )
        )  # fmt: skip
        self.accepted: list[TaskId] = []
        self.attempts: list[Task] = []
        """Every attempt that ever held a lease; most are over."""
        self.endings: dict[TaskId, int] = defaultdict(int)

    # ---- what callers do

    @rule(
        who=st.integers(0, 1),
        name=st.sampled_from([None, None, "a", "b"]),
        body=st.sampled_from("xy"),
    )
    def submit(self, who: int, name: str | None, body: str) -> None:
        idempotency = IdempotencyKey(key=name, body_hash=body.encode() * 32) if name else None
        task = new_task(self.keys[who])
        try:
            submission = self.do(
                self.store.submit(task, idempotency=idempotency, unfinished_max=UNFINISHED_MAX)
            )
        except IdempotencyKeyReused:
            return
        except CallerError:
            assert self.do(self.store.task(task.id)) is None
            return
        assert submission.is_replayed == (submission.task_id != task.id)
        if not submission.is_replayed:
            self.accepted.append(task.id)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        task = self.do(self.store.task(data.draw(st.sampled_from(self.accepted))))
        assert task is not None
        if not task.is_final:
            self.settle(task.cancelled(at=now()), None)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def cancel_and_complete_at_once(self, data: st.DataObject) -> None:
        stale = data.draw(st.sampled_from(self.attempts))

        async def race() -> list[BaseException | None]:
            return await asyncio.gather(
                self.store.settle(done(stale), attempt=stale.attempt),
                self.store.settle(stale.cancelled(at=now()), attempt=None),
                return_exceptions=True,
            )

        outcomes = self.do(race())
        assert all(outcome is None or isinstance(outcome, LeaseLost) for outcome in outcomes)
        self.endings[stale.id] += sum(outcome is None for outcome in outcomes)

    # ---- what workers do, in time or too late

    @precondition(lambda self: self.accepted)
    @rule(
        data=st.data(), worker=st.sampled_from(["w1", "w2"]), lease_s=st.sampled_from([0.0, 60.0])
    )
    def claim(self, data: st.DataObject, worker: str, lease_s: float) -> None:
        task_id = data.draw(st.sampled_from(self.accepted))
        claimed = self.do(self.store.claim(task_id, worker=worker, lease_s=lease_s))
        if claimed is not None:
            assert all(old.attempt < claimed.attempt for old in self.attempts if old.id == task_id)
            self.attempts.append(claimed)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), what=st.sampled_from(["complete", "fail", "progress", "steps", "renew"]))
    def write(self, data: st.DataObject, what: str) -> None:
        attempt = data.draw(st.sampled_from(self.attempts))
        number = attempt.attempt
        failure = Failure(code="engine_failed", message="no")
        match what:
            case "complete":
                self.settle(done(attempt), number)
            case "fail":
                self.settle(attempt.failed(attempt=number, failure=failure, at=now()), number)
            case "renew":
                self.do(self.store.renew({attempt.id: number}, lease_s=60))
            case "progress":
                self.may_be_late(
                    self.store.record_progress(
                        attempt.id, attempt=number, stage="make", progress=50
                    )
                )
            case _:
                steps = Steps(actual_prompt=f"by {number}")
                self.may_be_late(self.store.record_steps(attempt.id, attempt=number, steps=steps))

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), is_crash=st.booleans())
    def give_back(self, data: st.DataObject, is_crash: bool) -> None:
        attempt = data.draw(st.sampled_from(self.attempts))
        self.may_be_late(
            self.store.give_back(attempt.id, attempt=attempt.attempt, is_crash=is_crash)
        )

    @rule(worker=st.sampled_from(["w1", "w2"]))
    def crash(self, worker: str) -> None:
        self.do(self.store.release_worker(worker))

    @rule()
    def sweep(self) -> None:
        self.do(self.store.sweep())
        for task in self.do(self.store.overdue(queue_timeout_s=3600, crashes_max=3)):
            failure = Failure(code="worker_lost", message="too often")
            self.settle(task.failed(attempt=task.attempt, failure=failure, at=now()), None)

    @rule()
    def lose_all_nudges(self) -> None:
        self.do(look(self.ground.url, "DELETE FROM procrastinate_jobs"))

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def write_after_another_took_over(self, data: st.DataObject) -> None:
        task_id = data.draw(st.sampled_from(self.accepted))
        stale = self.do(self.store.claim(task_id, worker="w1", lease_s=0))
        if stale is None:
            return
        current = self.do(self.store.claim(task_id, worker="w2", lease_s=60))
        assert current is not None
        self.attempts += [stale, current]
        number = stale.attempt
        late = Steps(actual_prompt="late")
        for write in (
            self.store.settle(done(stale), attempt=number),
            self.store.record_progress(task_id, attempt=number, stage="make", progress=50),
            self.store.record_steps(task_id, attempt=number, steps=late),
            self.store.give_back(task_id, attempt=number, is_crash=True),
        ):
            with pytest.raises(LeaseLost):
                self.do(write)

    def settle(self, ended: Task, attempt: int | None) -> None:
        try:
            self.do(self.store.settle(ended, attempt=attempt))
        except LeaseLost:
            return
        self.endings[ended.id] += 1

    def may_be_late(self, write: Coroutine[Any, Any, object]) -> None:
        try:
            self.do(write)
        except LeaseLost:
            return

    # ---- what holds at every moment

    @invariant()
    def the_ledger_adds_up_and_nothing_ended_twice(self) -> None:
        if not hasattr(self, "accepted"):
            return
        assert self.do(self.store.audit()) == []
        assert max(self.endings.values(), default=0) <= 1
        kept = self.do(look(self.ground.url, HISTORY))
        assert {task_id for task_id, *_ in kept} == set(self.accepted)
        for task_id, status, movements in kept:
            ended = {"completed": ["hold", "capture"], "failed": ["hold", "release"]}
            ended["cancelled"] = ended["failed"]
            assert movements == ended.get(status, ["hold"]), (task_id, status, movements)
            assert (status in ended) == (self.endings[task_id] == 1), (task_id, status)
        assert self.do(look(self.ground.url, MISCOUNTED)) == []
        assert self.do(look(self.ground.url, MISPLACED, AT_ONCE_MAX)) == []
        limited = self.do(self.store.balance(self.keys[0].account_id))
        assert limited.available >= 0

    def teardown(self) -> None:
        """Nothing was left hanging: a sweep and one claim reach whatever has not ended."""
        if not hasattr(self, "accepted"):
            return
        self.do(
            look(self.ground.url, "UPDATE tasks SET lease_until = now() WHERE lease_until > now()")
        )
        self.sweep()
        waiting = {i for (i,) in self.do(look(self.ground.url, WAITING))}
        nudged = {i for (i,) in self.do(look(self.ground.url, NUDGED))}
        assert waiting <= nudged


GRANT_SQL = """
WITH granted AS (
    UPDATE accounts SET is_limited = true, granted = %s, available = %s WHERE id = %s RETURNING id)
INSERT INTO ledger_entries (account_id, movement, amount) SELECT id, 'grant', %s FROM granted
"""
HISTORY = """
SELECT t.id, t.status, array_agg(e.movement ORDER BY e.id)
  FROM tasks t LEFT JOIN ledger_entries e ON e.task_id = t.id GROUP BY t.id
"""
MISCOUNTED = """
SELECT id FROM accounts a WHERE unfinished <> (
    SELECT count(*) FROM tasks t WHERE t.account_id = a.id AND t.ended_at IS NULL)
UNION ALL
SELECT api_key_id FROM key_queues q WHERE unfinished <> (
    SELECT count(*) FROM tasks t WHERE t.api_key_id = q.api_key_id AND t.ended_at IS NULL)
"""
MISPLACED = """
SELECT api_key_id FROM tasks WHERE ended_at IS NULL
 GROUP BY api_key_id HAVING count(*) FILTER (WHERE is_admitted) <> least(count(*), %s)
"""
"""Keys of which more tasks may be under way than their limit says, or fewer."""
WAITING = "SELECT id FROM tasks WHERE ended_at IS NULL AND is_admitted"
NUDGED = "SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'todo'"


@pytest.fixture
def ground(cluster_url: str, template: str) -> Iterator[Ground]:
    name = f"histories_{os.getpid()}"
    with psycopg.connect(cluster_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    ground = Ground(cluster_url.replace("/filmgate?", f"/{name}?"))
    yield ground
    ground.close()
    with psycopg.connect(cluster_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.timeout(3600 if HISTORIES > 100 else 120)
def test_in_any_history_the_ledger_adds_up_and_no_task_ends_twice(ground: Ground) -> None:
    class OnThisGround(Histories):
        pass

    OnThisGround.ground = ground
    run_state_machine_as_test(
        OnThisGround,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=PHASES,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
