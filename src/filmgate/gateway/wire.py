"""The words on the wire, as structs, and the one conversion from a task. It checks no rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from filmgate.catalogue.translation import failure_message
from filmgate.domain.asset import THUMBNAIL, still_key
from filmgate.domain.ledger import CREDITS_PER_USD, MICRO_USD
from filmgate.domain.task import Status, Task
from filmgate.gateway.openai_wire import video_event
from filmgate.service.read_task import TaskView

T = TypeVar("T")
W = TypeVar("W")
StatusWord = Literal["pending", "processing", "completed", "failed", "cancelled"]
JsonObject = dict[str, Any]
LinkOf = Callable[[str, datetime], str]
"""Gives the full URL of a stored file, from its key and the moment when the link ends."""


class ErrorDetail(Struct, frozen=True):
    """One broken rule."""

    param: str
    message: str


class ErrorBody(Struct, frozen=True):
    """What went wrong. `code` is the HTTP status, or a name where the documentation lists one."""

    code: int | str
    message: str
    type: str
    param: str | UnsetType = UNSET
    details: list[ErrorDetail] | UnsetType = UNSET


class ErrorEnvelope(Struct, frozen=True):
    """The shape of every error."""

    error: ErrorBody


class Submitted(Struct, frozen=True):
    """An accepted task."""

    status: Literal["submitted"]
    task_id: str


class SubmittedEnvelope(Struct, frozen=True):
    """The answer to a submit."""

    code: int
    data: list[Submitted]


class TaskTicket(Struct, frozen=True):
    """An accepted task in the versioned form."""

    id: str
    object: Literal["generation.task"]
    status: Literal["pending"]
    poll_url: str


class TaskTicketEnvelope(Struct, frozen=True):
    """The answer to a submit with X-APIMart-Response-Version: 2026-07-27."""

    code: int
    data: TaskTicket


class VideoFile(Struct, frozen=True):
    """A finished video. The links end at `expires_at`, in seconds since 1970."""

    url: list[str]
    expires_at: int


class TaskResult(Struct, frozen=True):
    """What a task made."""

    videos: list[VideoFile]


class TaskError(Struct, frozen=True):
    """Why a task failed."""

    code: str
    message: str
    type: Literal["task_failed"]
    param: str | UnsetType = UNSET


class TaskObject(Struct, frozen=True, kw_only=True):
    """A task. Times are seconds since 1970, durations are seconds, cost is USD."""

    id: str
    status: StatusWord
    progress: int
    created: int
    completed: int | UnsetType = UNSET
    estimated_time: int
    actual_time: int | UnsetType = UNSET
    cost: float | UnsetType = UNSET
    credits_cost: float | UnsetType = UNSET
    result: TaskResult | UnsetType = UNSET
    error: TaskError | UnsetType = UNSET
    model: str
    seed: int
    orig_prompt: str
    actual_prompt: str | UnsetType = UNSET
    prompt_note: str | UnsetType = UNSET
    engine: str | UnsetType = UNSET
    engine_reason: str | UnsetType = UNSET
    thumbnail_url: str | UnsetType = UNSET
    queue_position: int
    stage: str
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    request: JsonObject | UnsetType = UNSET


class TaskEnvelope(Struct, frozen=True):
    """The answer to a question about one task."""

    code: int
    data: TaskObject


class TaskPage(Struct, frozen=True):
    """A page of tasks, newest first. `next_cursor` asks for the page after it; null at the end."""

    code: int
    data: list[TaskObject]
    next_cursor: str | None


class TaskDeleted(Struct, frozen=True):
    """A task that is no more."""

    id: str
    deleted: Literal[True]


class TaskDeletedEnvelope(Struct, frozen=True):
    """The answer to a deletion."""

    code: int
    data: TaskDeleted


class WebhookSecretObject(Struct, frozen=True, kw_only=True):
    """A key's signing secret. The one before it stays valid until `previous_until`."""

    secret: str
    created: int
    previous_secret: str | UnsetType = UNSET
    previous_until: int | UnsetType = UNSET


class WebhookSecretEnvelope(Struct, frozen=True):
    """The answer to a question about the signing secret."""

    code: int
    data: WebhookSecretObject


class DeliveryTry(Struct, frozen=True, kw_only=True):
    """One attempt at a delivery. `http_status` is null when there was no answer."""

    number: int
    at: int
    http_status: int | None
    error: str | None
    took_ms: int


class DeliveryObject(Struct, frozen=True, kw_only=True):
    """The telling of a task's end. `id` is the webhook-id; the log's newest attempt is first."""

    id: str
    task_id: str
    url: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    created: int
    delivered: int | UnsetType = UNSET
    next_attempt: int | UnsetType = UNSET
    log: list[DeliveryTry]


class DeliveryEnvelope(Struct, frozen=True):
    """A delivery."""

    code: int
    data: DeliveryObject


class DeliveryPage(Struct, frozen=True):
    """A page of deliveries, newest first. `next_cursor` asks for the page after it."""

    code: int
    data: list[DeliveryObject]
    next_cursor: str | None


class UploadObject(Struct, frozen=True):
    """A kept upload. `url` may be given as image_urls or audio_url."""

    url: str
    filename: str
    content_type: str
    bytes: int
    created_at: int


class ModelFrames(Struct, frozen=True, kw_only=True):
    """What sizes a model's videos have: pixels by resolution and size. A picture whose aspect is
    within the tolerance of a size's gets that; others keep their own, up to `aspect_max`.
    """

    sizes: dict[str, dict[str, list[int]]]
    picture_tolerance: float
    picture_aspect_max: float


class ModelObject(Struct, frozen=True, kw_only=True):
    """A model this server offers. Prices are USD per second of video, by resolution."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    supported_endpoint_types: list[str]
    category: str
    capability_tags: list[str]
    title: str
    fps: int
    resolutions: list[str]
    price_usd_per_second: dict[str, float]
    parameters: JsonObject | UnsetType = UNSET
    frames: ModelFrames | UnsetType = UNSET


class ModelList(Struct, frozen=True):
    """All models this key may use."""

    data: list[ModelObject]
    object: Literal["list"]
    success: bool


class ModelSchema(Struct, frozen=True, kw_only=True):
    """A model's input as JSON Schema 2020-12."""

    object: Literal["model.schema"]
    model: str
    operation: Literal["video_generation"]
    input_schema: JsonObject


class ModelDocumentation(Struct, frozen=True, kw_only=True):
    """A model's rules in words, as Markdown."""

    object: Literal["model.documentation"]
    model: str
    doc_url: str
    markdown_url: str
    markdown: str
    fetched_at: int
    cache_ttl_seconds: int
    stale: bool


class SessionObject(Struct, frozen=True):
    """The key that a browser's session, or the request itself, stands for."""

    key_name: str
    key_prefix: str
    scopes: list[str]


class SessionEnvelope(Struct, frozen=True):
    """The answer to signing in, and to a question about the session; null: nobody is signed in."""

    code: int
    data: SessionObject | None


class Health(Struct, frozen=True):
    """Whether the server lives, or is ready."""

    status: Literal["ok", "unavailable"]


def task_object(
    view: TaskView,
    *,
    link_of: LinkOf,
    language: str | None = None,
    request: JsonObject | UnsetType = UNSET,
) -> TaskObject:
    """Return a task as the contract's section 2 says it.

    `language` is that of `error.message`; None: the one that the task was submitted with.
    `request` is the body that would ask for the same film again, if it is to be said.
    """
    task = view.task
    generation = task.generation
    is_completed = task.status is Status.COMPLETED
    return TaskObject(
        id=task.id,
        status=task.status.value,
        progress=task.progress,
        created=_seconds(task.created_at),
        completed=_known(task.ended_at, _seconds) if task.is_final else UNSET,
        estimated_time=view.estimated_time_s,
        actual_time=_known(task.actual_time_s, int) if is_completed else UNSET,
        cost=task.price_micro_usd / MICRO_USD if is_completed else UNSET,
        credits_cost=(
            task.price_micro_usd * CREDITS_PER_USD / MICRO_USD if is_completed else UNSET
        ),
        result=_result(task, link_of) if is_completed else UNSET,
        error=_error(task, language) if task.status is Status.FAILED else UNSET,
        model=generation.model,
        seed=generation.seed,
        orig_prompt=generation.prompt,
        actual_prompt=_known(task.actual_prompt, str),
        prompt_note=_known(task.rewrite_note, str),
        engine=_known(task.engine, str),
        engine_reason=_known(task.engine_reason, str),
        thumbnail_url=_thumbnail(task, link_of) if is_completed else UNSET,
        queue_position=view.queue_position,
        stage=task.stage,
        width=_known(task.width_px, int),
        height=_known(task.height_px, int),
        request=request,
    )


def encoded_task(view: TaskView, *, link_of: LinkOf) -> bytes:
    """Return what a webhook carries as JSON: the task without an envelope, or, where it was made
    at the door of the OpenAI API, that API's event.
    """
    if view.task.generation.is_told_as_event:
        return msgspec.json.encode(video_event(view.task))
    return msgspec.json.encode(task_object(view, link_of=link_of))


def _result(task: Task, link_of: LinkOf) -> TaskResult | UnsetType:
    if task.result_key is None or task.expires_at is None:
        return UNSET
    url = link_of(task.result_key, task.expires_at)
    return TaskResult([VideoFile([url], _seconds(task.expires_at))])


def _thumbnail(task: Task, link_of: LinkOf) -> str | UnsetType:
    if task.result_key is None or task.expires_at is None:
        return UNSET
    return link_of(still_key(task.id, task.attempt, THUMBNAIL), task.expires_at)


def _error(task: Task, language: str | None) -> TaskError:
    if task.failure is None:
        return TaskError("task_failed", "The task failed.", "task_failed")
    param = UNSET if task.failure.param is None else task.failure.param
    message = failure_message(task.failure, language=language or task.generation.language)
    return TaskError(task.failure.code, message, "task_failed", param)


def _known(value: T | None, said: Callable[[T], W]) -> W | UnsetType:
    return UNSET if value is None else said(value)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
