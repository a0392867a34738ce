"""Many tasks at once on a fake DashScope: how soon is each result noticed, within its rate limit?

    python -m bench.upstream [--tasks 500] [--seconds 60] [--rate 20]

A real server, one worker; the fake takes `--seconds` for a film. Prints how long after a film was
ready the first look at it came, in units of the polling interval max(5 s, tasks in flight / rate),
and the most requests of any second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from filmgate.testing.fake_dashscope import FakeDashScope

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from serving import serving

POLL_S = 5.0
LIMIT_S = 600.0

ROUTES = """
[upstreams.fake]
provider = "dashscope"
url = "{url}"
key = "env:FAKE_DASHSCOPE_KEY"
concurrent_max = 1000
requests_per_s = {rate}
poll_s = {poll_s}
"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tasks", type=int, default=500)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--rate", type=float, default=20.0)
    chosen = options.parse_args()
    os.environ["FAKE_DASHSCOPE_KEY"] = FakeDashScope.key
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeDashScope(seconds=chosen.seconds) as upstream,
    ):
        data = Path(folder) / "data"
        data.mkdir()
        routes = ROUTES.format(url=upstream.url, rate=chosen.rate, poll_s=POLL_S)
        (data / "routes.toml").write_text(routes)
        with serving(data, drain_s="0") as server:
            for _ in range(chosen.tasks):
                server.submit({"prompt": "a road", "resolution": "480p", "prompt_extend": False})
            _wait(upstream, chosen.tasks)
    _show(upstream, chosen.tasks, chosen.rate)


def _wait(upstream: FakeDashScope, tasks: int) -> None:
    """Until every film was looked at once it was ready."""
    deadline = time.monotonic() + LIMIT_S
    with Progress() as progress:
        noticed = progress.add_task("results noticed", total=tasks)
        while (done := len(upstream.noticed)) < tasks and time.monotonic() < deadline:
            progress.update(noticed, completed=done)
            time.sleep(0.5)
        progress.update(noticed, completed=len(upstream.noticed))


def _show(upstream: FakeDashScope, tasks: int, rate: float) -> None:
    console = Console()
    interval_s = max(POLL_S, tasks / rate)
    late = sorted(upstream.noticed.values())
    asked = sorted(at for at, operation in upstream.requests if operation != "film")
    busiest = max(bisect_left(asked, at + 1.0) - index for index, at in enumerate(asked))
    console.print(f"{len(late)} of {tasks} results noticed, {len(upstream.orders)} films ordered")
    for word, value in (
        ("median", statistics.median(late)),
        ("95 %", late[int(len(late) * 0.95)]),
        ("latest", late[-1]),
    ):
        console.print(f"  {word:7} {value:5.1f} s = {value / interval_s:.2f} polling intervals")
    console.print(f"most requests in any second: {busiest} of {rate:g} allowed")


if __name__ == "__main__":
    main()
