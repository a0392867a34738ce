"""Turns whatever a handler raises into an answer (contract, section 3). It knows no handler.

Each door's errors have its own shape (error_shapes.py), also for paths and methods it has not.
"""

from __future__ import annotations

import traceback

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from filmgate.domain.errors import FilmgateError, InvalidRequest, MethodNotAllowed, UnknownRoute
from filmgate.domain.field_rule import shown
from filmgate.gateway.door import visit_in
from filmgate.gateway.error_shapes import said_at_door

FRAMES_MAX = 30

_log = structlog.get_logger("filmgate.gateway")


class Faults:
    """Answers for handlers that raise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            _log.info("request.abandoned", request_id=visit_in(scope).request_id)
        except HTTPException as error:
            found, allow = _route_error(error, scope)
            await said_at_door(found, scope, allow=allow)(scope, receive, send)
        except FilmgateError as error:
            if visit_in(scope).status or error.http_status < 400 or error.http_status == 500:
                await self._answer_unknown(error, scope, receive, send)
            else:
                _tell(error, scope)
                await said_at_door(error, scope)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last handler: nothing may pass it
            await self._answer_unknown(error, scope, receive, send)

    async def _answer_unknown(
        self, error: Exception, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Log an error that nobody foresaw, and say no more of it than its request's id.

        Once an answer has begun nothing can be said any more; the server then cuts the connection,
        because the answer stays short of its length.
        """
        visit = visit_in(scope)
        _log.error(
            "request.failed", request_id=visit.request_id, path=scope["path"], trace=_trace(error)
        )
        if not visit.status:
            said = FilmgateError(f"internal error; the request id is {visit.request_id}")
            await said_at_door(said, scope)(scope, receive, send)


def _trace(error: BaseException) -> list[str]:
    """Where it happened and what it is called. Messages and locals may hold prompts: left out."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    said = [type(error).__qualname__]
    said += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    cause = error.__cause__
    return said + (_trace(cause)[:FRAMES_MAX] if cause is not None else [])


def _route_error(error: HTTPException, scope: Scope) -> tuple[FilmgateError, str]:
    """What the router could not place, and the methods that the path has."""
    method, path = scope["method"], shown(scope["path"])
    if error.status_code == 405:
        allow = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        said = f"{path} does not take {shown(method)}; it takes {allow}"
        return MethodNotAllowed(said), allow
    if error.status_code == 404:
        return UnknownRoute(f"no such path: {path}; /openapi.json lists them all"), ""
    return InvalidRequest(f"the request to {path} cannot be served"), ""


def _tell(error: FilmgateError, scope: Scope) -> None:
    if error.http_status >= 500:
        visit = visit_in(scope)
        _log.warning("request.refused", request_id=visit.request_id, code=error.code)
