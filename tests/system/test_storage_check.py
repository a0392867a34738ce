"""Links and files at their end, through the real processes and commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from input_corpus.forms import PNG
from serving import ServerUnderTest, serving, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("storage") / "data"
    with serving(data, engine="testcard", result_ttl_s="2", upload_ttl_s="2") as running:
        yield running


def command(server: ServerUnderTest, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "filmgate", *words, "--data", str(server.data)],
        env={**environment, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_expired_link_answers_410_and_is_taken_for_nothing(server):
    upload = server.http.post("/v1/uploads/images", files={"file": ("a.png", PNG)}).json()["url"]
    task = server.ended(server.submit({"prompt": "a boat", "resolution": "480p"}))
    film = task["result"]["videos"][0]["url"][0]
    for link in (film, upload):
        wait_until(lambda link=link: server.http.get(link).status_code != 200, 10)
        gone = server.http.get(link)
        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "file_expired")
    again = server.http.post(
        "/v1/videos/generations", json={"model": "wan2.5-preview", "image_urls": [upload]}
    )
    assert again.status_code == 400
    assert again.json()["error"]["param"] == "image_urls"
    assert "has not expired" in again.json()["error"]["message"]
    assert server.task(task["id"])["status"] == "completed"


def test_storage_check_lists_and_repairs(server):
    # By then the worker has looked for lone files itself, as it does at its start.
    server.ended(server.submit({"prompt": "a boat", "resolution": "480p"}))
    lone = server.data / "files" / "results" / "task_x" / "1" / "film.mp4"
    lone.parent.mkdir(parents=True)
    lone.write_bytes(b"left behind")
    two_hours_ago_s = time.time() - 7200
    os.utime(lone, (two_hours_ago_s, two_hours_ago_s))

    listed = command(server, "storage", "check", "--json")
    assert listed.returncode == 1, listed.stderr
    (found,) = json.loads(listed.stdout)["found"]
    assert (found["what"], found["key"]) == ("file without record", "results/task_x/1/film.mp4")
    assert (found["bytes"], lone.is_file()) == (11, True)

    repaired = command(server, "storage", "check", "--repair")
    assert repaired.returncode == 0, repaired.stderr
    assert "results/task_x/1/film.mp4" in repaired.stdout
    assert not Path(lone).exists()
    assert command(server, "storage", "check").stdout == ""


def test_a_worker_that_was_killed_leaves_no_half_made_film(tmp_path):
    with serving(tmp_path / "data", engine="testcard") as server:
        scratch = server.data / "scratch"
        task_id = server.submit({"prompt": "[slow]", "prompt_extend": False, "resolution": "480p"})
        wait_until(lambda: list(scratch.glob(f"*/{task_id}*")), 30, server.tail)
        (made,) = scratch.glob(f"*/{task_id}*")
        os.kill(server.pid_of("worker"), signal.SIGKILL)
        wait_until(lambda: not made.parent.exists(), 30, server.tail)
        server.http.post(f"/v1/tasks/{task_id}/cancel")
        wait_until(lambda: not list(scratch.glob("*/task_*")), 30, server.tail)
