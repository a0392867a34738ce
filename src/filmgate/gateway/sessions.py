"""Signing a browser in: a key for a cookie that scripts cannot read. What a key may do stays the
key's.

POST /v1/session {"key": "fg_…"}     GET /v1/session     DELETE /v1/session
"""

from __future__ import annotations

from starlette.requests import Request

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import InvalidRequest, Unauthorized
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.auth import (
    ANY_SCOPE,
    SESSION_COOKIE,
    address_of,
    caller,
    refuse_forgery,
)
from filmgate.gateway.body import Bodies
from filmgate.gateway.door import DoorSettings, origin_of, visit_of
from filmgate.gateway.wire import SessionEnvelope, SessionObject
from filmgate.service.deps import Deps
from filmgate.service.sign_in import SESSION_LIFE, sign_in, sign_out


class Sessions:
    """The handlers of /v1/session."""

    def __init__(self, *, deps: Deps, settings: DoorSettings, bodies: Bodies) -> None:
        self._deps = deps
        self._settings = settings
        self._bodies = bodies

    async def open(self, request: Request) -> Answer:
        """Sign in."""
        refuse_forgery(request)
        async with self._bodies.json(request) as body:
            token = body.get("key")
            if not isinstance(token, str) or set(body) != {"key"}:
                raise InvalidRequest("the body must be an object with the text `key` alone")
        signed_in = await sign_in(token.strip(), deps=self._deps, address=address_of(request))
        visit_of(request).key_id = signed_in.key.id
        said = SessionEnvelope(200, _said(signed_in.key))
        life_s = int(SESSION_LIFE.total_seconds())
        return json_answer(said, headers=[self._cookie(request, signed_in.token, life_s)])

    async def show(self, request: Request) -> Answer:
        """Say whose key requests are made with, or that there is none."""
        try:
            key = await caller(request, self._deps, one_of=ANY_SCOPE)
        except Unauthorized:
            return json_answer(SessionEnvelope(200, None))
        return json_answer(SessionEnvelope(200, _said(key)))

    async def close(self, request: Request) -> Answer:
        """Sign out. Without a session there is nothing to do."""
        token = request.cookies.get(SESSION_COOKIE)
        if token is not None:
            refuse_forgery(request)
            await sign_out(token, deps=self._deps)
        return Answer(b"", status=204, headers=[self._cookie(request, "", 0)])

    def _cookie(self, request: Request, token: str, life_s: int) -> tuple[bytes, bytes]:
        said = f"{SESSION_COOKIE}={token}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Strict"
        if origin_of(request, self._settings).startswith("https:"):
            said += "; Secure"
        return b"set-cookie", said.encode("ascii")


def _said(key: ApiKey) -> SessionObject:
    return SessionObject(key.name, key.prefix, [scope.value for scope in key.scopes])
