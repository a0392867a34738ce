"""kill -9 and SIGSTOP of every process while films are being made: the films go on, the ledger is
exact. Leases are two seconds long here; what is promised for the default ones follows from them.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from chaos import Chaos
from PIL import Image
from wounds import (
    QUICK,
    assert_ledger_is_exact,
    is_gone,
    kill,
    making,
    patiently,
    postmaster_pid,
    row,
    rows,
    studio_pid,
)

from serving import ServerUnderTest, serving, wait_until

STEADY = {**QUICK, "prompt": "[steady]"}
SETTINGS = {
    "engine": "testcard",
    "lease_s": "2",
    "sweep_s": "0.3",
    "drain_s": "1",
    "fetch_allowed": "127.0.0.1",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("hurt") / "data"
    with serving(data, **SETTINGS) as running:
        yield running


@pytest.fixture(autouse=True)
def exact(server: ServerUnderTest) -> Iterator[None]:
    yield
    patiently(lambda: assert_ledger_is_exact(server))


@pytest.fixture
def picture() -> Iterator[tuple[str, list[str]]]:
    """A picture's URL, and the requests that were made for it."""
    drawn, asked = io.BytesIO(), []
    Image.new("RGB", (832, 480), (9, 99, 200)).save(drawn, "PNG")

    class Pictures(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(drawn.tell()))
            self.end_headers()
            self.wfile.write(drawn.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}/cat.png", asked
    web.shutdown()
    thread.join()
    web.server_close()


def started(server: ServerUnderTest, **body: object) -> str:
    """Submit a film of a few seconds and wait until it is being made."""
    task_id = server.submit({**STEADY, **body})
    wait_until(making(server, task_id), 20, server.tail)
    return task_id


def test_a_killed_workers_film_goes_on_and_repeats_no_step(server, picture):
    url, asked = picture
    task_id = started(server, image_urls=[url])
    rows(server, "UPDATE tasks SET actual_prompt = 'kept [steady]' WHERE id = %s", task_id)
    kill(server.pid_of("worker"))
    task = server.ended(task_id)
    kept = row(server, task_id)

    assert (task["status"], kept["attempt"], kept["crashes"]) == ("completed", 2, 1)
    assert len(asked) == 1, "the picture was fetched again"
    assert kept["actual_prompt"] == "kept [steady]", "the prompt was rewritten again"


def test_a_killed_studio_is_replaced(server):
    task_id = started(server)
    kill(studio_pid(server))
    task = server.ended(task_id)
    kept = row(server, task_id)
    assert (task["status"], kept["attempt"], kept["crashes"]) == ("completed", 2, 1)


def test_a_killed_gateway_comes_back_and_the_film_does_not_notice(server):
    task_id = started(server)
    kill(server.pid_of("gateway"))
    task = server.ended(task_id)
    assert (task["status"], row(server, task_id)["attempt"]) == ("completed", 1)


def test_a_killed_database_comes_back_and_costs_no_crash(server):
    task_id = started(server)
    kill(postmaster_pid(server))
    task = server.ended(task_id)
    kept = patiently(lambda: row(server, task_id))
    assert (task["status"], kept["crashes"]) == ("completed", 0)


def test_without_a_database_callers_hear_503_soon_and_it_recovers_by_itself(server):
    task_id = server.submit({**STEADY, "prompt": "[fail]"})
    server.ended(task_id)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)  # nobody restarts the database for a while
    try:
        kill(postmaster_pid(server))
        # The killed database's sessions answer for another moment.
        path = f"/v1/tasks/{task_id}"
        wait_until(lambda: server.http.get(path).status_code == 503, 15, server.tail)
        for _ in range(2):
            began = time.monotonic()
            answer = server.http.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["error"]["type"] == "service_unavailable"
            assert time.monotonic() - began < 8
        submitted = server.http.post(
            "/v1/videos/generations", json={"model": "wan2.5-preview", **STEADY}
        )
        assert submitted.status_code == 503
        assert server.http.get("/readyz").status_code == 503
        assert server.http.get("/healthz").status_code == 200
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    wait_until(lambda: server.http.get("/readyz").status_code == 200, 15, server.tail)
    after = server.ended(server.submit({**QUICK, "prompt": "after"}))
    assert after["status"] == "completed"


def test_a_killed_supervisor_leaves_nobody_behind_and_a_new_one_goes_on(server):
    task_id = started(server)
    left = [server.pid_of("gateway"), server.pid_of("worker"), studio_pid(server)]
    postmaster = postmaster_pid(server)
    assert server.process is not None
    kill(server.process.pid)
    server.process.wait()
    server.http.close()
    server.start()
    wait_until(lambda: all(is_gone(pid) for pid in left), 20, server.tail)
    task = server.ended(task_id)

    assert postmaster_pid(server) == postmaster, "the database was not adopted"
    assert (task["status"], row(server, task_id)["crashes"]) == ("completed", 0)


def test_a_worker_told_to_end_gives_its_film_back_uncounted(server):
    task_id = started(server)
    pid = server.pid_of("worker")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: is_gone(pid), 20, server.tail)
    task = server.ended(task_id)
    kept = row(server, task_id)
    assert (task["status"], kept["attempt"], kept["crashes"]) == ("completed", 2, 0)


def test_a_frozen_worker_that_wakes_up_changes_nothing(server):
    task_id = started(server)
    frozen = server.pid_of("worker")
    environment = dict(
        pair.partition("=")[::2]
        for pair in Path(f"/proc/{frozen}/environ").read_text().split("\0")
        if "=" in pair and not pair.startswith("FILMGATE_SUPERVISED")
    )
    os.kill(frozen, signal.SIGSTOP)
    other = subprocess.Popen(
        [sys.executable, "-m", "filmgate", "worker"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: row(server, task_id)["attempt"] == 2, 20, server.tail)
        wait_until(making(server, task_id), 20, server.tail)
        before = row(server, task_id)
        os.kill(frozen, signal.SIGCONT)
        again = server.submit({**QUICK, "prompt": "the frozen one works again"})
        task = server.ended(task_id)
        after = row(server, task_id)
        assert server.ended(again)["status"] == "completed"
    finally:
        other.send_signal(signal.SIGTERM)
        other.wait(timeout=30)

    assert (task["status"], after["attempt"]) == ("completed", 2)
    assert after["worker"] == before["worker"] != None  # noqa: E711
    assert after["result_key"] == f"results/{task_id}/2/film.mp4"


def test_a_task_that_kills_its_worker_each_time_fails_and_no_other(server):
    task_id = server.submit(STEADY)
    for attempt in (1, 2, 3):
        wait_until(
            lambda n=attempt: (
                (kept := row(server, task_id))["attempt"] == n and kept["lease_until"]
            ),
            30,
            server.tail,
        )
        kill(server.pid_of("worker"))
    task = server.ended(task_id)
    assert (task["status"], task["error"]["code"]) == ("failed", "worker_lost")
    assert server.ended(server.submit({**QUICK, "prompt": "next"}))["status"] == "completed"


@pytest.mark.timeout(150)
def test_everything_dies_in_random_order_and_every_accepted_task_ends_once(server):
    report = Chaos(server, seed=7, seconds=14).run()
    assert report.accepted >= 1
    assert report.lost == []
    assert report.double == []
    assert report.undocumented == []
    assert report.ended == report.accepted
