"""The OpenAI Videos API's words, as structs, and the conversion from a task. It checks no rule.

    pending → queued     processing → in_progress     completed → completed     failed → failed
    cancelled → failed, with the error code "cancelled": that API knows no cancelled video
    a task's end → the event video.completed or video.failed

Source: `openai` 3.54.0, types/video.py, types/video_create_error.py and types/webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from filmgate.domain.model import Model
from filmgate.domain.task import Status, Task

VideoStatus = Literal["queued", "in_progress", "completed", "failed"]
_STATUSES: Mapping[Status, VideoStatus] = {
    Status.PENDING: "queued",
    Status.PROCESSING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}


class VideoFault(Struct, frozen=True):
    """Why a video failed."""

    code: str
    message: str
    type: str
    param: str | None


class Video(Struct, frozen=True, kw_only=True):
    """A task in that API's words. Times are seconds since 1970; `seconds` and `size` are what is
    really made. `seed` is this server's own addition.
    """

    id: str
    object: Literal["video"]
    created_at: int
    completed_at: int | None
    expires_at: int | None
    status: VideoStatus
    progress: int
    model: str
    prompt: str
    seconds: str
    size: str
    remixed_from_video_id: str | None
    error: VideoFault | None
    seed: int


class VideoList(Struct, frozen=True):
    """A page of videos. `last_id` as `after` asks for the next one."""

    object: Literal["list"]
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(Struct, frozen=True):
    """A video that is no more."""

    id: str
    deleted: Literal[True]
    object: Literal["video.deleted"]


class VideoErrorBody(Struct, frozen=True):
    """What went wrong. Absent words are null."""

    message: str
    type: str
    param: str | None
    code: str | None


class VideoErrorEnvelope(Struct, frozen=True):
    """The shape of every error at this door."""

    error: VideoErrorBody


class VideoEventData(Struct, frozen=True):
    """Which video an event is about; its object is to be retrieved."""

    id: str


class VideoEvent(Struct, frozen=True, kw_only=True):
    """The end of a video, as a webhook tells it."""

    id: str
    object: Literal["event"]
    created_at: int
    type: Literal["video.completed", "video.failed"]
    data: VideoEventData


def video_event(task: Task) -> VideoEvent:
    """Return the event of a task's end. A task has one end, so its id serves the event too."""
    return VideoEvent(
        id="evt_" + task.id.removeprefix("task_"),
        object="event",
        created_at=_seconds(task.ended_at or task.created_at),
        type="video.completed" if _is_completed(task) else "video.failed",
        data=VideoEventData(task.id),
    )


def video(task: Task, *, models: Mapping[str, Model]) -> Video:
    """Return a task as that API says it."""
    generation = task.generation
    return Video(
        id=task.id,
        object="video",
        created_at=_seconds(task.created_at),
        completed_at=_seconds(task.ended_at) if task.ended_at and _is_completed(task) else None,
        expires_at=_seconds(task.expires_at) if task.expires_at else None,
        status=_STATUSES[task.status],
        progress=task.progress,
        model=generation.model,
        prompt=generation.prompt,
        seconds=str(generation.duration_s),
        size=_size(task, models),
        remixed_from_video_id=generation.remixed_from,
        error=_fault(task),
        seed=generation.seed,
    )


def video_list(tasks: list[Task], *, has_more: bool, models: Mapping[str, Model]) -> VideoList:
    """Return a page of tasks as that API says it."""
    first, last = (tasks[0].id, tasks[-1].id) if tasks else (None, None)
    return VideoList("list", [video(task, models=models) for task in tasks], first, last, has_more)


def _is_completed(task: Task) -> bool:
    return task.status is Status.COMPLETED


def _size(task: Task, models: Mapping[str, Model]) -> str:
    """The film's size; before a picture was measured, the size that a wide one would give."""
    if task.width_px is not None and task.height_px is not None:
        return f"{task.width_px}x{task.height_px}"
    model = models.get(task.generation.model)
    if model is None:
        return ""
    width_px, height_px = model.frame_size_px(task.generation)
    return f"{width_px}x{height_px}"


def _fault(task: Task) -> VideoFault | None:
    if task.status is Status.CANCELLED:
        return VideoFault("cancelled", "The video was cancelled.", "task_failed", None)
    if task.status is not Status.FAILED:
        return None
    if task.failure is None:
        return VideoFault("task_failed", "The task failed.", "task_failed", None)
    failure = task.failure
    return VideoFault(failure.code, failure.message, "task_failed", failure.param)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
