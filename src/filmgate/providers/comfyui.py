"""A ComfyUI of our own, with workflows that the operator exported.

    POST /upload/image   the cropped picture → its name there
    POST /prompt         the filled workflow → prompt_id, or 400 with what a node misses
    GET  /queue          running and pending prompts      WebSocket /ws  how far one is
    GET  /history/{id}   outputs and status, once it ended
    GET  /view           one output file
    POST /queue, /interrupt   take a pending one out, stop the running one

One file a mode: the options `text_to_video` and `image_to_video` name them; see
comfyui_workflow.py for the placeholders. A film that neither the queue nor the history knows went
with a restart.
Sources: ComfyUI's server.py; docs.comfy.org, "Server".
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from filmgate.domain.errors import ConfigError
from filmgate.domain.upstream_fault import (
    UpstreamAway,
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnfit,
)
from filmgate.ports.engine import Source
from filmgate.ports.provider import Account, UpstreamOrder, View, ViewState
from filmgate.providers.comfyui_progress import ProgressFeed
from filmgate.providers.comfyui_workflow import Values, Workflow
from filmgate.providers.exchange import Answer, Exchange, Json, only_options, said, whole_option

if TYPE_CHECKING:
    from filmgate.ports.fetcher import Fetcher

TEXT, IMAGE = "text_to_video", "image_to_video"
OPTIONS = frozenset({TEXT, IMAGE, "fps"})
FPS = 16
SEED_END = 2**31
FILM_ENDINGS = (".mp4", ".webm", ".mov", ".mkv")
OUTPUTS = ("videos", "gifs", "images")
"""Under which of these a node lists its films is the node's own choice."""


class ComfyUI:
    """The Provider port over one ComfyUI. A film lost with it costs nothing but its time."""

    kind = "comfyui"
    source = Source.TRAINED
    keeps_keys = False
    bills = False

    def __init__(self, account: Account, fetcher: Fetcher) -> None:
        """Read the workflows. Raises ConfigError."""
        only_options(account, OPTIONS)
        self._account, self.url = account, account.url
        self._fps = whole_option(account, "fps", FPS)
        self._workflows = {
            mode: Workflow.read(
                Path(str(account.options[mode])).expanduser(), has_image=mode == IMAGE
            )
            for mode in (TEXT, IMAGE)
            if mode in account.options
        }
        if not self._workflows:
            raise ConfigError(
                f"{account.name} needs the option {TEXT} or {IMAGE}: a file of ComfyUI's Export"
                " (API)"
            )
        headers = {"Authorization": f"Bearer {account.key}"} if account.key else {}
        self._exchange = Exchange(account, headers, fetcher)
        self._progress = ProgressFeed(account.url, headers)

    async def submit(self, order: UpstreamOrder) -> str:
        """See the port."""
        name = self._account.name
        mode = TEXT if order.image_path is None else IMAGE
        workflow = self._workflows.get(mode)
        if workflow is None:
            raise UpstreamUnfit(f"{name} has no workflow for {mode}")
        self._progress.start()
        image = await self._uploaded(order.image_path, order.key) if order.image_path else ""
        body = {
            "prompt": workflow.filled(self._values(order, image)),
            "client_id": self._progress.client_id,
        }
        answer = await self._exchange.ask("POST", "/prompt", json=body)
        prompt_id = (answer.json or {}).get("prompt_id")
        if answer.is_success and isinstance(prompt_id, str):
            self._progress.expect(prompt_id, node_count=workflow.node_count)
            return prompt_id
        raise self._fault(answer)

    async def look(self, upstream_id: str) -> View:
        """See the port. The queue is asked first: what leaves it stands in the history at once."""
        running, pending = await self._queue()
        if upstream_id in pending:
            return View(state=ViewState.WAITING, cost_micro_usd=0)
        if upstream_id in running:
            share = self._progress.share(upstream_id)
            return View(state=ViewState.RUNNING, progress=share, cost_micro_usd=0)
        answer = await self._exchange.ask("GET", f"/history/{upstream_id}")
        if not answer.is_success or answer.json is None:
            raise UpstreamSilent(f"{self._account.name} answered {answer.status} for its history")
        self._progress.forget(upstream_id)
        ended = answer.json.get(upstream_id)
        if not isinstance(ended, dict):
            return View(state=ViewState.LOST, cost_micro_usd=0, message="it was restarted")
        return self._ending(cast("Json", ended))

    async def fetch(
        self, view: View, upstream_id: str, target: Path, *, size_bytes_max: int
    ) -> None:
        """See the port."""
        if view.film_url is None:
            raise UpstreamSilent(f"{upstream_id} succeeded and names no film")
        await self._exchange.download(view.film_url, target, size_bytes_max=size_bytes_max)

    async def cancel(self, upstream_id: str) -> bool:
        """See the port. The running one is stopped only while it is ours."""
        running, pending = await self._queue()
        if upstream_id in pending:
            answer = await self._exchange.ask("POST", "/queue", json={"delete": [upstream_id]})
        elif upstream_id in running:
            answer = await self._exchange.ask("POST", "/interrupt", json={"prompt_id": upstream_id})
        else:
            return False
        return answer.is_success

    async def check(self) -> str:
        """See the port: asks for its version."""
        answer = await self._exchange.ask("GET", "/system_stats")
        system = (answer.json or {}).get("system")
        if not answer.is_success or not isinstance(system, dict):
            raise UpstreamSilent(f"{self._account.name} answered {answer.status} without a version")
        version = cast("Json", system).get("comfyui_version", "of unknown version")
        return f"{self.url} answered, ComfyUI {version}"

    async def close(self) -> None:
        """See the port."""
        await self._progress.close()
        await self._exchange.close()

    def _values(self, order: UpstreamOrder, image: str) -> Values:
        """One frame more than needed: models make 4k + 1 or 8k + 1 of them."""
        return {
            "prompt": order.prompt,
            "negative_prompt": order.negative_prompt,
            "seed": order.seed % SEED_END,
            "width": order.width_px,
            "height": order.height_px,
            "frames": self._fps * order.duration_s + 1,
            "fps": self._fps,
            "duration": order.duration_s,
            "image": image,
            "name": order.key,
        }

    async def _uploaded(self, path: Path, key: str) -> str:
        """Put the picture into ComfyUI's input folder and return its name there.

        No film is ordered yet, so silence is nothing worse than an upstream that is away.
        """
        content = await asyncio.to_thread(path.read_bytes)
        try:
            answer = await self._exchange.ask(
                "POST",
                "/upload/image",
                data={"type": "input", "overwrite": "true"},
                files={"image": (f"{key}.png", content, "image/png")},
            )
        except UpstreamSilent as silent:
            raise UpstreamAway(silent.message) from silent
        name = (answer.json or {}).get("name")
        if not answer.is_success or not isinstance(name, str):
            raise UpstreamAway(f"{self._account.name} did not take the picture: {answer.status}")
        return name

    async def _queue(self) -> tuple[frozenset[str], frozenset[str]]:
        """The ids that are running, and those that wait."""
        answer = await self._exchange.ask("GET", "/queue")
        queue = answer.json
        if not answer.is_success or queue is None or "queue_running" not in queue:
            raise UpstreamSilent(f"{self._account.name} answered {answer.status} without a queue")
        return _ids(queue["queue_running"]), _ids(queue.get("queue_pending"))

    def _ending(self, ended: Json) -> View:
        status = cast("Json", ended.get("status") or {})
        if status.get("status_str") == "error":
            message = _reason(cast("list[Any]", status.get("messages") or []))
            return View(state=ViewState.FAILED, cost_micro_usd=0, message=message)
        film = _film(cast("Json", ended.get("outputs") or {}))
        if film is None:
            message = "its workflow saved no film"
            return View(state=ViewState.FAILED, cost_micro_usd=0, message=message)
        named = {name: film.get(name, "") for name in ("filename", "subfolder", "type")}
        url = f"{self.url}/view?{urlencode(named)}"
        return View(state=ViewState.DONE, film_url=url, cost_micro_usd=0)

    def _fault(self, answer: Answer) -> UpstreamFault:
        message = f"{self._account.name}: {said(answer, 'message')}"
        match answer.status:
            case 400 | 401 | 403 | 404:
                return UpstreamRefused(message)
            case 429 | 503:
                return UpstreamBusy(message, retry_after_s=answer.retry_after_s)
            case _:
                return UpstreamSilent(message)


def _ids(entries: object) -> frozenset[str]:
    """Queue entries are lists: number, prompt_id, workflow, …"""
    return frozenset(str(entry[1]) for entry in cast("list[list[Any]]", entries or []))


def _film(outputs: Json) -> Json | None:
    """The last film that a node saved; one in the temporary folder only if there is no other."""
    found = [
        cast("Json", file)
        for node in outputs.values()
        for kind in OUTPUTS
        for file in node.get(kind) or ()
        if str(file.get("filename", "")).lower().endswith(FILM_ENDINGS)
    ]
    found.sort(key=lambda file: file.get("type") == "output")
    return found[-1] if found else None


def _reason(messages: list[Any]) -> str:
    """What the node that failed said; messages are pairs of a name and its data."""
    for name, data in messages:
        if name == "execution_error":
            return f"{data.get('node_type', 'a node')}: {data.get('exception_message', '')}"[:500]
        if name == "execution_interrupted":
            return "it was interrupted"
    return "a node failed"
