"""A server whose engine keeps a model: films overlap, a cancelled one keeps it, a crash costs one
film. The fake model stands for a GPU.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import ServerUnderTest, children_of, serving, wait_until

LONG_S = 120
STEPPED = {"prompt": "a road [step 0.02]", "resolution": "720p", "seed": 1}
LONG = {**STEPPED, "prompt": "a road [step 2]"}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("resident") / "data"
    with serving(data, engine="fakemodel", sweep_s="0.3") as running:
        yield running


def engine_child(server: ServerUnderTest) -> int:
    """The process that holds the model."""
    found: list[int] = []

    def is_there() -> bool:
        worker = server.pid_of("worker")
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children_of(worker)}
        found[:] = [pid for pid, line in lines.items() if "--resident" in line]
        return bool(found)

    wait_until(is_there, LONG_S, server.tail)
    return found[0]


def is_sampled(server: ServerUnderTest, task_id: str) -> bool:
    """Whether the model is at work on it."""
    task = server.task(task_id)
    return task["stage"] == "make" and task["progress"] > 6


def test_the_next_film_is_sampled_while_the_last_is_finished(server):
    first, second = server.submit(STEPPED), server.submit(STEPPED)
    for task_id in (first, second):
        assert server.ended(task_id, LONG_S)["status"] == "completed"
    log = server.log.read_text(errors="replace").splitlines()

    def line_of(event: str, task_id: str) -> int:
        return next(n for n, line in enumerate(log) if event in line and task_id in line)

    assert line_of("task.claimed", second) < line_of("task.settled", first)


def test_one_film_alone_is_ahead_of_the_one_that_is_sampled(server):
    """No more than one is claimed ahead: another worker may be free for it."""
    tasks = [server.submit(LONG) for _ in range(2)]
    wait_until(lambda: is_sampled(server, tasks[0]), LONG_S, server.tail)
    assert server.task(tasks[1])["status"] == "pending"
    for task_id in reversed(tasks):
        server.http.post(f"/v1/tasks/{task_id}/cancel")


def test_a_cancelled_film_leaves_the_model_where_it_is(server):
    child = engine_child(server)
    task_id = server.submit(LONG)
    wait_until(lambda: is_sampled(server, task_id), LONG_S, server.tail)
    assert server.http.post(f"/v1/tasks/{task_id}/cancel").status_code == 200
    assert server.ended(server.submit(STEPPED), LONG_S)["status"] == "completed"
    assert engine_child(server) == child


def test_a_crash_of_the_next_film_leaves_the_last_one_whole(server):
    first, second = server.submit(STEPPED), server.submit({**LONG, "prompt": "a road [step 0.1]"})
    wait_until(lambda: is_sampled(server, second), LONG_S, server.tail)
    os.kill(engine_child(server), signal.SIGKILL)
    for task_id in (first, second):
        assert server.ended(task_id, LONG_S)["status"] == "completed"
    log = server.log.read_text(errors="replace").splitlines()
    back = [line for line in log if "task.given_back" in line and line.endswith("is_crash")]
    assert len(back) == 1
    assert second in back[0]


def test_a_worker_that_dies_takes_the_model_with_it_and_the_film_is_made(server):
    task_id = server.submit({**LONG, "prompt": "a road [step 0.2]"})
    wait_until(lambda: is_sampled(server, task_id), LONG_S, server.tail)
    child = engine_child(server)
    os.kill(server.pid_of("worker"), signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{child}").exists(), LONG_S, server.tail)
    assert server.ended(task_id, LONG_S)["status"] == "completed"
