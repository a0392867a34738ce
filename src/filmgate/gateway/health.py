"""Whether the server lives and is ready, and what its API is. Nobody needs a key here."""

from __future__ import annotations

from starlette.requests import Request

from filmgate.domain.errors import DatabaseAway
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.wire import Health
from filmgate.service.deps import Deps


class HealthPages:
    """The handlers of /healthz, /readyz and /openapi.json."""

    def __init__(self, *, deps: Deps, openapi: bytes) -> None:
        self._deps = deps
        self._openapi = openapi

    async def live(self, request: Request) -> Answer:  # noqa: ARG002
        """Answer as long as the process does."""
        return json_answer(Health("ok"))

    async def ready(self, request: Request) -> Answer:  # noqa: ARG002
        """Answer 200 when the database answers and has this release's schema, else 503."""
        try:
            is_ready = await self._deps.store.is_ready()
        except DatabaseAway:
            is_ready = False
        if is_ready:
            return json_answer(Health("ok"))
        return json_answer(Health("unavailable"), status=503, headers=((b"retry-after", b"1"),))

    async def openapi(self, request: Request) -> Answer:  # noqa: ARG002
        """Describe the API as OpenAPI 3.1."""
        headers = (
            (b"content-type", b"application/json"),
            (b"cache-control", b"public, max-age=60"),
        )
        return Answer(self._openapi, headers=headers)
