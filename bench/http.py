"""How many requests a gateway answers, and what each costs in CPU time: submit, status, models.

    python -m bench.http [--seconds 3] [--connections 16]

One gateway process on an embedded PostgreSQL with fsync on; no worker, so nothing but the request
is measured. The load comes from this process over keep-alive connections. CPU time is user + system
of the gateway and of all PostgreSQL processes, divided by the requests answered: it hardly depends
on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from filmgate.bootstrap import operator
from filmgate.config import Settings
from filmgate.service.manage_accounts import first_account
from filmgate.service.manage_keys import create_key
from filmgate.store.embedded import EmbeddedPostgres
from filmgate.store.migrate import migrate
from filmgate.supervisor.supervisor import is_ready, listen

TICKS = os.sysconf("SC_CLK_TCK")
BODY = json.dumps(
    {"model": "wan2.5-preview", "prompt": "Sunset coastal highway, cinematic shot", "seed": 12345}
).encode()


def cpu_s(pids: list[int]) -> float:
    """User and system time of processes, in seconds."""
    total = 0
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except FileNotFoundError:
            continue
        total += int(words[11]) + int(words[12]) + int(words[13]) + int(words[14])
    return total / TICKS


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += descendants(int(child))
    return found


class Load:
    """Keep-alive connections that send one request again and again."""

    def __init__(self, port: int, request: bytes, connections: int) -> None:
        self._port, self._request, self._connections = port, request, connections
        self.times_s: list[float] = []
        self.refused = 0
        self.last = b""

    async def run(self, seconds: float) -> None:
        """Send for that long."""
        until = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(self._connections):
                group.create_task(self._one(until))

    async def _one(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            self.last = await reader.readexactly(length)
            self.times_s.append(time.perf_counter() - began)
            self.refused += b" 200 " not in head.split(b"\r\n")[0]
        writer.close()


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """A whole HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[int, str, int, int]]:
    """A gateway on an embedded database: port, token, gateway's pid, database's pid."""
    settings = Settings(data=str(folder))
    (folder / "postgres.password").write_text("bench")
    postgres = EmbeddedPostgres(folder, password="bench")
    asyncio.run(postgres.start())
    try:
        asyncio.run(migrate(postgres.url))
        token = asyncio.run(_token(settings, postgres.url))
        listener = listen("127.0.0.1", 0, slow_reader_s=settings.slow_reader_s)
        process = subprocess.Popen(
            [sys.executable, "-m", "filmgate", "gateway"],
            env={
                **os.environ,
                "FILMGATE_DATA": str(folder),
                "FILMGATE_DATABASE_URL": postgres.url,
                "FILMGATE_LISTEN_FD": str(listener.fileno()),
                "FILMGATE_LOG_LEVEL": "warning",
                "FILMGATE_KEY_QUEUE_LENGTH_MAX": "1000000",
                "FILMGATE_QUEUE_LENGTH_MAX": "1000000",
            },
            pass_fds=(listener.fileno(),),
        )
        while not asyncio.run(is_ready(listener)):
            time.sleep(0.05)
        postmaster = int((folder / "postgres/data/postmaster.pid").read_text().split()[0])
        try:
            yield listener.getsockname()[1], token, process.pid, postmaster
        finally:
            process.terminate()
            process.wait()
            listener.close()
    finally:
        asyncio.run(postgres.stop())


async def _token(settings: Settings, url: str) -> str:
    async with operator(Settings(data=settings.data, database_url=url)) as deps:
        owner = await first_account(deps=deps)
        return (await create_key({"name": "bench"}, account=owner, deps=deps))[1]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--connections", type=int, default=16)
    chosen = options.parse_args()
    table = Table(title=f"one gateway process, {chosen.connections} connections, fsync on")
    for heading in (
        "request",
        "answers/s",
        "p50 ms",
        "p99 ms",
        "CPU µs gateway",
        "CPU µs database",
    ):
        table.add_column(heading, justify="right" if heading != "request" else "left")
    with tempfile.TemporaryDirectory(prefix="filmgate-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with gateway(folder) as (port, token, gateway_pid, postmaster):
            submit = request("POST", "/v1/videos/generations", token, BODY)
            first = Load(port, submit, chosen.connections)
            asyncio.run(first.run(1))
            task_id = json.loads(first.last)["data"][0]["task_id"]
            for label, sent in (
                ("submit (durable)", submit),
                ("status", request("GET", f"/v1/tasks/{task_id}", token)),
                ("models", request("GET", "/v1/models", token)),
            ):
                table.add_row(label, *_measure(port, sent, chosen, gateway_pid, postmaster))
            memory = Path(f"/proc/{gateway_pid}/status").read_text()
    Console().print(table)
    resident = next(line for line in memory.splitlines() if line.startswith("VmRSS"))
    print(f"gateway's resident memory: {int(resident.split()[1]) // 1024} MB")


def _measure(
    port: int, sent: bytes, chosen: argparse.Namespace, gateway_pid: int, postmaster: int
) -> list[str]:
    load = Load(port, sent, chosen.connections)
    before = cpu_s([gateway_pid]), cpu_s(descendants(postmaster))
    asyncio.run(load.run(chosen.seconds))
    after = cpu_s([gateway_pid]), cpu_s(descendants(postmaster))
    if load.refused:
        raise SystemExit(f"{load.refused} requests were refused: {load.last[:300]!r}")
    times = sorted(load.times_s)
    count = len(times)
    return [
        f"{count / chosen.seconds:,.0f}",
        f"{times[count // 2] * 1000:.1f}",
        f"{times[int(count * 0.99)] * 1000:.1f}",
        f"{(after[0] - before[0]) / count * 1e6:.0f}",
        f"{(after[1] - before[1]) / count * 1e6:.0f}",
    ]


if __name__ == "__main__":
    main()
