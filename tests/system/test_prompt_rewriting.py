"""A rewriting endpoint through the whole server: what it gives is used, what it breaks costs the
task nothing but the rewriting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmgate.testing.web import Route, WebServer, answer, hang_up, silence
from serving import ServerUnderTest, children_of, serving, wait_until
from web_fixtures import web_in_a_thread

SECRET = "sk-rewriter-secret"
PROMPT = "a boat"
FULL = "A small wooden boat drifts over a still lake at dawn, slow dolly in, soft light, calm"
PATH = "/v1/chat/completions"


def said(content: str) -> Route:
    body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    return answer(json.dumps(body).encode())


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_in_a_thread() as running:
        yield running


@pytest.fixture(scope="module")
def server(web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    folder: Path = tmp_path_factory.mktemp("rewriting")
    with serving(
        folder / "data",
        engine="testcard",
        rewriter_url=web.url("/v1"),
        rewriter_key=SECRET,
        rewriter_model="wordsmith",
        rewriter_timeout_s="1",
        log_level="debug",
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def no_requests_yet(web: WebServer) -> None:
    web.requests.clear()


def make(server: ServerUnderTest, **body: object) -> dict:
    asked = {"prompt": PROMPT, "resolution": "480p", **body}
    return server.ended(server.submit(asked))


def test_what_the_endpoint_writes_is_what_is_made(server, web):
    web.route(PATH, said(FULL))
    task = make(server)
    assert task["status"] == "completed"
    assert (task["orig_prompt"], task["actual_prompt"]) == (PROMPT, FULL)
    assert "prompt_note" not in task
    (request,) = web.requests
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert json.loads(request.body)["model"] == "wordsmith"


@pytest.mark.parametrize(
    ("route", "note"),
    [
        pytest.param(silence(), "did not answer within 1 second", id="slow"),
        pytest.param(hang_up(), "could not be reached", id="hangs up"),
        pytest.param(answer(b"", status=503), "answered 503", id="down"),
        pytest.param(answer(b"<html>ok</html>"), "did not answer in its format", id="nonsense"),
        pytest.param(said("I'm sorry, I can't help with that."), "declined", id="refusal"),
    ],
)
def test_an_endpoint_in_trouble_costs_nothing_but_the_rewriting(server, web, route, note):
    web.route(PATH, route)
    task = make(server)
    assert task["status"] == "completed"
    assert task["actual_prompt"] == task["orig_prompt"] == PROMPT
    assert task["prompt_note"].startswith("the prompt was kept: the rewriting service ")
    assert note in task["prompt_note"]


def test_without_prompt_extend_the_endpoint_is_not_asked(server, web):
    web.route(PATH, said(FULL))
    task = make(server, prompt_extend=False)
    assert task["actual_prompt"] == task["orig_prompt"] == PROMPT
    assert "prompt_note" not in task
    assert web.requests == []


def test_a_rewritten_prompt_is_kept_over_a_retry(server, web):
    crashing = f"[crash] {FULL}"
    web.route(PATH, said(crashing))
    task = make(server)
    assert task["status"] == "failed"
    assert task["error"]["code"] in {"engine_crashed", "worker_lost"}
    assert task["actual_prompt"] == crashing
    lines = server.log.read_text(errors="replace").splitlines()
    assert sum("task.claimed" in line and task["id"] in line for line in lines) > 1
    assert len(web.requests) == 1


def test_the_child_that_decodes_files_is_told_no_secret(server):
    task_id = server.submit({"prompt": "[slow]", "prompt_extend": False, "resolution": "480p"})
    worker = server.pid_of("worker")
    wait_until(lambda: server.task(task_id)["stage"] == "make", 60, server.tail)
    (child,) = children_of(worker)
    known = Path(f"/proc/{child}/environ").read_bytes()
    server.http.post(f"/v1/tasks/{task_id}/cancel")
    assert b"FILMGATE_ENGINE=testcard" in known
    assert SECRET.encode() not in known
    assert b"FILMGATE_DATABASE_URL" not in known


def test_the_endpoints_key_is_in_no_log(server, web):
    web.route(PATH, said(FULL))
    task = make(server)
    wait_until(lambda: f"task.settled task_id={task['id']}" in server.tail(), 10, server.tail)
    assert SECRET not in server.log.read_text(errors="replace")
