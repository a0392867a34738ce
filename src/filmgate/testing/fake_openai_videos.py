"""Fakes of servers that speak `/v1/videos`, with the habits of vLLM-Omni and of SGLang diffusion.

They make nothing: see testing/upstream.py.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from filmgate.testing.upstream import FakeOrder, FakeUpstream, Outcome


class FakeVllmOmni(FakeUpstream):
    """vLLM-Omni: multipart only, progress 0 then 100, failed films as HTTP errors, DELETE stops."""

    kind = "vllm-omni"
    key: ClassVar[str] = ""
    served_model: ClassVar[str] = "Wan-AI/Wan2.2-TI2V-5B-Diffusers"

    def routes(self) -> list[BaseRoute]:
        """See FakeUpstream."""
        return [
            Route("/v1/videos", self._submit, methods=["POST"]),
            Route("/v1/videos", self._list, methods=["GET"]),
            Route("/v1/videos/{id}", self._look, methods=["GET"]),
            Route("/v1/videos/{id}", self._delete, methods=["DELETE"]),
            Route("/v1/videos/{id}/content", self._content, methods=["GET"]),
        ]

    def operation(self, method: str, path: str) -> str:
        """See FakeUpstream."""
        if path.endswith("/content"):
            return "film"
        if path == "/v1/videos":
            return "submit" if method == "POST" else "other"
        return "cancel" if method == "DELETE" else "look"

    async def _submit(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return _error(422, "the body must be multipart/form-data")
        async with request.form() as form:
            body: dict[str, Any] = {
                name: value if isinstance(value, str) else await value.read()
                for name, value in form.items()
            }
        if body.get("model") not in {None, self.served_model}:
            return _error(400, f"Model mismatch: this server serves {self.served_model}")
        order = self.take(self._new_id(), body)
        return JSONResponse(self._film_of(order))

    def _new_id(self) -> str:
        return f"video_gen_{secrets.token_hex(8)}"

    async def _look(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None:
            return _error(404, "Video not found")
        self.looked(order)
        told = self._film_of(order)
        return JSONResponse(told, 500 if told["status"] == "failed" else 200)

    def _film_of(self, order: FakeOrder) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": order.id,
            "object": "video",
            "seconds": order.body["seconds"],
            "size": order.body["size"],
            "progress": self._percent(order),
        }
        if not self.is_over(order):
            return {**told, "status": "in_progress"}
        if order.outcome in {Outcome.FAILED, Outcome.REJECTED}:
            error = {"code": "internal_error", "message": "CUDA out of memory"}
            return {**told, "status": "failed", "error": error}
        return {**told, "status": "completed"}

    def _percent(self, order: FakeOrder) -> int:
        return 100 if self.is_over(order) else 0

    async def _delete(self, request: Request) -> Response:
        order = self.orders.pop(request.path_params["id"], None)
        if order is None:
            return _error(404, "Video not found")
        order.is_cancelled = True
        self.cancelled.append(order)
        return JSONResponse({"id": order.id, "deleted": True, "object": "video.deleted"})

    async def _content(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None or not self.is_over(order):
            return _error(404, "Video is not ready")
        width, height = (int(side) for side in order.body["size"].split("x"))
        seconds = float(order.body["seconds"])
        return self.film(order, width_px=width, height_px=height, duration_s=seconds)

    async def _list(self, request: Request) -> Response:
        del request
        return JSONResponse({"object": "list", "data": [], "has_more": False})


class FakeSglang(FakeVllmOmni):
    """SGLang: progress per step up to 99, failed films with HTTP 200, any model name."""

    kind = "sglang"

    def _new_id(self) -> str:
        return secrets.token_hex(16)

    def _percent(self, order: FakeOrder) -> int:
        return 100 if self.is_over(order) else min(99, round(self.share(order) * 100))

    async def _look(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None:
            return _error(404, "Video not found")
        self.looked(order)
        return JSONResponse(self._film_of(order))


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": status}}, status)
