"""How far ComfyUI's prompts are, as its WebSocket tells: nodes done, and the share of the one at
work. It asks for nothing over HTTP.

    executing {node}          the one before it is done
    execution_cached {nodes}  done before
    progress {value, max}     sampling steps of the node at work

The package `websockets` is needed (`pip install filmgate[comfyui]`); without it nothing is known
but that a film is being made.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import msgspec
import structlog

log = structlog.get_logger()

PROMPTS_MAX = 1000
MESSAGE_BYTES_MAX = 2**24
"""Previews come on the same line."""


class _News(msgspec.Struct):
    type: str
    data: dict[str, Any]


@dataclass(slots=True)
class _Course:
    node_count: int = 0
    """0 until it is expected."""
    done: set[str] = field(default_factory=set[str])
    node: str | None = None
    share: float = 0.0


class ProgressFeed:
    """One connection to one ComfyUI, from the first order to the end."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.client_id = secrets.token_hex(16)
        """What prompts name, so that their news come here."""
        self._url = "ws" + url.removeprefix("http")
        self._headers = headers
        self._courses: dict[str, _Course] = {}
        self._listening: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Listen, unless it does already or cannot."""
        if self._listening is not None:
            return
        try:
            websockets = import_module("websockets.asyncio.client")
        except ImportError:
            log.info("comfyui.no_progress", reason="the package websockets is not installed")
            self._listening = asyncio.get_running_loop().create_future()
            return
        self._listening = asyncio.ensure_future(self._listen(websockets))

    def expect(self, prompt_id: str, *, node_count: int) -> None:
        """Learn how many nodes a prompt has. Its first news may have come before."""
        self._course(prompt_id).node_count = node_count

    def share(self, prompt_id: str) -> float | None:
        """Return the share of its nodes that is done, or None if nothing is known."""
        course = self._courses.get(prompt_id)
        if course is None or not course.node_count:
            return None
        return min(1.0, (len(course.done) + course.share) / course.node_count)

    def forget(self, prompt_id: str) -> None:
        """Drop what is known of a prompt that ended."""
        self._courses.pop(prompt_id, None)

    async def close(self) -> None:
        """Hang up."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    async def _listen(self, websockets: Any) -> None:
        url = f"{self._url}/ws?{urlencode({'clientId': self.client_id})}"
        try:
            connections = websockets.connect(
                url, additional_headers=self._headers, max_size=MESSAGE_BYTES_MAX, proxy=None
            )
            async for connection in connections:  # again after each end, with growing waits
                await self._read(connection)
        except (OSError, import_module("websockets.exceptions").WebSocketException) as error:
            log.warning("comfyui.no_progress", reason=type(error).__name__)

    async def _read(self, connection: Any) -> None:
        closed = import_module("websockets.exceptions").ConnectionClosed
        try:
            async for message in connection:
                if isinstance(message, str):
                    self._hear(message)
        except closed:
            log.info("comfyui.connection_ended")

    def _hear(self, message: str) -> None:
        try:
            news = msgspec.json.decode(message, type=_News)
        except msgspec.DecodeError:
            return
        data = news.data
        if not isinstance(data.get("prompt_id"), str):
            return
        course = self._course(data["prompt_id"])
        match news.type:
            case "execution_cached":
                course.done |= set(map(str, data.get("nodes") or ()))
            case "executing":
                if course.node is not None:
                    course.done.add(course.node)
                course.node, course.share = data.get("node"), 0.0
            case "progress" if data.get("max"):
                course.share = float(data.get("value", 0)) / float(data["max"])
            case _:
                pass

    def _course(self, prompt_id: str) -> _Course:
        if len(self._courses) >= PROMPTS_MAX:
            del self._courses[next(iter(self._courses))]
        return self._courses.setdefault(prompt_id, _Course())
