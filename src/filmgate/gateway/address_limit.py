"""A layer that keeps the rate of answers that no key stands behind, by address: files, pages,
whatever was refused for want of a key. Keys' own rates are kept where the caller is told (auth.py).

Door → AddressLimit → Faults → router
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmgate.domain.errors import RateLimited
from filmgate.gateway.door import QUIET_PATHS, visit_in
from filmgate.gateway.error_shapes import said_at_door
from filmgate.service.deps import Deps
from filmgate.service.limit_rate import address_turn, check_turn


class AddressLimit:
    """Answers 429 in place of what an address that asks too often would be sent."""

    def __init__(self, app: ASGIApp, *, deps: Deps) -> None:
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in QUIET_PATHS:
            await self._app(scope, receive, send)
            return
        is_refused = False

        async def send_if_few(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start":
                refusal = await self._refusal(scope)
                if refusal is not None:
                    is_refused = True
                    await said_at_door(refusal, scope)(scope, receive, send)
            if not is_refused:
                await send(message)

        await self._app(scope, receive, send_if_few)

    async def _refusal(self, scope: Scope) -> RateLimited | None:
        visit = visit_in(scope)
        if visit.key_id is not None:
            return None
        client = scope.get("client")
        turn = await address_turn(client[0] if client else None, deps=self._deps)
        visit.turn = visit.turn or turn
        try:
            check_turn(turn, what="requests without a key from one address")
        except RateLimited as refusal:
            return refusal
        return None
