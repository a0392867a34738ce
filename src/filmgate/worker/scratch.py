"""The folder for what a worker makes on its way; what workers that died left behind goes with the
next one's start. It holds nothing that anybody needs afterwards.

    <root>/<random>/lock      held by its worker for life: a lock that can be taken has no worker
    <root>/<random>/task_…/   inputs and films of one attempt
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = "lock"
MAKING_S = 60.0
"""A folder without a lock is taken for one that is just being made for so long."""


@contextmanager
def own_scratch(root: Path) -> Generator[Path]:
    """Lend a folder of this process's own, and make it the place of all temporary files."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_dead(root)
    folder = Path(tempfile.mkdtemp(dir=root))
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = before[0]
            os.environ.pop("TMPDIR")
            if before[1] is not None:
                os.environ["TMPDIR"] = before[1]
            shutil.rmtree(folder, ignore_errors=True)


def _remove_dead(root: Path) -> None:
    for folder in root.iterdir():
        with suppress(OSError):  # another worker that starts may be removing it as well
            if _is_dead(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    if not (folder / LOCK).exists():
        return time.time() - folder.stat().st_mtime > MAKING_S
    with (folder / LOCK).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
