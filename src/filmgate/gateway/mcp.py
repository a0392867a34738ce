"""The door for agents: the Model Context Protocol over streamable HTTP. The tools stand elsewhere,
in filmgate/mcp.

POST /mcp     key → Host and Origin → the `mcp` package → the tools, as this key

There are no sessions: any gateway process answers any request. The package is loaded with the first
request, because it takes more memory than an idle gateway does.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from filmgate.domain.api_key import KeyScope
from filmgate.domain.errors import Forbidden, Unavailable
from filmgate.domain.field_rule import shown
from filmgate.gateway.auth import caller
from filmgate.gateway.door import DoorSettings
from filmgate.gateway.mcp_films import KeyFilms
from filmgate.service.deps import Deps
from filmgate.service.watch import TaskWatch

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

BODY_BYTES_MAX = 4 * 2**20
CALLS_MAX = 500
"""Requests at a time, those of agents that wait for a video among them."""
FILMS = "filmgate.films"


class McpDoor:
    """The handler of /mcp, and what runs behind it."""

    def __init__(self, *, deps: Deps, settings: DoorSettings, watch: TaskWatch) -> None:
        self._deps = deps
        self._settings = settings
        self._watch = watch
        self._is_wanted = asyncio.Event()
        self._is_open = asyncio.Event()
        self._protocol: StreamableHTTPSessionManager | None = None
        self._calls = 0

    async def run(self) -> None:
        """Serve the protocol from the first request on, for ever."""
        await self._is_wanted.wait()
        self._protocol = await asyncio.to_thread(_protocol)
        async with self._protocol.run():
            self._is_open.set()
            await asyncio.get_running_loop().create_future()

    async def serve(self, request: Request) -> ASGIApp:
        """Serve one message of an agent."""
        key = await caller(request, self._deps, one_of=(KeyScope.READ, KeyScope.GENERATE))
        check_source(request, self._settings)
        if self._calls >= CALLS_MAX:
            raise Unavailable(f"{self._calls} calls of agents are running already; try again soon")
        request.scope[FILMS] = KeyFilms(
            request, key=key, deps=self._deps, settings=self._settings, watch=self._watch
        )
        self._is_wanted.set()
        await self._is_open.wait()
        return self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._protocol is not None  # noqa: S101 - open only with it
        self._calls += 1
        try:
            await self._protocol.handle_request(scope, receive, send)
        finally:
            self._calls -= 1


def _protocol() -> StreamableHTTPSessionManager:
    from mcp.server.streamable_http_manager import (  # noqa: PLC0415 - with the first request
        StreamableHTTPSessionManager,
    )

    from filmgate.mcp.server import films_server  # noqa: PLC0415 - with the first request

    return StreamableHTTPSessionManager(
        films_server(lambda request: request.scope[FILMS], may_read_files=False),
        stateless=True,
        max_request_body_size=BODY_BYTES_MAX,
    )


def check_source(request: Request, settings: DoorSettings) -> None:
    """Refuse what a page of the web could have sent: DNS rebinding makes the browser of somebody
    inside call this server under a stranger's name. An address is no such name. Raises Forbidden.
    """
    host = _hostname(f"//{request.headers.get('host', '')}")
    own = _hostname(settings.public_url)
    if not (_is_local(host) or _is_address(host) or (own and host == own)):
        raise Forbidden(
            f"Host must be an address, localhost or that of public_url, got {shown(host)};"
            " the operator sets FILMGATE_PUBLIC_URL"
        )
    origin = request.headers.get("origin")
    if origin is None or {origin, "*"} & set(settings.cors_origins):
        return
    page = _hostname(origin)
    if not (_is_local(page) or page in {host, own}):
        raise Forbidden(
            f"Origin must be this server's or one of cors_origins, got {shown(origin)};"
            " the operator sets FILMGATE_CORS_ORIGINS"
        )


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
