"""A sample of the points at which the task's process may die; bench/soak.py tries them all."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

SAMPLE = 6


async def test_a_process_killed_at_any_point_loses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    here = Path(__file__).parent
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(here / "mortal_processes.py"), "--database", database_url,
        "--folder", str(tmp_path), "--sample", str(SAMPLE),
        env={**os.environ, "PYTHONPATH": f"{here.parent}:{here.parents[1] / 'src'}"},
        stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-4000:]
    assert "every promise kept" in said.decode()
