"""Turns whatever a handler raises into an answer (contract, section 3). It knows no handler."""

from __future__ import annotations

import traceback
from typing import cast

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from filmgate.domain.errors import FilmgateError, InvalidRequest, MethodNotAllowed, UnknownRoute
from filmgate.domain.field_rule import shown
from filmgate.gateway.answers import Answer, error_answer
from filmgate.gateway.door import VISIT, Visit

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
            _log.info("request.abandoned", request_id=_visit(scope).request_id)
        except HTTPException as error:
            await _route_answer(error, scope)(scope, receive, send)
        except FilmgateError as error:
            if _visit(scope).status or error.http_status < 400 or error.http_status == 500:
                await _answer_unknown(error, scope, receive, send)
            else:
                _tell(error, scope)
                await error_answer(error)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the last handler: nothing may pass it
            await _answer_unknown(error, scope, receive, send)


async def _answer_unknown(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Log an error that nobody foresaw, and say no more of it than its request's id.

    Once an answer has begun nothing can be said any more; the server then cuts the connection,
    because the answer stays short of its length.
    """
    visit = _visit(scope)
    _log.error(
        "request.failed", request_id=visit.request_id, path=scope["path"], trace=_trace(error)
    )
    if not visit.status:
        said = FilmgateError(f"internal error; the request id is {visit.request_id}")
        await error_answer(said)(scope, receive, send)


def _trace(error: BaseException) -> list[str]:
    """Where it happened and what it is called. Messages and locals may hold prompts: left out."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    said = [type(error).__qualname__]
    said += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    cause = error.__cause__
    return said + (_trace(cause)[:FRAMES_MAX] if cause is not None else [])


def _route_answer(error: HTTPException, scope: Scope) -> Answer:
    """What the router could not place."""
    method, path = scope["method"], shown(scope["path"])
    if error.status_code == 405:
        allow = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        said = f"{path} does not take {shown(method)}; it takes {allow}"
        return error_answer(MethodNotAllowed(said), allow=allow)
    if error.status_code == 404:
        return error_answer(UnknownRoute(f"no such path: {path}; /openapi.json lists them all"))
    return error_answer(InvalidRequest(f"the request to {path} cannot be served"))


def _tell(error: FilmgateError, scope: Scope) -> None:
    if error.http_status >= 500:
        visit = _visit(scope)
        _log.warning("request.refused", request_id=visit.request_id, code=error.code)


def _visit(scope: Scope) -> Visit:
    return cast("Visit", scope[VISIT])
