"""A fake LightX2V server: tasks with the caller's ids, one queue, no share done. It makes nothing:
see testing/upstream.py.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from filmgate.testing.upstream import FakeOrder, FakeUpstream, Outcome

SHAPE_PX = (480, 832)


class FakeLightX2V(FakeUpstream):
    """One server, started for one mode; it does not look which."""

    kind = "lightx2v"
    key: ClassVar[str] = ""

    def routes(self) -> list[BaseRoute]:
        """See FakeUpstream."""
        return [
            Route("/v1/tasks/video/", self._submit, methods=["POST"]),
            Route("/v1/tasks/queue/status", self._queue, methods=["GET"]),
            Route("/v1/tasks/{id}/status", self._look, methods=["GET"]),
            Route("/v1/tasks/{id}/result", self._result, methods=["GET"]),
            Route("/v1/tasks/{id}", self._stop, methods=["DELETE"]),
        ]

    def operation(self, method: str, path: str) -> str:
        """See FakeUpstream."""
        if path == "/v1/tasks/video/":
            return "submit"
        if path.endswith("/result"):
            return "film"
        if method == "DELETE":
            return "cancel"
        return "other" if path == "/v1/tasks/queue/status" else "look"

    async def _submit(self, request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        task_id = str(body.get("task_id") or secrets.token_hex(16))
        if task_id in self.orders:
            return _error(503, f"Task ID {task_id} already exists")
        self.take(task_id, body, key=body.get("task_id"))
        answer = {"task_id": task_id, "task_status": "pending", "save_result_path": task_id}
        return JSONResponse(answer)

    async def _look(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None:
            return _error(404, "Task not found")
        self.looked(order)
        status, error = self._status(order)
        return JSONResponse({"task_id": order.id, "status": status, "error": error})

    def _status(self, order: FakeOrder) -> tuple[str, str | None]:
        if order.is_cancelled:
            return "cancelled", "Task cancelled by user"
        if not self.is_over(order):
            return "processing", None
        if order.outcome in {Outcome.FAILED, Outcome.REJECTED}:
            return "failed", "CUDA out of memory"
        return "completed", None

    async def _result(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None or self._status(order)[0] != "completed":
            return _error(404, "Task not completed")
        height, width = order.body.get("target_shape", SHAPE_PX)
        seconds = (order.body["target_video_length"] - 1) / order.body["target_fps"]
        return self.film(order, width_px=width, height_px=height, duration_s=seconds)

    async def _stop(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None or self.is_over(order):
            reason = "Task not found or already completed."
            return JSONResponse({"stop_status": "do_nothing", "reason": reason})
        order.is_cancelled = True
        self.cancelled.append(order)
        return JSONResponse({"stop_status": "success", "reason": "Task stopped successfully."})

    async def _queue(self, request: Request) -> Response:
        del request
        waiting = sum(not self.is_over(order) for order in self.orders.values())
        return JSONResponse({"is_processing": waiting > 0, "pending_count": waiting})


def _error(status: int, message: str) -> Response:
    return JSONResponse({"detail": message}, status)
