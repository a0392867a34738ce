"""A worker's scratch folder goes with it, whatever way it went."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from filmgate.worker.scratch import LOCK, own_scratch


def test_temporary_files_stand_in_the_workers_folder_and_go_with_it(tmp_path: Path) -> None:
    outside = tempfile.gettempdir()
    with own_scratch(tmp_path / "scratch") as folder:
        with tempfile.TemporaryDirectory() as made:
            assert Path(made).parent == folder
        assert os.environ["TMPDIR"] == str(folder)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert tempfile.gettempdir() == outside


def test_what_a_dead_worker_left_goes_with_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "dead"
    (left / "task_x").mkdir(parents=True)
    (left / "task_x" / "film.mp4").write_bytes(b"half a film")
    (left / LOCK).touch()
    with own_scratch(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_living_workers_folder_stays(tmp_path: Path) -> None:
    with own_scratch(tmp_path) as first:
        (first / "film.mp4").write_bytes(b"half a film")
        with own_scratch(tmp_path) as second:
            assert sorted(tmp_path.iterdir()) == sorted([first, second])
        assert (first / "film.mp4").is_file()
