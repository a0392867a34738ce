"""bench.neural measures every lever, and calibrates MagCache; small enough for a CPU here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from filmgate.engines.neural.model import SHELF
from filmgate.engines.wan import WanEngine
from neural.watching import BRIEF, frames_from

ROOT = Path(__file__).resolve().parents[2]
RUN_ANYWHERE = ("plain", "fp8_storage", "int8", "fp8", "vae_tiling", "group_offload", "distilled")
RUN_ANYWHERE += ("batch_of_two",)
REFUSED_HERE = ("_native_cudnn", "sage_hub", "sequential_offload")

pytestmark = pytest.mark.timeout(300)


def bench(*arguments):
    """Run it and give what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.neural", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def tables(printed):
    """Give the cells of each row by name, of each table by title."""
    found = {}
    for line in printed.splitlines():
        if line.startswith("### "):
            rows = found[line[4:]] = {}
        elif line.startswith("| ") and not line.startswith("| row "):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            rows[name] = cells
    return found


def test_every_lever_is_a_row_of_every_architecture():
    printed = bench("--tiny", "--steps", "1", "--rows", ",".join(RUN_ANYWHERE + REFUSED_HERE))
    first = printed.splitlines()[0]
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d, \S.*, torch \S+, diffusers \S+; random weights, 1 steps timed a row\.",
        first,
    )
    found = tables(printed)
    assert [title.split()[0] for title in found] == [
        "wan2.2-ti2v-5b", "wan2.2-t2v-a14b", "ltx-2.3",
    ]  # fmt: skip
    for title, rows in found.items():
        assert list(rows) == [*RUN_ANYWHERE, *REFUSED_HERE]
        for name in RUN_ANYWHERE:
            figures = [float(cell) for cell in rows[name]]
            assert figures[0] > 0, (title, name)
        assert rows["plain"][4] == "1.00"
        for name in REFUSED_HERE:
            assert rows[name][:5] == ["–"] * 5
            assert len(rows[name][5]) > 20, "a lever that does not run here says why"
    steps = {title.split()[0]: rows["distilled"][1] for title, rows in found.items()}
    assert steps == {"wan2.2-ti2v-5b": "3", "wan2.2-t2v-a14b": "4", "ltx-2.3": "8"}


def test_no_row_is_begun_after_the_minutes_are_over():
    found = tables(bench("--tiny", "--minutes", "0", "--rows", "plain,distilled"))
    assert len(found) == 3
    for rows in found.values():
        assert [cells[5] for cells in rows.values()] == ["not measured: the minutes were over"] * 2


@pytest.mark.parametrize("kind", ["wan-ti2v", "wan-t2v-two"])
def test_calibrating_prints_a_line_for_the_profile(weights, profile, kind):
    path, model = profile(sampling="flow_shift = 5.0"), str(weights(kind))
    path.write_text(path.read_text().replace("steps = 2", "steps = 6"))
    told = bench("--calibrate", model, "--profile", str(path))
    (line,) = (line for line in told.splitlines() if line.startswith("mag_ratios"))
    path.write_text(path.read_text().replace("flow_shift", f"{line}\nflow_shift"))
    engine = WanEngine.configured(
        {"wan_model": model, "wan_profile": str(path), "neural_cache": "magcache"}
    )
    film = frames_from(engine, BRIEF)
    assert np.array_equal(film, frames_from(engine, BRIEF))
    ratios = SHELF.models()[-1].profile.sampling.mag_ratios
    assert len(ratios) == 6
    assert ratios[0] == 1.0
    assert all(0 < ratio < 100 for ratio in ratios)
