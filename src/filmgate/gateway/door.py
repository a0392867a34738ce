"""The outermost layer: request ids, security headers, the access log. It answers nothing itself.

Door → (CORS, if origins are set) → Faults → router → a handler
"""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from filmgate.domain.turn import Turn
from filmgate.gateway.proxies import Proxies
from filmgate.service.hear_upstream import PATH

REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
HOST_FORM = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
CALLBACK_FORM = re.compile(rf"^({PATH}[^/]*/).*")
"""What an upstream calls has its secret in the path: the log leaves that out."""
QUIET_PATHS = frozenset({"/healthz", "/readyz"})
VISIT = "filmgate.visit"
RATE_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
OLDER_PREFIX = "X-"

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_UNLESS_SET = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_log = structlog.get_logger("filmgate.access")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """What the gateway must know of the configuration."""

    version: str
    public_url: str = ""
    """How callers reach this server, without a slash at the end. Empty: as the request says."""
    trusted_networks: tuple[str, ...] = ()
    """Proxies whose X-Forwarded-* headers are believed: addresses or networks."""
    cors_origins: tuple[str, ...] = ()
    """Origins that browsers may call from; `*` for all."""
    body_bytes_max: int = 28 * 2**20
    large_bodies_max: int = 4
    model_aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Other names for models, at the doors whose clients bring their own."""
    image_bytes_max: int = 20 * 2**20
    audio_bytes_max: int = 15 * 2**20


class Visit:
    """One request, as the access log will tell it."""

    __slots__ = ("key_id", "request_id", "status", "task_id", "turn")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.status = 0
        """0 until an answer has begun."""
        self.key_id: str | None = None
        self.task_id: str | None = None
        self.turn: Turn | None = None
        """What came of the rate limit, where there is one."""


def visit_of(request: Request) -> Visit:
    """Return the visit that the door opened for a request."""
    return visit_in(request.scope)


def visit_in(scope: Scope) -> Visit:
    """Return the visit that the door put into a scope."""
    return cast("Visit", scope[VISIT])


class Door:
    """Gives every request an id, every answer its headers, and the log one line. Pure ASGI."""

    def __init__(self, app: ASGIApp, *, settings: DoorSettings) -> None:
        self._app = app
        self._proxies = Proxies(settings.trusted_networks) if settings.trusted_networks else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()
        if self._proxies is not None:
            self._proxies.believe(scope)
        visit = Visit(_request_id(scope))
        scope[VISIT] = visit
        bind_contextvars(request_id=visit.request_id)
        try:
            await self._app(scope, receive, _Sender(send, visit))
        finally:
            _tell(scope, visit, time.perf_counter() - began_s)


class _Sender:
    """Sends an answer on, with the headers that every answer has."""

    __slots__ = ("_send", "_visit")

    def __init__(self, send: Send, visit: Visit) -> None:
        self._send = send
        self._visit = visit

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._visit.status = message["status"]
            given = cast("list[tuple[bytes, bytes]]", message["headers"])
            names = {name for name, _ in given}
            request_id = (b"x-request-id", self._visit.request_id.encode("latin-1"))
            defaults = [header for header in _UNLESS_SET if header[0] not in names]
            rate = _rate_headers(self._visit.turn) if self._visit.turn is not None else ()
            message["headers"] = [*given, request_id, *rate, *_SECURITY, *defaults]
        await self._send(message)


def _rate_headers(turn: Turn) -> list[tuple[bytes, bytes]]:
    """The limit, what is left of it, and in how many seconds its present window ends; under the
    names of the IETF's draft and the older ones.
    """
    values = (turn.most, turn.remaining, math.ceil(turn.reset_s))
    return [
        ((prefix + name).lower().encode("ascii"), b"%d" % value)
        for prefix in ("", OLDER_PREFIX)
        for name, value in zip(RATE_HEADERS, values, strict=True)
    ]


def _request_id(scope: Scope) -> str:
    """The caller's id if it is a sane one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if REQUEST_ID_FORM.fullmatch(text):
                return text
            break
    return secrets.token_hex(16)


def _tell(scope: Scope, visit: Visit, took_s: float) -> None:
    tell = _log.debug if scope["path"] in QUIET_PATHS else _log.info
    client = scope.get("client")
    ids = {"key_id": visit.key_id, "task_id": visit.task_id}
    tell(
        "request.answered",
        request_id=visit.request_id,
        method=scope["method"],
        path=CALLBACK_FORM.sub(r"\1…/callback", scope["path"]),
        status=visit.status,
        took_ms=round(took_s * 1000, 1),
        client=client[0] if client else "-",
        **{name: value for name, value in ids.items() if value is not None},
    )


def origin_of(request: Request, settings: DoorSettings) -> str:
    """Return scheme and host under which the caller reaches this server, such as `https://films.example`."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = Headers(scope=request.scope).get("host", "")
    if not HOST_FORM.fullmatch(host):
        address, port = request.scope.get("server") or ("127.0.0.1", None)
        host = f"[{address}]" if ":" in address else address
        host = f"{host}:{port}" if port else host
    return f"{request.scope['scheme']}://{host}"
