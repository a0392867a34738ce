"""A gateway for the tests of the client commands: the API's shapes, one scripted task, no rules."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TASK_ID = "task_01JQ0000000000000000007K3Q"
TOKEN = "fg_test"


class FakeGateway:
    """Serves one task, whose states are told beforehand; the last one stays. A context manager.

    `refusals` maps "METHOD /path" to answers (status, headers, body) that are given first.
    """

    def __init__(self, states: list[dict[str, Any]], *, film: bytes = b"") -> None:
        self.states = states
        self.film = film
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.refusals: dict[str, list[tuple[int, dict[str, str], dict[str, Any]]]] = {}
        self._seen = threading.Condition()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway._answer(self)

            def do_POST(self) -> None:
                gateway._answer(self)

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def wait_for(self, method: str, path: str, *, timeout_s: float = 20) -> None:
        """Return once such a request has come."""
        with self._seen:
            assert self._seen.wait_for(lambda: self.bodies(method, path) != [], timeout_s)

    def bodies(self, method: str, path: str) -> list[bytes]:
        """The bodies of all requests so far with this method and path."""
        return [body for m, p, _, body in self.requests if (m, p) == (method, path)]

    def submitted(self) -> list[dict[str, Any]]:
        """The bodies of all submits so far."""
        return [json.loads(body) for body in self.bodies("POST", "/v1/videos/generations")]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        with self._seen:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.requests.append((handler.command, parts.path, headers, body))
            self._seen.notify_all()
        waiting = self.refusals.get(f"{handler.command} {parts.path}")
        if waiting:
            status, headers, error = waiting.pop(0)
            _send(handler, status, json.dumps(error).encode(), headers)
        elif parts.path == f"/v1/files/{TASK_ID}.mp4":
            _send(handler, 200, self.film, {})
        else:
            answer = self._routes(handler.command, parts.path, parse_qs(parts.query))
            _send(handler, 200, json.dumps(answer).encode(), {})

    def _routes(self, method: str, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        routes: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("GET", "/readyz"): lambda: {"status": "ok"},
            ("POST", "/v1/uploads/images"): lambda: {"url": f"{self.url}/v1/files/an-image"},
            ("POST", "/v1/uploads/audios"): lambda: {"url": f"{self.url}/v1/files/a-sound"},
            ("POST", "/v1/videos/generations"): lambda: {
                "code": 200,
                "data": [{"status": "submitted", "task_id": TASK_ID}],
            },
            ("POST", f"/v1/tasks/{TASK_ID}/cancel"): self._cancelled,
            ("GET", f"/v1/tasks/{TASK_ID}"): lambda: {"code": 200, "data": self._next(query)},
            ("GET", "/v1/tasks"): lambda: {
                "code": 200,
                "data": self.states,
                "next_cursor": None,
            },
        }
        return routes[method, path]()

    def _next(self, query: dict[str, list[str]]) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state["status"] == "processing" and len(self.states) == 1 and "wait" in query:
            with self._seen:
                self._seen.wait(0.2)
        return state

    def _cancelled(self) -> dict[str, Any]:
        self.states = [task("cancelled", progress=100)]
        return {"code": 200, "data": self.states[0]}


def _send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]
) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def task(status: str, *, progress: int = 0, stage: str = "make", **more: Any) -> dict[str, Any]:
    """A task's `data` object."""
    return {
        "id": TASK_ID,
        "status": status,
        "progress": progress,
        "created": 1763088289,
        "estimated_time": 60,
        "model": "wan2.5-preview",
        "seed": 12345,
        "orig_prompt": "Sunset coastal highway",
        "queue_position": 0,
        "stage": stage,
        **more,
    }


def completed(url: str) -> dict[str, Any]:
    """A completed task whose film stands at the fake gateway `url`."""
    return task(
        "completed",
        progress=100,
        stage="done",
        completed=1763088308,
        actual_time=19,
        cost=0.332,
        credits_cost=3.32,
        engine="draft",
        result={"videos": [{"url": [f"{url}/v1/files/{TASK_ID}.mp4"], "expires_at": 1763174708}]},
    )
