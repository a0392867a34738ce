"""DashScope's words for tasks, as structs, and the conversion from a task. It checks no rule.

    pending → PENDING     processing → RUNNING     completed → SUCCEEDED     failed → FAILED
    cancelled → CANCELED     no such task, or its film's time is over → UNKNOWN

Times are UTC. Source: Alibaba Cloud Model Studio, API reference of wan and "Manage asynchronous
tasks"; `dashscope` 2.0.2, api_entities/dashscope_response.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from filmgate.domain.task import Status, Task
from filmgate.gateway.dashscope_errors import failure_code, in_its_words
from filmgate.gateway.dashscope_fields import model_name
from filmgate.gateway.wire import LinkOf

TaskStatus = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"]
STATUSES: Mapping[Status, TaskStatus] = {
    Status.PENDING: "PENDING",
    Status.PROCESSING: "RUNNING",
    Status.COMPLETED: "SUCCEEDED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELED",
}
REGION = "local"


class SynthesisOutput(Struct, frozen=True, kw_only=True):
    """How far a task is, and what it made or why it failed."""

    task_id: str
    task_status: TaskStatus
    submit_time: str | UnsetType = UNSET
    scheduled_time: str | UnsetType = UNSET
    end_time: str | UnsetType = UNSET
    video_url: str | UnsetType = UNSET
    orig_prompt: str | UnsetType = UNSET
    actual_prompt: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


class SynthesisUsage(Struct, frozen=True, kw_only=True):
    """What a film is charged by: seconds, and the resolution's number as `SR`."""

    duration: int
    video_count: int
    SR: int
    size: str | UnsetType = UNSET


class SynthesisTask(Struct, frozen=True, kw_only=True):
    """The answer to a submit and to a question about a task."""

    request_id: str
    output: SynthesisOutput
    usage: SynthesisUsage | UnsetType = UNSET


class SynthesisRow(Struct, frozen=True, kw_only=True):
    """A task in a list. Times are milliseconds since 1970."""

    task_id: str
    status: TaskStatus
    model_name: str
    gmt_create: int
    start_time: int | UnsetType = UNSET
    end_time: int | UnsetType = UNSET
    api_key_id: str
    caller_parent_id: str
    caller_uid: str
    region: str
    user_api_unique_key: str


class SynthesisPage(Struct, frozen=True, kw_only=True):
    """A page of tasks."""

    total: int
    data: list[SynthesisRow]
    total_page: int
    page_no: int
    page_size: int
    request_id: str


class Done(Struct, frozen=True):
    """The answer where there is nothing to say."""

    request_id: str


class UploadPolicy(Struct, frozen=True, kw_only=True):
    """What a form needs that posts a file without a key."""

    policy: str
    signature: str
    upload_dir: str
    upload_host: str
    expire_in_seconds: int
    max_file_size_mb: int
    oss_access_key_id: str
    x_oss_object_acl: Literal["private"]
    x_oss_forbid_overwrite: Literal["false"]


class UploadPolicyEnvelope(Struct, frozen=True):
    """The answer to `action=getPolicy`."""

    data: UploadPolicy
    request_id: str


def accepted(task_id: str, *, request_id: str) -> SynthesisTask:
    """Return the answer to a submit."""
    output = SynthesisOutput(task_id=task_id, task_status="PENDING")
    return SynthesisTask(request_id=request_id, output=output)


def unknown(task_id: str, *, request_id: str) -> SynthesisTask:
    """Return the answer about a task that is not there."""
    output = SynthesisOutput(task_id=task_id, task_status="UNKNOWN")
    return SynthesisTask(request_id=request_id, output=output)


def synthesis_task(task: Task, *, link_of: LinkOf, request_id: str) -> SynthesisTask:
    """Return a task as that API says it."""
    is_completed = task.status is Status.COMPLETED
    url = UNSET
    if task.result_key is not None and task.expires_at is not None:
        url = link_of(task.result_key, task.expires_at)
    output = SynthesisOutput(
        task_id=task.id,
        task_status=STATUSES[task.status],
        submit_time=_time(task.created_at),
        scheduled_time=_time(task.started_at),
        end_time=_time(task.ended_at),
        video_url=url,
        orig_prompt=task.generation.prompt,
        actual_prompt=(task.actual_prompt or UNSET) if is_completed else UNSET,
        code=failure_code(task.failure) if task.failure else UNSET,
        message=in_its_words(task.failure.message) if task.failure else UNSET,
    )
    usage = _usage(task) if is_completed else UNSET
    return SynthesisTask(request_id=request_id, output=output, usage=usage)


def synthesis_row(task: Task) -> SynthesisRow:
    """Return a task as a list says it."""
    model = model_name(task.generation.model, "i2v" if task.generation.is_image_to_video else "t2v")
    return SynthesisRow(
        task_id=task.id,
        status=STATUSES[task.status],
        model_name=model,
        gmt_create=_milliseconds(task.created_at),
        start_time=UNSET if task.started_at is None else _milliseconds(task.started_at),
        end_time=UNSET if task.ended_at is None else _milliseconds(task.ended_at),
        api_key_id=task.api_key_id,
        caller_parent_id=task.account_id,
        caller_uid=task.account_id,
        region=REGION,
        user_api_unique_key=f"apikey:v1:aigc:video-generation:video-synthesis:{model}",
    )


def _usage(task: Task) -> SynthesisUsage:
    generation = task.generation
    size = f"{task.width_px}*{task.height_px}" if task.width_px is not None else UNSET
    lines = "".join(letter for letter in generation.resolution if letter.isdigit())
    return SynthesisUsage(
        duration=generation.duration_s, video_count=1, SR=int(lines or 0), size=size
    )


def _time(moment: datetime | None) -> str | UnsetType:
    if moment is None:
        return UNSET
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
