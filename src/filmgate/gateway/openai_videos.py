"""The OpenAI Videos door onto the same tasks: a task made here is visible at every other one.

POST   /v1/videos                form or JSON     GET /v1/videos?after=&limit=&order=
GET    /v1/videos/{id}                            GET /v1/videos/{id}/content?variant=
DELETE /v1/videos/{id}                            POST /v1/videos/{id}/remix
POST   /v1/videos/edits, /v1/videos/extensions, /v1/videos/characters    refused, with the reason
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.types import ASGIApp

from filmgate.domain.asset import SPRITES, THUMBNAIL
from filmgate.domain.errors import BrokenRule, InvalidFields, UnknownRoute
from filmgate.domain.field_rule import shown
from filmgate.gateway.answers import Answer, RawHeaders, json_answer
from filmgate.gateway.apimart import REPLAYED
from filmgate.gateway.auth import caller
from filmgate.gateway.body import URLENCODED, Bodies, ReadBody
from filmgate.gateway.door import DoorSettings, visit_of
from filmgate.gateway.files import file_answer
from filmgate.gateway.openai_fields import OwnFields, model_name, own_fields, with_defaults
from filmgate.gateway.openai_wire import VideoDeleted, video, video_list
from filmgate.ports.store import Submission
from filmgate.service.delete_task import delete_task
from filmgate.service.deps import Deps
from filmgate.service.open_result import open_result
from filmgate.service.read_task import PAGE_MAX, TaskView, own_task, own_tasks, read_task
from filmgate.service.remix_task import remix_task
from filmgate.service.submit_task import find_model, submit_task

PAGE_DEFAULT = 20
VARIANTS: Mapping[str, str | None] = {
    "video": None,
    "thumbnail": THUMBNAIL,
    "spritesheet": SPRITES,
}
POLL_AFTER = b"openai-poll-after-ms"
PASSED_OVER = b"x-filmgate-passed-over"
"""Names the request's fields that changed nothing."""
POLLS_EXPECTED = 20
POLL_MS_MIN, POLL_MS_MAX = 250, 5_000

_LIMIT_FORM = re.compile(r"[0-9]{1,3}")


class OpenaiVideos:
    """The handlers of the door."""

    def __init__(self, *, deps: Deps, settings: DoorSettings, bodies: Bodies) -> None:
        self._deps = deps
        self._settings = settings
        self._bodies = bodies

    async def create(self, request: Request) -> Answer:
        """Accept a video, from a form or from JSON."""
        key = await caller(request, self._deps)
        async with self._body(request) as given:
            own = self._translated(with_defaults(given), request)
            submission = await submit_task(
                own.body,
                key=key,
                idempotency_key=_idempotency_key(request),
                deps=self._deps,
                is_told_as_event=True,
            )
        view = await read_task(submission.task_id, key=key, deps=self._deps)
        return self._accepted(view, request, submission, own)

    async def remix(self, request: Request) -> Answer:
        """Accept a video like an earlier one, with another prompt; every field may be changed."""
        key = await caller(request, self._deps)
        task = await own_task(request.path_params["video_id"], key=key, deps=self._deps)
        async with self._body(request) as given:
            if given.get("prompt") is None:
                message = "prompt is required: what the new video shows, got none"
                raise InvalidFields([BrokenRule("prompt", message)])
            own = self._translated(
                {**given, "model": given.get("model") or task.generation.model},
                request,
                has_picture=task.generation.is_image_to_video,
            )
            submission = await remix_task(
                task,
                own.body,
                key=key,
                idempotency_key=_idempotency_key(request),
                deps=self._deps,
                is_told_as_event=True,
            )
        view = await read_task(submission.task_id, key=key, deps=self._deps)
        return self._accepted(view, request, submission, own)

    async def show(self, request: Request) -> Answer:
        """Show a video."""
        key = await caller(request, self._deps)
        video_id: str = request.path_params["video_id"]
        return self._said(await read_task(video_id, key=key, deps=self._deps), request)

    async def list(self, request: Request) -> Answer:
        """List this account's videos, newest first unless `?order=asc`."""
        key = await caller(request, self._deps)
        query = request.query_params
        order = query.get("order", "desc")
        if order not in {"asc", "desc"}:
            message = f"order must be asc or desc, got {shown(order)}"
            raise InvalidFields([BrokenRule("order", message)])
        tasks, has_more = await own_tasks(
            key=key,
            after=query.get("after") or None,
            is_oldest_first=order == "asc",
            limit=_limit(query.get("limit")),
            deps=self._deps,
        )
        return json_answer(video_list(tasks, has_more=has_more, models=self._deps.models))

    async def delete(self, request: Request) -> Answer:
        """Erase a video, its files and its prompts; it is cancelled first if it is not done."""
        key = await caller(request, self._deps)
        video_id: str = request.path_params["video_id"]
        task_id = await delete_task(video_id, key=key, deps=self._deps)
        visit_of(request).task_id = task_id
        return json_answer(VideoDeleted(task_id, deleted=True, object="video.deleted"))

    async def content(self, request: Request) -> ASGIApp:
        """Send the film, or with `?variant=` a still of it: whole, or the part asked for."""
        key = await caller(request, self._deps)
        variant = request.query_params.get("variant", "video")
        if variant not in VARIANTS:
            message = f"variant must be {', '.join(VARIANTS)}, got {shown(variant)}"
            raise InvalidFields([BrokenRule("variant", message)])
        video_id: str = request.path_params["video_id"]
        file = await open_result(video_id, name=VARIANTS[variant], key=key, deps=self._deps)
        visit_of(request).task_id = file.asset.task_id
        return file_answer(request, file, storage=self._deps.storage)

    async def refuse(self, request: Request) -> Answer:
        """Say why there are no edits, extensions or characters."""
        await caller(request, self._deps)
        what = request.url.path.rpartition("/")[2]
        raise UnknownRoute(
            f"video {what} are not offered: no model here takes a video as its input;"
            " POST /v1/videos/{id}/remix makes a video again with another prompt"
        )

    def _body(self, request: Request) -> ReadBody:
        is_form = _is_form(request)
        return self._bodies.form(request) if is_form else self._bodies.json(request)

    def _translated(
        self, given: Mapping[str, object], request: Request, *, has_picture: bool = False
    ) -> OwnFields:
        named = {
            "model": model_name(
                given.get("model"), models=self._deps.models, aliases=self._settings.model_aliases
            )
        }
        model = find_model(named, self._deps.models)
        is_form = _is_form(request)
        own = own_fields(given, model=model, is_form=is_form, has_picture=has_picture)
        return replace(own, body={**own.body, **named})

    def _accepted(
        self, view: TaskView, request: Request, submission: Submission, own: OwnFields
    ) -> Answer:
        headers: list[tuple[bytes, bytes]] = [REPLAYED] if submission.is_replayed else []
        if own.passed_over:
            headers.append((PASSED_OVER, ", ".join(own.passed_over).encode("ascii")))
        return self._said(view, request, headers)

    def _said(self, view: TaskView, request: Request, more: RawHeaders = ()) -> Answer:
        visit_of(request).task_id = view.task.id
        headers = list(more)
        if not view.task.is_final:
            headers.append((POLL_AFTER, b"%d" % _poll_after_ms(view)))
        return json_answer(video(view.task, models=self._deps.models), headers=headers)


def _poll_after_ms(view: TaskView) -> int:
    """So often that a task is seen to move, and no oftener."""
    even_ms = view.estimated_time_s * 1000 // POLLS_EXPECTED
    return min(max(even_ms, POLL_MS_MIN), POLL_MS_MAX)


def _is_form(request: Request) -> bool:
    media = request.headers.get("content-type", "").partition(";")[0]
    return media.strip().lower() in {"multipart/form-data", URLENCODED}


def _idempotency_key(request: Request) -> str | None:
    return request.headers.get("idempotency-key")


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_DEFAULT
    limit = int(text) if _LIMIT_FORM.fullmatch(text) else 0
    if not 1 <= limit <= PAGE_MAX:
        message = f"limit must be 1 to {PAGE_MAX}, got {shown(text)}"
        raise InvalidFields([BrokenRule("limit", message)])
    return limit
