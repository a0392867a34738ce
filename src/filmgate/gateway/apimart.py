"""The APIMart dialect: submit, task, list, cancel. It reads headers and queries, and asks verbs.

POST /v1/videos/generations          GET    /v1/tasks/{id}?language=&wait=
GET  /v1/tasks?q=&limit=&cursor=     DELETE /v1/tasks/{id}
POST /v1/tasks/{id}/cancel           ?expand=request says what would make a task's film again
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import UNSET
from starlette.requests import Request

from filmgate.domain.asset import referenced_key
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.task import Task
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.auth import caller
from filmgate.gateway.body import Bodies
from filmgate.gateway.door import DoorSettings, origin_of, visit_of
from filmgate.gateway.wire import (
    JsonObject,
    LinkOf,
    Submitted,
    SubmittedEnvelope,
    TaskDeleted,
    TaskDeletedEnvelope,
    TaskEnvelope,
    TaskObject,
    TaskPage,
    TaskTicket,
    TaskTicketEnvelope,
    task_object,
)
from filmgate.service.cancel_task import cancel_task
from filmgate.service.delete_task import delete_task
from filmgate.service.deps import Deps
from filmgate.service.read_task import (
    PAGE_MAX,
    TaskView,
    list_tasks,
    read_task,
    searched_until,
)
from filmgate.service.remix_task import body_of
from filmgate.service.submit_task import submit_task
from filmgate.service.watch import TaskWatch

VERSION_HEADER = "X-APIMart-Response-Version"
VERSION_KNOWN = "2026-07-27"
WAIT_S_MAX = 60
PAGE_DEFAULT = 20
EXPANDED = "request"

_WAIT_FORM = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?")
_LIMIT_FORM = re.compile(r"-?[0-9]{1,9}")
REPLAYED = (b"idempotency-replayed", b"true")
_VERSIONED = (VERSION_HEADER.lower().encode(), VERSION_KNOWN.encode())


class Apimart:
    """The handlers of the dialect."""

    def __init__(
        self, *, deps: Deps, settings: DoorSettings, watch: TaskWatch, bodies: Bodies
    ) -> None:
        self._deps = deps
        self._settings = settings
        self._watch = watch
        self._bodies = bodies

    async def submit(self, request: Request) -> Answer:
        """Accept a generation (contract, section 1)."""
        key = await caller(request, self._deps)
        is_versioned = _wants_version(request)
        async with self._bodies.json(request) as body:
            submission = await submit_task(
                body,
                key=key,
                idempotency_key=request.headers.get("idempotency-key"),
                deps=self._deps,
            )
        task_id = submission.task_id
        visit_of(request).task_id = task_id
        headers: list[tuple[bytes, bytes]] = [REPLAYED] if submission.is_replayed else []
        if not is_versioned:
            said = SubmittedEnvelope(200, [Submitted("submitted", task_id)])
            return json_answer(said, headers=headers)
        poll_url = f"{origin_of(request, self._settings)}/v1/tasks/{task_id}"
        ticket = TaskTicket(task_id, "generation.task", "pending", poll_url)
        headers.append(_VERSIONED)
        return json_answer(TaskTicketEnvelope(202, ticket), status=202, headers=headers)

    async def show(self, request: Request) -> Answer:
        """Show a task, with `?wait=` at its next change (contract, section 2).

        `?language=` chooses the language of `error.message`; an unknown one gives the original.
        """
        key = await caller(request, self._deps)
        telling, wait_s = read_telling(request), _wait_s(request)
        task_id: str = request.path_params["task_id"]
        view = await read_task(task_id, key=key, deps=self._deps)
        if wait_s and not view.task.is_final:
            view = await self._watch.wait_change(view, key=key, wait_s=wait_s, deps=self._deps)
        visit_of(request).task_id = view.task.id
        return json_answer(TaskEnvelope(200, self._said(view, request, telling)))

    async def list(self, request: Request) -> Answer:
        """List this account's tasks, newest first."""
        key = await caller(request, self._deps)
        query, telling = request.query_params, read_telling(request)
        limit = read_limit(query.get("limit"))
        # One more than asked tells whether there is another page.
        asked = limit + 1 if limit < PAGE_MAX else limit
        views = await list_tasks(
            key=key,
            before=query.get("cursor") or None,
            status=query.get("status") or None,
            model=query.get("model") or None,
            words=query.get("q") or "",
            limit=asked,
            deps=self._deps,
        )
        shown_views = views[:limit]
        has_more = len(views) == asked and (len(views) > limit or limit == PAGE_MAX)
        cursor = shown_views[-1].task.id if has_more else None
        if cursor is None and query.get("q"):
            cursor = await searched_until(
                key=key, before=query.get("cursor") or None, deps=self._deps
            )
        page = [self._said(view, request, telling) for view in shown_views]
        return json_answer(TaskPage(200, page, cursor))

    async def cancel(self, request: Request) -> Answer:
        """Call a task off."""
        key = await caller(request, self._deps)
        telling = read_telling(request)
        task_id: str = request.path_params["task_id"]
        view = await cancel_task(task_id, key=key, deps=self._deps)
        visit_of(request).task_id = view.task.id
        return json_answer(TaskEnvelope(200, self._said(view, request, telling)))

    async def delete(self, request: Request) -> Answer:
        """Erase a task, its files and its prompts; it is cancelled first if it has not ended."""
        key = await caller(request, self._deps)
        task_id = await delete_task(request.path_params["task_id"], key=key, deps=self._deps)
        visit_of(request).task_id = task_id
        return json_answer(TaskDeletedEnvelope(200, TaskDeleted(task_id, deleted=True)))

    def _said(self, view: TaskView, request: Request, telling: Telling) -> TaskObject:
        return said(view, request, telling, deps=self._deps, settings=self._settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a query wants tasks told."""

    language: str | None = None
    """Of `error.message`; None: the one that the task was submitted with."""
    has_request: bool = False
    """Whether with the body that would ask for the same film again."""


def read_telling(request: Request) -> Telling:
    """Return how a query wants tasks told. Raises InvalidFields.

    A language that messages are not written in stands for the original text, as in the public API.
    """
    language = request.query_params.get("language") or None
    expand = request.query_params.get("expand") or None
    if expand not in {None, EXPANDED}:
        rule = f"expand must be {EXPANDED}, got {shown(expand)}"
        raise InvalidFields([BrokenRule("expand", rule)])
    return Telling(language=language, has_request=expand is not None)


def said(
    view: TaskView, request: Request, telling: Telling, *, deps: Deps, settings: DoorSettings
) -> TaskObject:
    """Return a task's wire form, with links as this caller reaches the server."""

    def link_of(key: str, expires_at: datetime) -> str:
        return origin_of(request, settings) + deps.links.path(key, expires_at=expires_at)

    asked = _request_of(view.task, link_of, deps) if telling.has_request else UNSET
    return task_object(view, link_of=link_of, language=telling.language, request=asked)


def _request_of(task: Task, link_of: LinkOf, deps: Deps) -> JsonObject:
    """The body that would ask for this film again; links to its stored inputs end with its own."""
    body: JsonObject = body_of(task, deps=deps)
    image, audio = task.generation.image or "", task.generation.audio or ""
    ends_at = task.expires_at or deps.clock.now() + timedelta(seconds=deps.limits.result_ttl_s)
    if (key := referenced_key(image)) is not None:
        body["image_urls"] = [link_of(key, ends_at)]
    if (key := referenced_key(audio)) is not None:
        body["audio_url"] = link_of(key, ends_at)
    return body


def _wants_version(request: Request) -> bool:
    asked = request.headers.get(VERSION_HEADER)
    if asked is None or asked == VERSION_KNOWN:
        return asked is not None
    message = f"{VERSION_HEADER} must be {VERSION_KNOWN} or absent, got {shown(asked)}"
    raise InvalidFields([BrokenRule(VERSION_HEADER, message)])


def _wait_s(request: Request) -> float:
    text = request.query_params.get("wait")
    if text is None:
        return 0.0
    if not _WAIT_FORM.fullmatch(text) or float(text) > WAIT_S_MAX:
        message = f"wait must be 0 to {WAIT_S_MAX} seconds, got {shown(text)}"
        raise InvalidFields([BrokenRule("wait", message)])
    return float(text)


def read_limit(text: str | None) -> int:
    """Return a page's length from the query. Raises InvalidFields."""
    if text is None:
        return PAGE_DEFAULT
    limit = int(text) if _LIMIT_FORM.fullmatch(text) else 0
    if not 1 <= limit <= PAGE_MAX:
        message = f"limit must be 1 to {PAGE_MAX}, got {shown(text)}"
        raise InvalidFields([BrokenRule("limit", message)])
    return limit
