"""A light load while processes die in random order, and the count of what became of every request.

    clients  submit, some with an idempotency key until they know the answer, some cancel
    killer   every second or two: kill -9 of the gateway, the worker, the studio, PostgreSQL or the
             supervisor (which is then started anew), or SIGTERM of the worker

Used by the tests for a few seconds and by bench/soak.py for minutes.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from wounds import QUICK, kill, patiently, postmaster_pid, rows, studio_pid

from serving import ServerUnderTest, wait_until

PROMPTS = ("[fail]", "[fail]", "[fail]", "a quick card", "a quick card", "[steady]", "[crash]")
DOCUMENTED = {200, 409, 429}
SETTLE_S = 120


@dataclass(kw_only=True)
class Report:
    """What became of it all."""

    accepted: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)
    refused: int = 0
    unreached: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    back_s: dict[str, list[float]] = field(default_factory=dict)
    """Per process: seconds from its death to the next 200 of /readyz."""

    @property
    def ended(self) -> int:
        """Accepted tasks that have an ending."""
        return self.completed + self.failed + self.cancelled


class Chaos:
    """One run against one server. The same seed draws the same deaths and requests."""

    def __init__(self, server: ServerUnderTest, *, seed: int, seconds: float, clients: int = 1):
        self._server = server
        self._seed = seed
        self._until = time.monotonic() + seconds
        self._clients = clients
        self._report = Report()
        self._accepted: set[str] = set()
        self._lock = threading.Lock()

    def run(self) -> Report:
        """Hurt the server until the time is over, let it rest, and count."""
        threads = [
            threading.Thread(target=self._submit_on, args=(random.Random(self._seed + n),))
            for n in range(self._clients)
        ]
        for thread in threads:
            thread.start()
        try:
            self._kill_on(random.Random(self._seed))
        finally:
            for thread in threads:
                thread.join()
        self._rest()
        self._count()
        return self._report

    # ---- the load

    def _submit_on(self, chance: random.Random) -> None:
        while time.monotonic() < self._until:
            body = {"model": "wan2.5-preview", **QUICK, "prompt": chance.choice(PROMPTS)}
            name = f"{chance.random()}" if chance.random() < 0.5 else None
            task_id = self._submit(body, name)
            if task_id is not None and chance.random() < 0.2:
                self._ask("POST", f"/v1/tasks/{task_id}/cancel")
            elif task_id is not None:
                self._ask("GET", f"/v1/tasks/{task_id}")
            time.sleep(chance.uniform(0.3, 1.2))

    def _submit(self, body: dict[str, Any], name: str | None) -> str | None:
        """Submit once; with an idempotency key, until the answer is known."""
        headers = {"Idempotency-Key": name} if name else {}
        while True:
            answer = self._ask("POST", "/v1/videos/generations", json=body, headers=headers)
            if answer is not None and answer.status_code == 200:
                task_id = answer.json()["data"][0]["task_id"]
                with self._lock:
                    self._accepted.add(task_id)
                return task_id
            if name is None or time.monotonic() > self._until + SETTLE_S:
                return None
            time.sleep(0.2)

    def _ask(self, method: str, path: str, **parts: Any) -> httpx.Response | None:
        """One request on a connection of its own; None if nobody answered."""
        server = self._server
        try:
            with httpx.Client(
                base_url=server.facts["url"],
                timeout=40,
                trust_env=False,
                headers=server.http.headers,
            ) as http:
                answer = http.request(method, path, **parts)
        except httpx.TransportError:
            with self._lock:
                self._report.unreached += 1
            return None
        self._judge(method, path, answer)
        return answer

    def _judge(self, method: str, path: str, answer: httpx.Response) -> None:
        is_503 = answer.status_code == 503 and "retry-after" in answer.headers
        with self._lock:
            if is_503:
                self._report.refused += 1
            elif answer.status_code not in DOCUMENTED:
                said = f"{method} {path}: {answer.status_code} {answer.text[:200]}"
                self._report.undocumented.append(said)

    # ---- the deaths

    def _kill_on(self, chance: random.Random) -> None:
        ways: dict[str, Callable[[], None]] = {
            "worker": lambda: kill(self._server.pid_of("worker")),
            "worker told to end": lambda: os.kill(self._server.pid_of("worker"), signal.SIGTERM),
            "studio": lambda: kill(studio_pid(self._server)),
            "gateway": lambda: kill(self._server.pid_of("gateway")),
            "database": lambda: kill(postmaster_pid(self._server)),
            "supervisor": self._kill_supervisor,
        }
        deck: list[str] = []
        while time.monotonic() < self._until:
            if not deck:
                deck = list(ways)
                chance.shuffle(deck)
            way = deck.pop()
            # What is to be killed may be dead already: then there is nothing to do.
            with suppress(IndexError, ProcessLookupError, FileNotFoundError):
                began = time.monotonic()
                ways[way]()
                self._report.kills[way] += 1
                if way in {"gateway", "database", "supervisor"}:
                    self._wait_ready()
                    self._report.back_s.setdefault(way, []).append(time.monotonic() - began)
            time.sleep(chance.uniform(0.3, 2.5))

    def _kill_supervisor(self) -> None:
        assert self._server.process is not None
        kill(self._server.process.pid)
        self._server.process.wait()
        self._server.http.close()
        self._server.start()

    def _wait_ready(self) -> None:
        def is_ready() -> bool:
            try:
                url = f"{self._server.facts['url']}/readyz"
                return httpx.get(url, timeout=10, trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(is_ready, 60, self._server.tail)

    # ---- the count

    def _rest(self) -> None:
        """Wait until all have ended; they hang if none does for SETTLE_S."""

        def unfinished() -> int:
            query = "SELECT count(*) AS n FROM tasks WHERE ended_at IS NULL"
            return patiently(lambda: rows(self._server, query)[0]["n"])

        left, deadline = unfinished(), time.monotonic() + SETTLE_S
        while left and time.monotonic() < deadline:
            time.sleep(0.2)
            if (now := unfinished()) < left:
                left, deadline = now, time.monotonic() + SETTLE_S

    def _count(self) -> None:
        found = patiently(
            lambda: rows(
                self._server,
                """
                SELECT t.id, t.status, count(e.id) FILTER (WHERE movement = 'hold') AS holds,
                       count(e.id) FILTER (WHERE movement IN ('capture', 'release')) AS ends
                  FROM tasks t LEFT JOIN ledger_entries e ON e.task_id = t.id GROUP BY t.id
                """,
            )
        )
        kept = {task["id"]: task for task in found}
        report = self._report
        report.accepted = len(self._accepted)
        for task_id in sorted(self._accepted):
            task = kept.get(task_id)
            if task is None or task["status"] in {"pending", "processing"}:
                report.lost.append(task_id)
            else:
                setattr(report, task["status"], getattr(report, task["status"]) + 1)
        report.double = [t["id"] for t in found if t["holds"] != 1 or t["ends"] > 1]
