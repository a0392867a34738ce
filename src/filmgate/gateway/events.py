"""A task as server-sent events: the same object at every change, until it has ended.

    id: 5f1c…           a digest of the object; Last-Event-ID sends it back
    event: task
    data: {"id":"task_…","status":"processing",…}

    : still here        every 15 s without a change, so that proxies keep the line open

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import structlog
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import InvalidTaskId, Unavailable
from filmgate.gateway.answers import Answer, encoded
from filmgate.gateway.apimart import said
from filmgate.gateway.auth import caller
from filmgate.gateway.door import DoorSettings, visit_of
from filmgate.service.deps import Deps
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

    def __init__(self, *, deps: Deps, settings: DoorSettings, watch: TaskWatch) -> None:
        self._deps = deps
        self._settings = settings
        self._watch = watch
        self._open = 0

    async def follow(self, request: Request) -> ASGIApp:
        """Tell every change of a task."""
        key = await caller(request, self._deps)
        task_id: str = request.path_params["task_id"]
        view = await read_task(task_id, key=key, deps=self._deps)
        visit_of(request).task_id = view.task.id
        if request.method == "HEAD":
            return Answer(b"", headers=((b"content-type", _TYPE.encode()),))
        if self._open >= STREAMS_MAX:
            raise Unavailable(f"more than {STREAMS_MAX:,} event streams are open; poll instead")
        stream = self._stream(view, key, request)
        return StreamingResponse(stream, media_type=_TYPE, headers=_HEADERS)

    async def _stream(self, view: TaskView, key: ApiKey, request: Request) -> AsyncIterator[bytes]:
        self._open += 1
        try:
            last_id, silent = request.headers.get("last-event-id", ""), 0
            while True:
                event_id, event = self._event(view, request)
                if event_id != last_id:
                    last_id, silent = event_id, 0
                    yield event
                else:
                    silent += 1
                    yield _HEARTBEAT
                if view.task.is_final or silent > HEARTBEATS_MAX:
                    return
                view = await self._watch.wait_change(
                    view, key=key, wait_s=HEARTBEAT_S, deps=self._deps
                )
        except InvalidTaskId:
            _log.debug("stream.task_deleted", task_id=view.task.id)
        finally:
            self._open -= 1

    def _event(self, view: TaskView, request: Request) -> tuple[str, bytes]:
        data = encoded(said(view, request, deps=self._deps, settings=self._settings))
        event_id = hashlib.blake2b(data, digest_size=8).hexdigest()
        return event_id, b"id: %s\nevent: task\ndata: %s\n\n" % (event_id.encode(), data)
