"""A full disk, end to end: a clear failure at no cost, nothing half-written, and everything goes on
once there is room.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import media_files as files
from filmgate.service.check_storage import MARK_KEY
from serving import ServerUnderTest, serving, wait_until

FILM = {"resolution": "480p", "prompt": "a card", "prompt_extend": False}
FILE_BYTES_MAX = 20_000
"""Less than a film or the picture, more than anything else that is written."""
DISK_BYTES = 160 * 2**20
"""Room for a database and a few films."""
LOGGED = 60
"""Requests whose lines in the log, on that disk too, need more than what its last page has left."""
SETTINGS = {"engine": "testcard", "sweep_s": "0.3", "crashes_max": "2"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    with serving(tmp_path_factory.mktemp("full") / "data", **SETTINGS) as running:
        yield running


@contextmanager
def files_refused(pid: int) -> Iterator[None]:
    """Writes of this process fail as on a full disk, once a file has FILE_BYTES_MAX."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def stored(data: Path) -> set[Path]:
    """Every file that the storage holds, with those on their way, once the server left its mark."""
    wait_until((data / "files" / MARK_KEY).is_file, 20)
    return {path for path in (data / "files").rglob("*") if path.is_file()}


def picture() -> bytes:
    return files.picture_bytes(files.quartered(832, 480), "PNG") + bytes(FILE_BYTES_MAX)


def upload(server: ServerUnderTest, content: bytes) -> tuple[int, dict]:
    answer = server.http.post("/v1/uploads/images", files={"file": ("a.png", content)})
    return answer.status_code, answer.json()


def test_a_film_that_cannot_be_stored_fails_at_no_cost_and_the_next_is_made(server):
    first = server.ended(server.submit(FILM))  # its studio stays, and is not limited
    assert first["status"] == "completed", first
    before = stored(server.data)
    with files_refused(server.pid_of("worker")):
        task = server.ended(server.submit(FILM))
    assert (task["status"], task["error"]["code"]) == ("failed", "storage_failed")
    assert "cost" not in task
    assert stored(server.data) == before
    assert server.ended(server.submit(FILM))["status"] == "completed"


def test_an_upload_that_cannot_be_stored_is_a_503_that_leaves_nothing(server):
    before, content = stored(server.data), picture()
    with files_refused(server.pid_of("gateway")):
        status, body = upload(server, content)
    assert (status, body["error"]["type"]) == (503, "service_unavailable")
    assert stored(server.data) == before
    assert upload(server, content)[0] == 200


# ---- a disk of its own, which holds the database too


@pytest.fixture
def small_disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="filmgate-small-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("only who may mount can have a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        piece = bytes(2**20)
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]
    return filler


@pytest.mark.timeout(180)
def test_a_disk_that_is_full_for_a_while_loses_nothing(small_disk):
    with serving(small_disk / "data", **SETTINGS) as server:
        assert server.ended(server.submit(FILM))["status"] == "completed"
        running = server.submit({**FILM, "prompt": "[steady]"})
        filler = fill(small_disk)
        answers = []
        for _ in range(3):
            answer = server.http.post(
                "/v1/videos/generations", json={"model": "wan2.5-preview", **FILM}
            )
            answers.append(answer)
            uploaded, _ = upload(server, picture())
            assert uploaded == 503
        assert {answer.status_code for answer in answers} <= {200, 503}
        for _ in range(LOGGED):
            assert server.http.get("/v1/models").status_code in {200, 503}
        filler.unlink()
        wait_until(lambda: server.http.get("/readyz").status_code == 200, 60, server.tail)

        accepted = [a.json()["data"][0]["task_id"] for a in answers if a.status_code == 200]
        for task_id in (running, *accepted):
            task = server.ended(task_id)
            assert task["status"] == "completed" or "cost" not in task
            assert task["status"] == "completed" or task["error"]["code"] == "storage_failed", task
        assert upload(server, picture())[0] == 200
        assert server.ended(server.submit(FILM))["status"] == "completed"
        assert not list((server.data / "files" / ".incoming").iterdir())
