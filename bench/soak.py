"""Minutes of mixed load while processes die at random, and what became of every accepted task.

    python -m bench.soak [--seconds 300] [--seed 1] [--histories 0]

A whole server with the test card engine and one-second leases; each second or two the gateway, the
worker, the studio, PostgreSQL or the supervisor is killed. Before that it measures, with the
default lease of 15 s, how long a film stands still after each was killed; and it kills a task's
process at each of its points of contact with the system. `--histories 2000` also
draws that many ledger histories.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "fault")]

from chaos import Chaos, Report  # noqa: E402 - it lives with the tests that use it
from wounds import (  # noqa: E402
    QUICK,
    assert_ledger_is_exact,
    kill,
    making,
    postmaster_pid,
    row,
    studio_pid,
)

from filmgate.store.embedded import EmbeddedPostgres  # noqa: E402
from filmgate.store.migrate import migrate  # noqa: E402
from serving import ServerUnderTest, serving, wait_until  # noqa: E402

HASTY = {
    "engine": "testcard",
    "lease_s": "1",
    "sweep_s": "0.3",
    "drain_s": "1",
    "crashes_max": "4",
}
STILL_S_MAX = 60


def submitted(server: ServerUnderTest) -> str:
    """Submit a film of many seconds as a caller should: again after a 503."""
    body = {"model": "wan2.5-preview", **QUICK, "prompt": "[slow]"}
    while (answer := server.http.post("/v1/videos/generations", json=body)).status_code == 503:
        time.sleep(float(answer.headers["retry-after"]))
    return answer.json()["data"][0]["task_id"]


def still_s(server: ServerUnderTest, hurt: Callable[[], None]) -> float:
    """How long a film stands still: from the wound to the first progress written after it."""
    task_id = submitted(server)
    wait_until(making(server, task_id), 30)
    before = row(server, task_id)
    began = time.monotonic()
    hurt()
    while time.monotonic() - began < STILL_S_MAX:
        try:
            now = row(server, task_id)
        except psycopg.OperationalError:
            continue
        is_new = now["attempt"] > before["attempt"] and now["stage"] != "queue"
        if is_new or now["progress"] > before["progress"] + 1:
            break
        time.sleep(0.02)
    stood_s = time.monotonic() - began
    server.http.post(f"/v1/tasks/{task_id}/cancel")
    return stood_s


def measure(folder: Path, console: Console) -> None:
    """Print how long a film stands still after each death, with the default lease and sweep."""

    def supervisor(server: ServerUnderTest) -> None:
        assert server.process is not None
        kill(server.process.pid)
        server.process.wait()
        server.http.close()
        server.start()

    ways: dict[str, Callable[[ServerUnderTest], None]] = {
        "studio": lambda server: kill(studio_pid(server)),
        "worker": lambda server: kill(server.pid_of("worker")),
        "gateway": lambda server: kill(server.pid_of("gateway")),
        "PostgreSQL": lambda server: kill(postmaster_pid(server)),
        "supervisor, started again at once": supervisor,
    }
    table = Table("kill -9 of", "the film stands still for", title="default lease 15 s, sweep 5 s")
    with serving(folder / "calm", engine="testcard", drain_s="2") as server:
        for name, way in ways.items():
            table.add_row(name, f"{still_s(server, lambda way=way: way(server)):.1f} s")
    console.print(table)


def soak(folder: Path, seconds: float, seed: int) -> tuple[Report, str]:
    """Hurt a server for that long; return the count and what the ledger says."""
    with serving(folder / "hurt", **HASTY) as server:
        report = Chaos(server, seed=seed, seconds=seconds, clients=2).run()
        try:
            assert_ledger_is_exact(server)
        except AssertionError as error:
            return report, str(error)[:200]
    return report, "0"


def die_everywhere(folder: Path, console: Console) -> bool:
    """Kill a task's process at each of its points; whether every promise was kept."""
    postgres = EmbeddedPostgres(folder / "points", password="soak")
    asyncio.run(postgres.start())
    try:
        asyncio.run(migrate(postgres.url))
        harness = ROOT / "tests" / "fault" / "mortal_processes.py"
        given = ["--database", postgres.url, "--folder", str(folder / "points" / "data")]
        done = subprocess.run(
            [sys.executable, str(harness), *given],
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    finally:
        asyncio.run(postgres.stop())
    said = done.stdout.strip()[-2000:]
    last = said.rpartition("\n")[2] if done.returncode == 0 else said
    console.print("a task's process killed at every point:", last)
    return done.returncode == 0


def show(report: Report, ledger: str, console: Console) -> None:
    """Print the count."""
    table = Table("", "", title="what became of the tasks")
    for name in ("accepted", "completed", "failed", "cancelled"):
        table.add_row(name, str(getattr(report, name)))
    table.add_row("lost or hanging", str(len(report.lost)))
    table.add_row("double", str(len(report.double)))
    table.add_row("ledger difference", ledger)
    table.add_row("undocumented answers", str(len(report.undocumented)))
    table.add_row("503 with Retry-After", str(report.refused))
    table.add_row("connections that broke", str(report.unreached))
    for name, count in sorted(report.kills.items()):
        back_s = report.back_s.get(name)
        said = f"{count}, ready again after {max(back_s):.1f} s at most" if back_s else str(count)
        table.add_row(f"deaths: {name}", said)
    console.print(table)
    for line in report.undocumented[:10]:
        console.print(line)


def main() -> int:
    """Read the options, run, and fail if a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--histories", type=int, default=0)
    given = options.parse_args()
    console = Console(width=100)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        Path(folder).chmod(0o755)
        measure(Path(folder), console)
        has_kept_points = die_everywhere(Path(folder), console)
        report, ledger = soak(Path(folder), given.seconds, given.seed)
    show(report, ledger, console)
    is_broken = report.lost or report.double or report.undocumented or ledger != "0"
    is_kept = has_kept_points and not is_broken
    if given.histories:
        drawn = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/fault/test_ledger_histories.py"],
            cwd=ROOT,
            env={**os.environ, "FILMGATE_TEST_HISTORIES": str(given.histories)},
            check=False,
        )
        is_kept = is_kept and drawn.returncode == 0
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
