"""How much of a GPU's time the server itself takes, measured without a GPU.

    python -m bench.resident [--films 6] [--step-s 0.4] [--resolution 720p]

A whole server makes films with the fake model, which waits 20 sampling steps as for a GPU. What a
film takes beyond that waiting is the server's: queue, inputs, encoding, signing, storing. A film
alone waits for all of it; in a row most is done while the next film is sampled, and only the gap
between two films' sampling costs the GPU anything.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from filmgate.testing.model import STEPS

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from serving import ServerUnderTest, serving

LIMIT_S = 600.0


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--films", type=int, default=6)
    options.add_argument("--step-s", type=float, default=0.4)
    options.add_argument("--resolution", default="720p")
    chosen = options.parse_args()
    sampling_s = STEPS * chosen.step_s
    body = {
        "prompt": f"Sunset coastal highway [step {chosen.step_s}]",
        "resolution": chosen.resolution,
        "seed": 1,
    }
    with (
        tempfile.TemporaryDirectory(prefix="filmgate-bench-") as folder,
        serving(Path(folder) / "data", engine="fakemodel") as server,
    ):
        _made(server, [server.submit(body)])  # the children start
        alone_s = _made(server, [server.submit(body)])[0]
        began_s = time.perf_counter()
        ends_s = _made(server, [server.submit(body) for _ in range(chosen.films)])
        row_s = time.perf_counter() - began_s
    title = f"{chosen.resolution}, 5 s, {sampling_s:g} s of sampling, {os.cpu_count()} cores"
    table = Table("", "s a film", "of it the server's", "share", title=title)
    for label, film_s in (
        ("alone", alone_s),
        (f"{chosen.films} in a row", row_s / chosen.films),
        ("from one to the next", (ends_s[-1] - ends_s[0]) / (chosen.films - 1)),
    ):
        own_s = film_s - sampling_s
        table.add_row(label, f"{film_s:.2f}", f"{own_s:.2f}", f"{own_s / sampling_s:.1%}")
    Console().print(table)


def _made(server: ServerUnderTest, task_ids: list[str]) -> list[float]:
    """Wait for films; return the seconds after which each was there."""
    began_s, ends_s = time.perf_counter(), list[float]()
    for task_id in track(task_ids, "films", transient=True):
        assert server.ended(task_id, LIMIT_S)["status"] == "completed"
        ends_s.append(time.perf_counter() - began_s)
    return ends_s


if __name__ == "__main__":
    main()
