"""A fake APIMart: submit with idempotency keys, tasks, models. It rejects, charges and refunds as
the real one says it does, and makes nothing: see testing/upstream.py.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from filmgate.testing.upstream import FakeOrder, FakeUpstream, Outcome

SIZES_PX = {"480p": (832, 480), "720p": (1280, 720), "1080p": (1920, 1080)}
PRICE_USD = 0.15


class FakeApiMart(FakeUpstream):
    """The API of one account whose key is `key`."""

    kind = "apimart"
    key: ClassVar[str] = "sk-fake"

    def routes(self) -> list[BaseRoute]:
        """See FakeUpstream."""
        return [
            Route("/v1/videos/generations", self._submit, methods=["POST"]),
            Route("/v1/tasks/{id}", self._look, methods=["GET"]),
            Route("/v1/models", self._models, methods=["GET"]),
            Route("/films/{id}.mp4", self._film, methods=["GET"]),
        ]

    def operation(self, method: str, path: str) -> str:
        """See FakeUpstream."""
        if path == "/v1/videos/generations":
            return "submit"
        if path.startswith("/films/"):
            return "film"
        return "look" if method == "GET" and path.startswith("/v1/tasks/") else "other"

    async def _submit(self, request: Request) -> Response:
        if not self._knows(request):
            return _error(401, "authentication_error", "invalid API key")
        body: dict[str, Any] = await request.json()
        if "[rejected]" in body["prompt"]:
            return _error(400, "invalid_request_error", "sensitive content detected")
        key = request.headers.get("idempotency-key")
        named = [order for order in self.orders.values() if key and order.key == key]
        if named and named[0].body != body:
            return _error(409, "idempotency_error", "reused", code="idempotency_key_reused")
        order_id = f"task_{secrets.token_hex(13).upper()}"
        order = named[0] if named else self.take(order_id, body, key=key)
        return JSONResponse({"code": 200, "data": [{"status": "submitted", "task_id": order.id}]})

    async def _look(self, request: Request) -> Response:
        if not self._knows(request):
            return _error(401, "authentication_error", "invalid API key")
        order = self.orders.get(request.path_params["id"])
        if order is None:
            return _error(400, "invalid_request_error", "Invalid task ID")
        self.looked(order)
        task: dict[str, Any] = {"id": order.id, "created": 1763088289, "estimated_time": 60}
        if not self.is_over(order):
            task |= {"status": "processing", "progress": round(99 * self.share(order))}
        else:
            task |= {"progress": 100, "completed": 1763088308, **self._ending(order)}
        return JSONResponse({"code": 200, "data": task})

    def _ending(self, order: FakeOrder) -> dict[str, Any]:
        if order.outcome is Outcome.FAILED:
            error = {"code": 500, "message": "Generation failed", "type": "server_error"}
            return {"status": "failed", "error": error}
        if order.outcome is Outcome.REJECTED:
            error = {"code": "content_rejected", "message": "sensitive", "type": "task_failed"}
            return {"status": "failed", "error": error}
        film = {"url": [f"{self.url}/films/{order.id}.mp4"], "expires_at": 1763174708}
        return {"status": "completed", "cost": PRICE_USD, "result": {"videos": [film]}}

    async def _models(self, request: Request) -> Response:
        if not self._knows(request):
            return _error(401, "authentication_error", "invalid API key")
        return JSONResponse({"object": "list", "data": [{"id": "wan2.5-preview"}]})

    async def _film(self, request: Request) -> Response:
        order = self.orders[request.path_params["id"]]
        width, height = SIZES_PX[order.body["resolution"]]
        return self.film(order, width_px=width, height_px=height, duration_s=order.body["duration"])

    def _knows(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.key}"


def _error(status: int, kind: str, message: str, *, code: int | str | None = None) -> Response:
    error = {"code": status if code is None else code, "message": message, "type": kind}
    return JSONResponse({"error": error}, status)
