"""Whether the server lives and is ready, and the page at `/`. Nobody needs a key here."""

from __future__ import annotations

from html import escape

from starlette.requests import Request

from filmgate.domain.errors import DatabaseAway
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.wire import Health
from filmgate.service.deps import Deps

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>filmgate</title>
<style>
  body {{ font: 1.1rem/1.6 system-ui, sans-serif }}
  body {{ max-width: 36rem; margin: 4rem auto; padding: 0 1rem }}
  :root {{ color-scheme: light dark }}
</style>
<h1>filmgate {version}</h1>
<p>One gate for every video request. The API is described in
<a href="openapi.json">openapi.json</a>.</p>
"""
_PAGE_HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
)


class HealthPages:
    """The handlers of `/`, /healthz, /readyz and /openapi.json."""

    def __init__(self, *, deps: Deps, version: str, openapi: bytes) -> None:
        self._deps = deps
        self._page = _PAGE.format(version=escape(version)).encode()
        self._openapi = openapi

    async def home(self, request: Request) -> Answer:  # noqa: ARG002
        """Name the server."""
        return Answer(self._page, headers=_PAGE_HEADERS)

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
