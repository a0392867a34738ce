"""How long a whole clip takes: painting, drawing, sound, encoding, in one process as the studio
does it.

    python -m bench.clip [--prompt "…"] [--repeat 2]

Prints wall and CPU seconds for a 5-second clip at several sizes, the share of real time, and what
drawing alone takes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from filmgate.bootstrap import load_engine
from filmgate.media.film import write_film
from filmgate.ports.engine import Brief, Unobserved

SECONDS = 5
SIZES = (("480p 16:9", 832, 480), ("720p 16:9", 1280, 720), ("1080p 16:9", 1920, 1080))


def cpu_s() -> float:
    """User and system time of this process."""
    return sum(os.times()[:2])


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prompt", default="Sunset coastal highway, cinematic shot")
    options.add_argument("--engine", default="draft")
    options.add_argument("--repeat", type=int, default=2)
    chosen = options.parse_args()
    engine = load_engine(chosen.engine)
    table = Table(title=f"{SECONDS} s clip, engine {engine.name}, {os.cpu_count()} cores")
    for heading in ("size", "wall s", "× real time", "CPU s", "of it drawing", "MB"):
        table.add_column(heading, justify="right" if heading != "size" else "left")
    with tempfile.TemporaryDirectory() as folder:
        for label, width, height in SIZES:
            brief = Brief(
                prompt=chosen.prompt,
                negative_prompt="",
                width_px=width,
                height_px=height,
                fps=24,
                duration_s=SECONDS,
                seed=12345,
            )
            runs = [_clip(engine, brief, Path(folder) / "film.mp4") for _ in range(chosen.repeat)]
            wall, cpu, size = min(runs)
            table.add_row(
                label,
                f"{wall:.2f}",
                f"{SECONDS / wall:.2f}",
                f"{cpu:.2f}",
                f"{_drawing(engine, brief):.2f}",
                f"{size / 1e6:.1f}",
            )
    Console().print(table)


def _clip(engine, brief: Brief, target: Path) -> tuple[float, float, int]:
    wall, cpu = time.perf_counter(), cpu_s()
    write_film(
        target,
        engine.make(brief, Unobserved()),
        width_px=brief.width_px,
        height_px=brief.height_px,
        fps=brief.fps,
        duration_s=brief.duration_s,
        sound=None,
        has_watermark=False,
        metadata={},
        on_frame=lambda _: None,
    )
    return time.perf_counter() - wall, cpu_s() - cpu, target.stat().st_size


def _drawing(engine, brief: Brief) -> float:
    cpu = cpu_s()
    for _ in engine.make(brief, Unobserved()).frames():
        pass
    return cpu_s() - cpu


if __name__ == "__main__":
    main()
