"""Reads the server's answers: JSON into the client's values, or into the error they stand for.

Fields that are not known here are let through; those that are needed must be there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

from filmgate.client.errors import RequestRefused, UnexpectedAnswer, refusal_kind
from filmgate.client.task import Film, Model, StatusWord, TaskError, TaskFacts

S = TypeVar("S")
TEXT_CHARS_SHOWN = 200


class _Submitted(Struct):
    task_id: str


class _SubmittedEnvelope(Struct):
    data: list[_Submitted]


class _Video(Struct):
    url: list[str]
    expires_at: int


class _Result(Struct):
    videos: list[_Video]


class _Error(Struct):
    code: str
    message: str
    param: str | None = None


class _Task(Struct, kw_only=True):
    id: str
    status: StatusWord
    progress: int
    created: int
    model: str
    seed: int | None = None
    orig_prompt: str = ""
    stage: str = ""
    queue_position: int | None = None
    completed: int | None = None
    estimated_time: int | None = None
    actual_time: int | None = None
    cost: float | None = None
    credits_cost: float | None = None
    result: _Result | None = None
    error: _Error | None = None
    actual_prompt: str | None = None
    prompt_note: str | None = None
    engine: str | None = None
    thumbnail_url: str | None = None
    width: int | None = None
    height: int | None = None


class _TaskEnvelope(Struct):
    data: dict[str, Any]


class _Page(Struct):
    data: list[dict[str, Any]]
    next_cursor: str | None = None


class _Upload(Struct):
    url: str


class _Model(Struct, kw_only=True):
    id: str
    title: str = ""
    category: str = ""
    capability_tags: list[str] = msgspec.field(default_factory=list[str])
    fps: int = 0
    resolutions: list[str] = msgspec.field(default_factory=list[str])
    price_usd_per_second: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class _ModelList(Struct):
    data: list[_Model]


class _Detail(Struct):
    message: str


class _Refusal(Struct, kw_only=True):
    message: str
    code: int | str = 0
    param: str | None = None
    details: list[_Detail] = msgspec.field(default_factory=list[_Detail])


class _RefusalEnvelope(Struct):
    error: _Refusal


def submitted_id(answer: httpx.Response) -> str:
    """Return the id of an accepted task."""
    submitted = _decoded(answer, _SubmittedEnvelope).data
    if not submitted:
        raise _unexpected(answer)
    return submitted[0].task_id


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """Return an object as the server says it."""
    return _decoded(answer, dict[str, Any])


def upload_url(answer: httpx.Response) -> str:
    """Return the URL of a kept upload."""
    return _decoded(answer, _Upload).url


def task_facts(answer: httpx.Response) -> TaskFacts:
    """Return the task of an answer about one task."""
    return facts_of(_decoded(answer, _TaskEnvelope).data)


def task_page(answer: httpx.Response) -> tuple[list[TaskFacts], str | None]:
    """Return a page of tasks and the cursor of the next one."""
    page = _decoded(answer, _Page)
    return [facts_of(data) for data in page.data], page.next_cursor


def models(answer: httpx.Response) -> list[Model]:
    """Return the models of a list."""
    return [
        Model(
            id=model.id,
            title=model.title,
            category=model.category,
            capabilities=tuple(model.capability_tags),
            fps=model.fps,
            resolutions=tuple(model.resolutions),
            price_usd_per_s=model.price_usd_per_second,
        )
        for model in _decoded(answer, _ModelList).data
    ]


def facts_of(data: dict[str, Any]) -> TaskFacts:
    """Return a task from the server's object. Raises UnexpectedAnswer when it is none."""
    try:
        task = msgspec.convert(data, _Task)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(f"This is not a task of a filmgate server: {error}") from error
    return TaskFacts(
        id=task.id,
        status=task.status,
        progress=task.progress,
        stage=task.stage,
        queue_position=task.queue_position,
        model=task.model,
        seed=task.seed,
        prompt=task.orig_prompt,
        actual_prompt=task.actual_prompt,
        prompt_note=task.prompt_note,
        engine=task.engine,
        created_at=_moment(task.created),
        ended_at=None if task.completed is None else _moment(task.completed),
        estimated_time_s=task.estimated_time,
        actual_time_s=task.actual_time,
        cost_usd=task.cost,
        credits_cost=task.credits_cost,
        film=_film(task),
        error=_task_error(task),
        data=data,
    )


def refusal(answer: httpx.Response) -> RequestRefused:
    """Return the error that an answer stands for, in the server's words where it has some."""
    status = answer.status_code
    try:
        said = msgspec.json.decode(answer.content, type=_RefusalEnvelope).error
    except msgspec.MsgspecError:
        text = answer.text.strip()[:TEXT_CHARS_SHOWN]
        said = _Refusal(message=f"The server answered {status}{': ' if text else ''}{text}")
    rules = tuple(detail.message for detail in said.details)
    return refusal_kind(status)(
        said.message,
        status=status,
        code=said.code or status,
        param=said.param,
        request_id=answer.headers.get("x-request-id"),
        broken_rules=rules or ((said.message,) if said.param else ()),
        retry_after_s=retry_after_s(answer),
    )


def retry_after_s(answer: httpx.Response) -> float | None:
    """Return the Retry-After in seconds; None when there is none, or a date."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _film(task: _Task) -> Film | None:
    if task.result is None or not task.result.videos or not task.result.videos[0].url:
        return None
    video = task.result.videos[0]
    return Film(
        url=video.url[0],
        expires_at=_moment(video.expires_at),
        thumbnail_url=task.thumbnail_url,
        width_px=task.width,
        height_px=task.height,
    )


def _task_error(task: _Task) -> TaskError | None:
    if task.error is None:
        return None
    return TaskError(code=task.error.code, message=task.error.message, param=task.error.param)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _decoded(answer: httpx.Response, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError as error:
        raise _unexpected(answer) from error


def _unexpected(answer: httpx.Response) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"What answers at {answer.url.copy_with(query=None)} is not a filmgate server; "
        "is the base URL right?"
    )
