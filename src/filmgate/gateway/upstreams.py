"""What upstreams call: news of films that were ordered there. It reads no body.

POST /v1/upstreams/task_…/<token>/callback → 204
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from filmgate.gateway.answers import Answer
from filmgate.service.deps import Deps
from filmgate.service.hear_upstream import PATH, hear_upstream

CALLBACK_PATH = PATH + "{task_id}/{token}/callback"


class UpstreamCallbacks:
    """The handler of callbacks."""

    def __init__(self, *, deps: Deps) -> None:
        self._deps = deps

    async def hear(self, request: Request) -> ASGIApp:
        """Pass on that there is news of a task."""
        task_id, token = request.path_params["task_id"], request.path_params["token"]
        await hear_upstream(task_id, token, deps=self._deps)
        return Answer(b"", status=204)
