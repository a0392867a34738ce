"""A fake ComfyUI: queue, history, uploads, WebSocket. It looks into no workflow beyond the texts
that WORKFLOW has, and makes nothing: see testing/upstream.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from filmgate.testing.upstream import FakeOrder, FakeUpstream, Outcome

WORKFLOW: Mapping[str, Any] = {
    "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}, film grain"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{negative_prompt}}"}},
    "3": {
        "class_type": "EmptyHunyuanLatentVideo",
        "inputs": {"width": "{{width}}", "height": "{{height}}", "length": "{{frames}}"},
    },
    "4": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "latent_image": ["3", 0]}},
    "5": {"class_type": "CreateVideo", "inputs": {"fps": "{{fps}}", "images": ["4", 0]}},
    "6": {"class_type": "SaveVideo", "inputs": {"filename_prefix": "{{name}}", "video": ["5", 0]}},
}
"""What a text-to-video workflow looks like."""
IMAGE_WORKFLOW: Mapping[str, Any] = {
    **WORKFLOW,
    "7": {"class_type": "LoadImage", "inputs": {"image": "{{image}}"}},
}


class FakeComfyUI(FakeUpstream):
    """One ComfyUI, whose workflows are those above."""

    kind = "comfyui"
    key: ClassVar[str] = ""

    def __init__(self, *, seconds: float = 0.0, outcome: Outcome = Outcome.DONE) -> None:
        super().__init__(seconds=seconds, outcome=outcome)
        self.uploads: dict[str, bytes] = {}
        self.listeners: dict[str, WebSocket] = {}

    def routes(self) -> list[BaseRoute]:
        """See FakeUpstream."""
        return [
            Route("/prompt", self._submit, methods=["POST"]),
            Route("/queue", self._queue, methods=["GET"]),
            Route("/queue", self._delete, methods=["POST"]),
            Route("/interrupt", self._interrupt, methods=["POST"]),
            Route("/history/{id}", self._history, methods=["GET"]),
            Route("/view", self._view, methods=["GET"]),
            Route("/upload/image", self._upload, methods=["POST"]),
            Route("/system_stats", self._stats, methods=["GET"]),
            WebSocketRoute("/ws", self._listen),
        ]

    def operation(self, method: str, path: str) -> str:
        """See FakeUpstream."""
        if path == "/prompt":
            return "submit"
        if path == "/view":
            return "film"
        if path == "/interrupt" or (path == "/queue" and method == "POST"):
            return "cancel"
        return "look" if path == "/queue" or path.startswith("/history/") else "other"

    async def _submit(self, request: Request) -> Response:
        body: dict[str, Any] = await request.json()
        nodes: dict[str, Any] = body["prompt"]
        if not isinstance(nodes["4"]["inputs"]["seed"], int):
            error = {"type": "prompt_outputs_failed_validation", "message": "failed validation"}
            return JSONResponse({"error": error, "node_errors": {"4": {}}}, 400)
        order = self.take(str(uuid.uuid1()), body)
        listener = self.listeners.get(body["client_id"])
        if listener is not None:
            for message in _news(order.id):
                await listener.send_json(message)
        return JSONResponse({"prompt_id": order.id, "number": 1, "node_errors": {}})

    async def _queue(self, request: Request) -> Response:
        del request
        busy: list[list[Any]] = [
            [0, order.id, {}] for order in self.orders.values() if not self.is_over(order)
        ]
        return JSONResponse({"queue_running": busy[:1], "queue_pending": busy[1:]})

    async def _history(self, request: Request) -> Response:
        order = self.orders.get(request.path_params["id"])
        if order is None or not self.is_over(order):
            return JSONResponse({})
        self.looked(order)
        return JSONResponse({order.id: self._ending(order)})

    def _ending(self, order: FakeOrder) -> Mapping[str, Any]:
        if order.is_cancelled:
            messages = [["execution_interrupted", {"prompt_id": order.id}]]
        elif order.outcome in {Outcome.FAILED, Outcome.REJECTED}:
            told = {"node_type": "KSampler", "exception_message": "CUDA out of memory"}
            messages = [["execution_error", told]]
        else:
            film = {"filename": f"{order.id}.mp4", "subfolder": "video", "type": "output"}
            outputs = {"6": {"images": [film], "animated": [True]}}
            return {"outputs": outputs, "status": {"status_str": "success", "completed": True}}
        status: dict[str, Any] = {"status_str": "error", "completed": False, "messages": messages}
        return {"outputs": {}, "status": status}

    async def _interrupt(self, request: Request) -> Response:
        body = await request.json()
        self._cancel([body["prompt_id"]])
        return Response()

    async def _delete(self, request: Request) -> Response:
        body = await request.json()
        self._cancel(body["delete"])
        for prompt_id in body["delete"]:
            self.orders.pop(prompt_id, None)
        return Response()

    def _cancel(self, prompt_ids: list[str]) -> None:
        for order in map(self.orders.__getitem__, prompt_ids):
            order.is_cancelled = True
            self.cancelled.append(order)

    async def _view(self, request: Request) -> Response:
        order = self.orders.get(request.query_params["filename"].removesuffix(".mp4"))
        if order is None:
            return Response(status_code=404)
        size = order.body["prompt"]["3"]["inputs"]
        fps = order.body["prompt"]["5"]["inputs"]["fps"]
        return self.film(
            order,
            width_px=size["width"],
            height_px=size["height"],
            duration_s=(size["length"] - 1) / fps,
        )

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["image"]
            assert not isinstance(file, str)
            name = f"{len(self.uploads)}-{file.filename}"
            self.uploads[name] = await file.read()
        return JSONResponse({"name": name, "subfolder": "", "type": "input"})

    async def _stats(self, request: Request) -> Response:
        del request
        return JSONResponse({"system": {"comfyui_version": "0.3.71"}, "devices": []})

    async def _listen(self, socket: WebSocket) -> None:
        await socket.accept()
        self.listeners[socket.query_params["clientId"]] = socket
        try:
            await socket.send_json({"type": "status", "data": {"status": {}}})
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            del self.listeners[socket.query_params["clientId"]]


def _news(prompt_id: str) -> list[Mapping[str, Any]]:
    """Half of the way: two nodes were cached, one is done, the fourth is halfway, of six."""

    def told(kind: str, **data: object) -> Mapping[str, Any]:
        return {"type": kind, "data": {"prompt_id": prompt_id, **data}}

    return [
        told("execution_cached", nodes=["1", "2"]),
        told("executing", node="3"),
        told("executing", node="4"),
        told("progress", node="4", value=10, max=20),
    ]
