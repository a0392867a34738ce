"""The DashScope door onto the same tasks: a task made here is visible at every other one.

POST /api/v1/services/aigc/video-generation/video-synthesis      GET  /api/v1/tasks/{id}
GET  /api/v1/tasks?page_no=&page_size=&status=&start_time=…      POST /api/v1/tasks/{id}/cancel

A slash at the end changes nothing: the package's async half puts one there. Files come in by
dashscope_uploads.py, errors go out by dashscope_errors.py.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from starlette.requests import Request

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import (
    BrokenRule,
    Forbidden,
    InvalidFields,
    InvalidTaskId,
    TaskNotCancellable,
)
from filmgate.domain.field_rule import shown
from filmgate.domain.task import Status, Task
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.apimart import REPLAYED
from filmgate.gateway.auth import caller
from filmgate.gateway.body import Bodies
from filmgate.gateway.dashscope_errors import NOT_CANCELLABLE
from filmgate.gateway.dashscope_fields import model_meant, own_fields
from filmgate.gateway.dashscope_wire import (
    STATUSES,
    Done,
    SynthesisPage,
    accepted,
    synthesis_row,
    synthesis_task,
    unknown,
)
from filmgate.gateway.door import DoorSettings, origin_of, visit_of
from filmgate.service.cancel_task import cancel_task
from filmgate.service.deps import Deps
from filmgate.service.grant_upload import link_to_upload
from filmgate.service.page_tasks import Sought, page_tasks
from filmgate.service.read_task import PAGE_MAX, own_task
from filmgate.service.submit_task import submit_task

ASYNC_HEADER = "X-DashScope-Async"
RESOLVE_HEADER = "X-DashScope-OssResourceResolve"
ENABLE = "enable"
OSS = "oss://"
PAGE_DEFAULT = 10
PAGE_NUMBER_MAX = 100_000
_STATUSES = {word: status for status, word in STATUSES.items()}
_NUMBER = re.compile(r"[0-9]{1,6}")
_MOMENT = re.compile(r"[0-9]{14}")


class Dashscope:
    """The handlers of the door."""

    def __init__(self, *, deps: Deps, settings: DoorSettings, bodies: Bodies) -> None:
        self._deps = deps
        self._settings = settings
        self._bodies = bodies

    async def create(self, request: Request) -> Answer:
        """Accept a film. Only the asynchronous way is offered, as by that API itself."""
        key = await caller(request, self._deps)
        if request.headers.get(ASYNC_HEADER, "").lower() != ENABLE:
            message = "current user api does not support synchronous calls: send the header"
            raise Forbidden(f"{message} {ASYNC_HEADER}: {ENABLE}")
        async with self._bodies.json(request) as body:
            own = own_fields(body, models=self._deps.models, aliases=self._settings.model_aliases)
            await self._find_uploads(own, request, key)
            submission = await submit_task(
                own,
                key=key,
                idempotency_key=request.headers.get("idempotency-key"),
                deps=self._deps,
            )
        visit = visit_of(request)
        visit.task_id = submission.task_id
        said = accepted(submission.task_id, request_id=visit.request_id)
        return json_answer(said, headers=[REPLAYED] if submission.is_replayed else [])

    async def show(self, request: Request) -> Answer:
        """Show a task. One that is not there, or whose film's time is over, is UNKNOWN."""
        key = await caller(request, self._deps)
        asked: str = request.path_params["task_id"]
        visit = visit_of(request)
        try:
            task = await own_task(asked, key=key, deps=self._deps)
        except InvalidTaskId:
            return json_answer(unknown(asked, request_id=visit.request_id))
        visit.task_id = task.id
        if task.expires_at is not None and task.expires_at <= self._deps.clock.now():
            return json_answer(unknown(task.id, request_id=visit.request_id))

        def link_of(storage_key: str, expires_at: datetime) -> str:
            path = self._deps.links.path(storage_key, expires_at=expires_at)
            return origin_of(request, self._settings) + path

        return json_answer(synthesis_task(task, link_of=link_of, request_id=visit.request_id))

    async def list(self, request: Request) -> Answer:
        """List this account's tasks of at most 24 hours, newest first, in numbered pages."""
        key = await caller(request, self._deps)
        page_no = _number(request, "page_no", default=1, most=PAGE_NUMBER_MAX)
        page_size = _number(request, "page_size", default=PAGE_DEFAULT, most=PAGE_MAX)
        sought = self._sought(request)
        tasks: list[Task] = []
        total = 0
        if sought is not None:
            tasks, total = await page_tasks(
                sought, page=page_no, page_length=page_size, key=key, deps=self._deps
            )
        said = SynthesisPage(
            total=total,
            data=[synthesis_row(task) for task in tasks],
            total_page=-(-total // page_size),
            page_no=page_no,
            page_size=page_size,
            request_id=visit_of(request).request_id,
        )
        return json_answer(said)

    async def cancel(self, request: Request) -> Answer:
        """Call a task off, if nobody works on it yet."""
        key = await caller(request, self._deps)
        task = await own_task(request.path_params["task_id"], key=key, deps=self._deps)
        visit = visit_of(request)
        visit.task_id = task.id
        if task.status is not Status.PENDING:
            raise TaskNotCancellable(NOT_CANCELLABLE)
        await cancel_task(task.id, key=key, deps=self._deps)
        return json_answer(Done(visit.request_id))

    async def _find_uploads(self, own: dict[str, object], request: Request, key: ApiKey) -> None:
        """Put links in the place of `oss://` URLs."""
        if "image_urls" in own:
            (url,) = cast("list[object]", own["image_urls"])
            own["image_urls"] = [await self._found(url, "img_url", request, key)]
        if "audio_url" in own:
            own["audio_url"] = await self._found(own["audio_url"], "audio_url", request, key)

    async def _found(self, url: object, param: str, request: Request, key: ApiKey) -> object:
        if not isinstance(url, str) or not url.startswith(OSS):
            return url
        if request.headers.get(RESOLVE_HEADER, "").lower() != ENABLE:
            message = f"{param} with {OSS} needs the header {RESOLVE_HEADER}: {ENABLE}"
            raise InvalidFields([BrokenRule(param, f"{message}, got {shown(url)}")])
        name = url.removeprefix(OSS)
        path = await link_to_upload(name, param=param, key=key, deps=self._deps)
        return origin_of(request, self._settings) + path

    def _sought(self, request: Request) -> Sought | None:
        """What the query narrows the list to; None: to nothing."""
        query = request.query_params
        if (region := query.get("region")) is not None:
            message = f"region is not taken: this server is one place, got {shown(region)}"
            raise InvalidFields([BrokenRule("region", message)])
        status = query.get("status")
        if status is not None and status not in _STATUSES:
            names = ", ".join(_STATUSES)
            message = f"status must be one of {names}, got {shown(status)}"
            raise InvalidFields([BrokenRule("status", message)])
        since, until = _moment(request, "start_time"), _moment(request, "end_time")
        sought = Sought(
            since=since,
            until=until and until + timedelta(seconds=1),
            status=_STATUSES[status] if status else None,
            api_key_id=query.get("api_key_id"),
        )
        if (name := query.get("model_name")) is None:
            return sought
        models, aliases = self._deps.models, self._settings.model_aliases
        meant = model_meant(name, models=models, aliases=aliases)
        if meant is None:
            return None
        has_picture = None if meant.mode is None else meant.mode == "i2v"
        return replace(sought, model=meant.model.id, has_picture=has_picture)


def _number(request: Request, name: str, *, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= number <= most:
        message = f"{name} must be 1 to {most}, got {shown(text)}"
        raise InvalidFields([BrokenRule(name, message)])
    return number


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        if _MOMENT.fullmatch(text) and "1971" <= text < "2200":
            return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        pass
    message = f"{name} must be YYYYMMDDhhmmss, in UTC, got {shown(text)}"
    raise InvalidFields([BrokenRule(name, message)])
