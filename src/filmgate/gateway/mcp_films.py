"""The films of one API key, for the tools of agents: each method asks a verb. It knows no tool."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request

from filmgate.domain.api_key import ApiKey, KeyScope
from filmgate.domain.ids import TaskId
from filmgate.gateway.apimart import Telling, said
from filmgate.gateway.auth import address_of
from filmgate.gateway.door import DoorSettings, visit_of
from filmgate.gateway.model_schema import markdown
from filmgate.gateway.models import model_object
from filmgate.gateway.uploads import upload_object
from filmgate.ports.films import JsonObject
from filmgate.service.authenticate import admit
from filmgate.service.deps import Deps
from filmgate.service.keep_upload import keep_upload
from filmgate.service.read_task import read_task
from filmgate.service.submit_task import find_model, submit_task
from filmgate.service.watch import TaskWatch


class KeyFilms:
    """The Films port, for whoever made the request."""

    def __init__(
        self, request: Request, *, key: ApiKey, deps: Deps, settings: DoorSettings, watch: TaskWatch
    ) -> None:
        self._request = request
        self._key = key
        self._deps = deps
        self._settings = settings
        self._watch = watch
        self._submitted: TaskId | None = None
        """What this request has made, it may follow to its end."""

    async def models(self) -> list[JsonObject]:
        """See Films."""
        models = [each for each in self._deps.models.values() if self._key.may_use(each.id)]
        return [msgspec.to_builtins(model_object(each, ["parameters"])) for each in models]

    async def documentation(self, model: str) -> str:
        """See Films."""
        return markdown(find_model({"model": model}, self._deps.models))

    async def upload_image(self, content: bytes) -> str:
        """See Films."""
        self._check(KeyScope.GENERATE)

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        asset = await keep_upload(
            chunks(), kind="image", filename="image", key=self._key, deps=self._deps
        )
        kept = upload_object(asset, self._request, deps=self._deps, settings=self._settings)
        return kept.url

    async def submit(self, fields: JsonObject) -> str:
        """See Films."""
        self._check(KeyScope.GENERATE)
        submission = await submit_task(fields, key=self._key, idempotency_key=None, deps=self._deps)
        self._submitted = submission.task_id
        return submission.task_id

    async def task(self, task_id: str, *, wait_s: float = 0) -> JsonObject:
        """See Films."""
        if task_id != self._submitted:
            self._check(KeyScope.READ)
        view = await read_task(task_id, key=self._key, deps=self._deps)
        if wait_s and not view.task.is_final:
            view = await self._watch.wait_change(
                view, key=self._key, wait_s=wait_s, deps=self._deps
            )
        visit_of(self._request).task_id = view.task.id
        shown = said(view, self._request, Telling(), deps=self._deps, settings=self._settings)
        return msgspec.to_builtins(shown)

    def _check(self, scope: KeyScope) -> None:
        admit(self._key, one_of=(scope,), address=address_of(self._request))
