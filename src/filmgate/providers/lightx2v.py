"""A server of our own that runs LightX2V, started for one kind of film.

    POST   /v1/tasks/video/         JSON, with a task_id of ours → the same one
    GET    /v1/tasks/{id}/status    pending, processing, completed, failed, cancelled; no share done
    GET    /v1/tasks/{id}/result    the MP4
    DELETE /v1/tasks/{id}           stops it

Text-to-video or image-to-video is chosen when such a server starts, so that both need two of them:
the option `mode` says what this one was started for. It keeps our ids, and so a repeated order is
none; once restarted it has forgotten everything, which a 404 tells.
Source: LightX2V of August 2026, its own sources.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from filmgate.domain.errors import ConfigError, UpstreamRejected
from filmgate.domain.upstream_fault import (
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnfit,
)
from filmgate.ports.engine import Source
from filmgate.ports.provider import Account, UpstreamOrder, View, ViewState
from filmgate.providers.exchange import (
    Answer,
    Exchange,
    only_options,
    said,
    table_option,
    whole_option,
)

if TYPE_CHECKING:
    from pathlib import Path

    from filmgate.ports.fetcher import Fetcher

TASKS = "/v1/tasks/"
OPTIONS = frozenset({"mode", "fps", "fields"})
TEXT, IMAGE = "text-to-video", "image-to-video"
FPS = 16
"""What Wan's models make, and what the server assumes."""
SEED_END = 2**31
STATES = {
    "pending": ViewState.WAITING,
    "processing": ViewState.RUNNING,
    "completed": ViewState.DONE,
    "failed": ViewState.FAILED,
    "cancelled": ViewState.FAILED,
}


class LightX2V:
    """The Provider port over one such server. A film lost with it costs nothing but its time."""

    kind = "lightx2v"
    source = Source.TRAINED
    keeps_keys = True
    bills = False

    def __init__(self, account: Account, fetcher: Fetcher) -> None:
        """Raises ConfigError."""
        only_options(account, OPTIONS)
        self._account, self.url = account, account.url
        self._mode = account.options.get("mode")
        if self._mode not in {TEXT, IMAGE}:
            raise ConfigError(
                f"{account.name} needs the option mode, {TEXT} or {IMAGE}, got {self._mode!r}"
            )
        self._fps = whole_option(account, "fps", FPS)
        self._fields = table_option(account, "fields")
        headers = {"Authorization": f"Bearer {account.key}"} if account.key else {}
        self._exchange = Exchange(account, headers, fetcher)

    async def submit(self, order: UpstreamOrder) -> str:
        """See the port."""
        if (TEXT if order.image_path is None else IMAGE) != self._mode:
            raise UpstreamUnfit(f"{self._account.name} makes {self._mode} only")
        body = await self._body(order)
        answer = await self._exchange.ask("POST", f"{TASKS}video/", json=body)
        task_id = (answer.json or {}).get("task_id")
        if answer.is_success and isinstance(task_id, str):
            return task_id
        if "already exists" in said(answer, "detail"):
            return order.key
        raise self._fault(answer)

    async def look(self, upstream_id: str) -> View:
        """See the port."""
        answer = await self._exchange.ask("GET", f"{TASKS}{upstream_id}/status")
        if answer.status == 404:
            return View(state=ViewState.LOST, cost_micro_usd=0, message="it was restarted")
        task = answer.json or {}
        state = STATES.get(str(task.get("status")))
        if state is None:
            raise UpstreamSilent(f"{self._account.name} answered {answer.status} without a status")
        message = str(task.get("error") or "") if state is ViewState.FAILED else ""
        return View(state=state, cost_micro_usd=0, message=message)

    async def fetch(
        self,
        view: View,  # noqa: ARG002 - the id leads to the film
        upstream_id: str,
        target: Path,
        *,
        size_bytes_max: int,
    ) -> None:
        """See the port."""
        url = f"{self.url}{TASKS}{upstream_id}/result"
        await self._exchange.download(url, target, size_bytes_max=size_bytes_max)

    async def cancel(self, upstream_id: str) -> bool:
        """See the port. It answers 200 also where there was nothing to stop."""
        answer = await self._exchange.ask("DELETE", TASKS + upstream_id)
        return (answer.json or {}).get("stop_status") == "success"

    async def check(self) -> str:
        """See the port: asks how long the queue is."""
        answer = await self._exchange.ask("GET", f"{TASKS}queue/status")
        queue = answer.json or {}
        if not answer.is_success or "pending_count" not in queue:
            raise UpstreamSilent(f"{self._account.name} answered {answer.status} without a queue")
        return f"{self.url} answered, {queue['pending_count']} films wait there"

    async def close(self) -> None:
        """See the port."""
        await self._exchange.close()

    async def _body(self, order: UpstreamOrder) -> dict[str, Any]:
        """Only what is set reaches the model; the rest is what the server was started with.

        One frame more than needed: Wan's models make 4k + 1 of them.
        """
        body: dict[str, Any] = {
            "task_id": order.key,
            "prompt": order.prompt,
            "seed": order.seed % SEED_END,
            "target_video_length": self._fps * order.duration_s + 1,
            "target_fps": self._fps,
            "target_shape": [order.height_px, order.width_px],
        }
        if order.negative_prompt:
            body["negative_prompt"] = order.negative_prompt
        if order.image_path is not None:
            content = await asyncio.to_thread(order.image_path.read_bytes)
            body["image_path"] = "data:image/png;base64," + base64.b64encode(content).decode()
            body["resize_mode"] = "fixed_shape"
        return body | dict(self._fields)

    def _fault(self, answer: Answer) -> UpstreamFault | UpstreamRejected:
        message = f"{self._account.name}: {said(answer, 'detail', 'message')}"
        match answer.status:
            case 401 | 403 | 404 | 422:
                return UpstreamRefused(message)
            case 400:
                return UpstreamRejected(message)
            case 429 | 503:
                return UpstreamBusy(message, retry_after_s=answer.retry_after_s)
            case _:
                return UpstreamSilent(message)
