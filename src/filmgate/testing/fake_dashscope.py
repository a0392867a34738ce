"""A fake DashScope: video synthesis, tasks, uploads, with the JSON of the real one. No film is
charged and none is new: see testing/upstream.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from filmgate.testing.upstream import FakeOrder, FakeUpstream, Outcome

SYNTHESIS = "/api/v1/services/aigc/video-generation/video-synthesis"
AREAS_PX = {"480P": (832, 480), "720P": (1280, 720), "1080P": (1920, 1080)}


class FakeDashScope(FakeUpstream):
    """The API of one account whose key is `key`."""

    kind = "dashscope"
    key: ClassVar[str] = "sk-fake"
    uploads: dict[str, bytes]

    def __init__(self, *, seconds: float = 0.0, outcome: Outcome = Outcome.DONE) -> None:
        super().__init__(seconds=seconds, outcome=outcome)
        self.uploads = {}

    def routes(self) -> list[BaseRoute]:
        """See FakeUpstream."""
        return [
            Route(SYNTHESIS, self._submit, methods=["POST"]),
            Route("/api/v1/tasks/{id}", self._look, methods=["GET"]),
            Route("/api/v1/tasks/{id}/cancel", self._cancel, methods=["POST"]),
            Route("/api/v1/uploads", self._policy, methods=["GET"]),
            Route("/oss", self._upload, methods=["POST"]),
            Route("/films/{id}.mp4", self._film, methods=["GET"]),
        ]

    def operation(self, method: str, path: str) -> str:  # noqa: ARG002 - the path tells
        """See FakeUpstream."""
        if path == SYNTHESIS:
            return "submit"
        if path.endswith("/cancel"):
            return "cancel"
        if path.startswith("/films/"):
            return "film"
        return "look" if path.startswith("/api/v1/tasks/") else "other"

    async def _submit(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "InvalidApiKey", "Invalid API-key provided.")
        if request.headers.get("x-dashscope-async") != "enable":
            message = "current user api does not support synchronous calls"
            return _error(403, "AccessDenied", message)
        body = await request.json()
        if "[rejected]" in body["input"]["prompt"]:
            return _error(
                400, "DataInspectionFailed", "Input data may contain inappropriate content."
            )
        order = self.take(secrets.token_hex(16), body)
        return _ok({"task_status": "PENDING", "task_id": order.id})

    async def _look(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "InvalidApiKey", "Invalid API-key provided.")
        order = self.orders.get(request.path_params["id"])
        if order is None:
            return _ok({"task_id": request.path_params["id"], "task_status": "UNKNOWN"})
        self.looked(order)
        if order.is_cancelled:
            return _ok({"task_id": order.id, "task_status": "CANCELED"})
        if not self.is_over(order):
            return _ok({"task_id": order.id, "task_status": "RUNNING"})
        return _ok({"task_id": order.id, **self._ending(order)})

    def _ending(self, order: FakeOrder) -> Mapping[str, Any]:
        match order.outcome:
            case Outcome.FAILED:
                message = "An internal error has occurred."
                return {"task_status": "FAILED", "code": "InternalError", "message": message}
            case Outcome.REJECTED:
                message = "Output data may contain inappropriate content."
                return {"task_status": "FAILED", "code": "DataInspectionFailed", "message": message}
            case _:
                return {
                    "task_status": "SUCCEEDED",
                    "video_url": f"{self.url}/films/{order.id}.mp4",
                    "orig_prompt": order.body["input"]["prompt"],
                    "actual_prompt": order.body["input"]["prompt"] + ", in soft light",
                }

    async def _cancel(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None or self.is_over(order):
            message = "Failed to cancel the task, please confirm if the task is in PENDING status."
            return _error(400, "UnsupportedOperation", message)
        order.is_cancelled = True
        self.cancelled.append(order)
        return JSONResponse({"request_id": secrets.token_hex(8)})

    async def _policy(self, request: Request) -> Response:
        data = {
            "policy": "cG9saWN5",
            "signature": "signature",
            "upload_dir": "dashscope-instant/fake",
            "upload_host": f"{self.url}/oss",
            "oss_access_key_id": "fake",
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
        assert request.query_params["action"] == "getPolicy"
        return JSONResponse({"request_id": secrets.token_hex(8), "data": data})

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            self.uploads[f"oss://{form['key']}"] = await file.read()
        return Response(status_code=200)

    async def _film(self, request: Request) -> Response:
        order = self.orders[request.path_params["id"]]
        parameters = order.body["parameters"]
        if "size" in parameters:
            width, height = (int(side) for side in parameters["size"].split("*"))
        else:
            width, height = AREAS_PX[parameters["resolution"]]
        return self.film(order, width_px=width, height_px=height, duration_s=parameters["duration"])


def _ok(output: Mapping[str, Any]) -> Response:
    return JSONResponse({"request_id": secrets.token_hex(8), "output": output})


def _error(status: int, code: str, message: str) -> Response:
    body = {"code": code, "message": message, "request_id": secrets.token_hex(8)}
    return JSONResponse(body, status)
