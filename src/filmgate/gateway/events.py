"""A task as server-sent events: the same object at every change, until it has ended. With
?previews=true also word of each new picture of the film in the making: gateway/previews.py.

    id: 5f1c…           a digest of the object; Last-Event-ID sends it back
    event: task
    data: {"id":"task_…","status":"processing",…}

    : still here        every 15 s without a change, so that proxies keep the line open

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import nullcontext

import structlog
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import BrokenRule, InvalidFields, InvalidTaskId, Unavailable
from filmgate.domain.field_rule import shown
from filmgate.gateway.answers import Answer, encoded
from filmgate.gateway.apimart import read_telling, said
from filmgate.gateway.auth import caller
from filmgate.gateway.door import DoorSettings, visit_of
from filmgate.gateway.previews import preview_event
from filmgate.service.deps import Deps
from filmgate.service.previews import PreviewNews, PreviewWatch
from filmgate.service.read_task import TaskView, read_task
from filmgate.service.watch import TaskWatch

HEARTBEAT_S = 15.0
STREAMS_MAX = 2_000
HEARTBEATS_MAX = 960
"""A stream without any change ends after four hours; clients come back with Last-Event-ID."""

_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_HEARTBEAT = b": still here\n\n"
_log = structlog.get_logger("filmgate.gateway")


class Events:
    """The handler of GET /v1/tasks/{id}/events."""

    def __init__(
        self, *, deps: Deps, settings: DoorSettings, watch: TaskWatch, previews: PreviewWatch
    ) -> None:
        self._deps = deps
        self._settings = settings
        self._watch = watch
        self._previews = previews
        self._open = 0

    async def follow(self, request: Request) -> ASGIApp:
        """Tell every change of a task."""
        key = await caller(request, self._deps)
        read_telling(request)  # refused now, not within a stream that has begun
        wants_previews = _wants_previews(request)
        task_id: str = request.path_params["task_id"]
        view = await read_task(task_id, key=key, deps=self._deps)
        visit_of(request).task_id = view.task.id
        if request.method == "HEAD":
            return Answer(b"", headers=((b"content-type", _TYPE.encode()),))
        if view.task.is_final and self._event(view, request)[0] == _last_id(request):
            return Answer(b"", status=204)  # nothing is left to tell: browsers come back no more
        if self._open >= STREAMS_MAX:
            raise Unavailable(f"more than {STREAMS_MAX:,} event streams are open; poll instead")
        stream = self._stream(view, key, request, wants_previews=wants_previews)
        return StreamingResponse(stream, media_type=_TYPE, headers=_HEADERS)

    async def _stream(
        self, view: TaskView, key: ApiKey, request: Request, *, wants_previews: bool
    ) -> AsyncIterator[bytes]:
        following = self._previews.following(view.task.id) if wants_previews else nullcontext()
        self._open += 1
        try:
            async with following as news:
                async for event in self._events(view, key, request, news):
                    yield event
        except InvalidTaskId:
            _log.debug("stream.task_deleted", task_id=view.task.id)
        finally:
            self._open -= 1

    async def _events(
        self, view: TaskView, key: ApiKey, request: Request, news: PreviewNews | None
    ) -> AsyncIterator[bytes]:
        last_id, silent = _last_id(request), 0
        while True:
            event_id, event = self._event(view, request)
            has_preview = news is not None and news.is_new
            if event_id != last_id:
                last_id, silent = event_id, 0
                yield event
            elif not has_preview:
                silent += 1
                yield _HEARTBEAT
            if view.task.is_final or silent > HEARTBEATS_MAX:
                return
            if news is not None and has_preview:
                yield preview_event(view.task.id, news.told())
            view = await self._watch.wait_change(
                view, key=key, wait_s=HEARTBEAT_S, deps=self._deps, previews=news
            )

    def _event(self, view: TaskView, request: Request) -> tuple[str, bytes]:
        telling = read_telling(request)
        data = encoded(said(view, request, telling, deps=self._deps, settings=self._settings))
        event_id = hashlib.blake2b(data, digest_size=8).hexdigest()
        return event_id, b"id: %s\nevent: task\ndata: %s\n\n" % (event_id.encode(), data)


def _last_id(request: Request) -> str:
    return request.headers.get("last-event-id", "")


def _wants_previews(request: Request) -> bool:
    asked = request.query_params.get("previews", "false")
    if asked not in {"true", "false"}:
        message = f"previews must be true or false, got {shown(asked)}"
        raise InvalidFields([BrokenRule("previews", message)])
    return asked == "true"
