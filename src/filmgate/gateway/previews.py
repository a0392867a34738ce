"""Pictures of a task for pages: of the film in the making, and moving ones of the film made.

GET /v1/tasks/{id}/preview.jpg                   while it is made: the newest frame
GET /v1/tasks/{id}/preview.webp  preview.gif     once it is made: its beginning, without sound

In the event stream with ?previews=true; without an id, so that Last-Event-ID stays a task's:

event: preview
data: {"number":7,"url":"/v1/tasks/task_…/preview.jpg?number=7"}
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp

from filmgate.domain.errors import Unavailable
from filmgate.domain.ids import TaskId
from filmgate.gateway.answers import Answer, encoded
from filmgate.gateway.auth import caller
from filmgate.gateway.door import visit_of
from filmgate.gateway.files import file_answer
from filmgate.service.deps import Deps
from filmgate.service.moving_preview import MovingPreviews
from filmgate.service.previews import read_preview

_HEADERS = ((b"content-type", b"image/jpeg"), (b"cache-control", b"private, no-store"))


class PreviewEvent(msgspec.Struct, frozen=True):
    """Word of a new picture; each number makes an address of its own."""

    number: int
    url: str


def preview_event(task_id: TaskId, number: int) -> bytes:
    """Return word of a new picture as a server-sent event."""
    url = f"/v1/tasks/{task_id}/preview.jpg?number={number}"
    return b"event: preview\ndata: %s\n\n" % encoded(PreviewEvent(number=number, url=url))


class PreviewPages:
    """The handlers of a task's pictures."""

    def __init__(self, *, deps: Deps) -> None:
        self._deps = deps
        animator = deps.animator
        self._moving = MovingPreviews(deps=deps, animator=animator) if animator else None

    async def newest(self, request: Request) -> ASGIApp:
        """Send the newest picture of a film in the making, or 204 while there is none: a picture
        may go with its task's end just when it is asked for, which is nobody's fault.
        """
        key = await caller(request, self._deps)
        task_id: str = request.path_params["task_id"]
        preview = await read_preview(task_id, key=key, deps=self._deps)
        visit_of(request).task_id = TaskId(task_id)
        if preview is None:
            return Answer(b"", status=204)
        return Answer(preview.jpeg, headers=_HEADERS)

    async def moving(self, request: Request) -> ASGIApp:
        """Send the beginning of a finished film as a moving picture."""
        if self._moving is None:
            raise Unavailable("this server draws no moving previews")
        key = await caller(request, self._deps)
        task_id, name = request.path_params["task_id"], request.url.path.rpartition("/")[2]
        file = await self._moving.open(task_id, name=name, key=key)
        visit_of(request).task_id = file.asset.task_id
        return file_answer(request, file, storage=self._deps.storage)
