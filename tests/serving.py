"""Real servers for tests: `filmgate serve` as its own processes in a folder of the test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

READY_S = 60
END_S = 120


class ServerUnderTest:
    """One running server, its client, and the means to hurt it."""

    def __init__(self, data: Path, environment: dict[str, str]) -> None:
        self.data = data
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data.with_name(data.name + ".log")

    def start(self) -> None:
        """Start and wait until it is ready."""
        (self.data / "server.json").unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "filmgate",
                    "serve",
                    "--data",
                    str(self.data),
                    "--port",
                    "0",
                ],
                env={**environment, "PYTHONPATH": "src", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: (self.data / "server.json").is_file(), READY_S, self.tail)
        self.facts = json.loads((self.data / "server.json").read_text())
        token = (self.data / "client.key").read_text().strip()
        self.http = httpx.Client(
            base_url=self.facts["url"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=90)
        self.http.close()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.is_file() else ""

    def pid_of(self, name: str) -> int:
        """The current pid of the gateway or the worker, from /proc."""
        assert self.process is not None
        found = [
            pid
            for pid in children_of(self.process.pid)
            if name in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        ]
        return found[0]

    def submit(self, body: dict[str, Any], **headers: str) -> str:
        """Submit and return the task id."""
        answer = self.http.post(
            "/v1/videos/generations", json={"model": "wan2.5-preview", **body}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"][0]["task_id"]

    def task(self, task_id: str) -> dict[str, Any]:
        """Read a task."""
        answer = self.http.get(f"/v1/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ended(self, task_id: str, limit_s: float = END_S) -> dict[str, Any]:
        """Wait for a task's end."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            try:
                answer = self.http.get(f"/v1/tasks/{task_id}", params={"wait": 20})
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                task = answer.json()["data"]
                if task["status"] in {"completed", "failed", "cancelled"}:
                    return task
        raise AssertionError(f"{task_id} has not ended: {self.task(task_id)}\n{self.tail()}")

    def film(self, task: dict[str, Any], target: Path) -> Path:
        """Download a completed task's film."""
        assert task["status"] == "completed", task
        url = task["result"]["videos"][0]["url"][0]
        answer = self.http.get(url, headers={"Authorization": ""})
        assert answer.status_code == 200
        target.write_bytes(answer.content)
        return target


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[ServerUnderTest]:
    """A server for the length of a block; settings are FILMGATE_* values by lower-case name."""
    environment = {f"FILMGATE_{name.upper()}": value for name, value in settings.items()}
    server = ServerUnderTest(data, environment)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def children_of(pid: int) -> list[int]:
    """Direct children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def wait_until(
    condition: Callable[[], object], limit_s: float, explain: Callable[[], str] = str
) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {explain()}")
        time.sleep(0.05)
