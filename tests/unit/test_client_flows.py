"""What the client's flows decide, without a network: outcomes are put in by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from filmgate.client import errors
from filmgate.client.flows import Flows, Settings
from filmgate.client.steps import Call, Patience, Pause, Tell
from filmgate.client.task import TaskFacts

TASK = {"id": "task_1", "progress": 0, "created": 1, "model": "m", "seed": 3, "stage": "make"}
ACCEPTED = (200, {"data": [{"task_id": "task_1"}]})
RESET = httpx.ReadError("reset")


def flows(retry_for_s: float = 30) -> Flows:
    return Flows(Settings.of("http://films.test", "fg_x", 60, retry_for_s))


def answer(status: int, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    request = httpx.Request("GET", "http://films.test/")
    return httpx.Response(status, content=json.dumps(body), headers=named, request=request)


def said(status: str, progress: int = 0) -> httpx.Response:
    return answer(200, {"data": {**TASK, "status": status, "progress": progress}})


def performed(flow: Any, outcomes: Sequence[httpx.Response | httpx.HTTPError]) -> tuple[Any, list]:
    """Run a flow: its calls get the outcomes in turn, its pauses none. Returns value and steps."""
    left, steps = list(outcomes), []
    try:
        step = next(flow)
        while True:
            steps.append(step)
            if isinstance(step, Tell):
                step = flow.send(step.function())
            elif isinstance(step, Pause):
                step = flow.send(None)
            else:
                outcome = left.pop(0)
                is_error = isinstance(outcome, Exception)
                step = flow.throw(outcome) if is_error else flow.send(outcome)
    except StopIteration as end:
        assert left == []
        return end.value, steps


def calls(steps: list) -> list[Call]:
    return [step for step in steps if isinstance(step, Call)]


def test_every_repetition_of_a_submit_is_the_same_request() -> None:
    outcomes = [RESET, answer(503, {}), answer(429, {}, retry_after="7"), answer(*ACCEPTED)]
    task, steps = performed(flows().generate("x", {"seed": 3}), outcomes)
    assert (task.id, task.status, task.seed) == ("task_1", "pending", 3)
    first, *others = calls(steps)
    assert len(others) == 3
    assert all(call == first for call in others)
    pauses = [step.pause_s for step in steps if isinstance(step, Pause)]
    assert pauses[0] < 1
    assert pauses[2] >= 7


def test_two_generates_have_two_keys_unless_one_is_given() -> None:
    def key(**fields: Any) -> str:
        _, steps = performed(flows().generate("x", fields), [answer(*ACCEPTED)])
        return calls(steps)[0].headers["Idempotency-Key"]

    assert key() != key()
    assert key(idempotency_key="mine") == "mine"


def test_a_submit_still_in_flight_is_asked_again_and_a_reused_key_is_not() -> None:
    busy = answer(409, {"error": {"message": "m", "code": "idempotency_in_progress"}})
    task, _ = performed(flows().generate("x", {}), [busy, answer(*ACCEPTED)])
    assert task.id == "task_1"
    reused = answer(409, {"error": {"message": "m", "code": "idempotency_key_reused"}})
    with pytest.raises(errors.Conflict):
        performed(flows().generate("x", {}), [reused])


def test_fields_left_out_are_not_sent_and_urls_are_not_uploaded() -> None:
    fields: Any = {"image": "https://a.test/b.png", "size": None, "duration_s": 5, "extra": None}
    _, steps = performed(flows().generate(None, fields), [answer(*ACCEPTED)])
    assert calls(steps)[0].json == {
        "model": "wan2.5-preview",
        "image_urls": ["https://a.test/b.png"],
        "duration": 5,
    }


def test_progress_is_told_once_for_each_change() -> None:
    told: list[TaskFacts] = []
    outcomes = [
        said("pending"),
        said("pending"),
        said("processing", 40),
        RESET,
        said("processing", 40),
        said("completed", 100),
    ]
    task = TaskFacts(id="task_1", status="pending")
    ended, steps = performed(flows().wait(task, on_progress=told.append, timeout_s=None), outcomes)
    assert [each.progress for each in told] == [0, 40, 100]
    assert ended.status == "completed"
    asked = [call.params for call in calls(steps)]
    assert asked[0] is None
    assert all(params == {"wait": "20.000"} for params in asked[1:])


def test_an_ended_task_is_not_asked_for_again() -> None:
    task = TaskFacts(id="task_1", status="completed")
    assert performed(flows().wait(task, on_progress=None, timeout_s=0), []) == (task, [])


def test_patience_ends_before_a_pause_that_would_outlast_it() -> None:
    now = [0.0]
    patience = Patience(10, clock=lambda: now[0])
    assert patience.pause(9.9) is not None
    assert patience.pause(10.1) is None
    now[0] = 9.99
    assert patience.pause() is None


@pytest.mark.parametrize(
    ("body", "shown"),
    [({"error": {"message": "said"}}, "said"), ("<html>", "502"), ({"error": "x"}, "502")],
)
def test_a_refusal_is_told_whatever_its_shape(body: Any, shown: str) -> None:
    with pytest.raises(errors.ServerFailed, match=shown) as caught:
        performed(flows(0).models(), [answer(502, body, x_request_id="r")])
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (502, 502, "r")
