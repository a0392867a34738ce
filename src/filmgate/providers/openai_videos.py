"""A server of our own that speaks `/v1/videos`: vLLM-Omni, SGLang diffusion, or alike.

    POST   /v1/videos          multipart, text fields as parts too → the film
    GET    /v1/videos/{id}     the film; a failed one may come as HTTP 4xx or 5xx
    GET    /v1/videos/{id}/content, or its own url
    DELETE /v1/videos/{id}     stops it (vLLM-Omni), or only forgets it (SGLang)

One form serves both: every field below is declared by both servers. What comes back is not believed
in size, rate or length; media/footage.py brings it to the promised form. A 404 means that the
server was restarted and has forgotten everything.
Sources: vllm-omni 0.30.0 and sglang 0.5.23, their own sources.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filmgate.domain.errors import UpstreamRejected
from filmgate.domain.upstream_fault import (
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamSilent,
)
from filmgate.ports.engine import Source
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.provider import Account, UpstreamOrder, View, ViewState
from filmgate.providers.exchange import (
    Answer,
    Exchange,
    only_options,
    said,
    table_option,
    whole_option,
)

OPTIONS = frozenset({"model", "fields", "extra_params", "rename", "fps"})
STATES = {
    "queued": ViewState.WAITING,
    "in_progress": ViewState.RUNNING,
    "completed": ViewState.DONE,
    "failed": ViewState.FAILED,
    "deleted": ViewState.LOST,
}


class OpenAIVideos:
    """The Provider port over one such server. A film lost with it costs nothing but its time."""

    kind = "openai_videos"
    source = Source.TRAINED
    keeps_keys = False
    bills = False

    def __init__(self, account: Account, fetcher: Fetcher) -> None:
        """Raises ConfigError."""
        only_options(account, OPTIONS)
        self._account, self.url = account, account.url
        self._options = account.options
        self._fps = whole_option(account, "fps", 0) if "fps" in account.options else None
        self._fields, self._names = table_option(account, "fields"), table_option(account, "rename")
        headers = {"Authorization": f"Bearer {account.key}"} if account.key else {}
        self._exchange = Exchange(account, headers, fetcher)

    async def submit(self, order: UpstreamOrder) -> str:
        """See the port."""
        parts: list[tuple[str, Any]] = [
            (name, (None, _text(value))) for name, value in self._form(order).items()
        ]
        if order.image_path is not None:
            content = await asyncio.to_thread(order.image_path.read_bytes)
            parts.append(("input_reference", ("picture.png", content, "image/png")))
        answer = await self._exchange.ask("POST", "/v1/videos", files=parts)
        told = answer.json or {}
        if answer.is_success and isinstance(told.get("id"), str):
            return str(told["id"])
        raise self._fault(answer)

    async def look(self, upstream_id: str) -> View:
        """See the port. The body counts, whatever the status says."""
        answer = await self._exchange.ask("GET", f"/v1/videos/{upstream_id}")
        told = answer.json or {}
        state = STATES.get(str(told.get("status")))
        if state is None:
            if answer.status == 404:
                return View(state=ViewState.LOST, cost_micro_usd=0, message="it was restarted")
            raise UpstreamSilent(f"{self._account.name} answered {answer.status} without a status")
        progress = told.get("progress")
        url = told.get("url")
        return View(
            state=state,
            progress=progress / 100 if isinstance(progress, int | float) and progress else None,
            film_url=url if isinstance(url, str) else None,
            cost_micro_usd=0,
            message=said(answer, "message") if state is ViewState.FAILED else "",
        )

    async def fetch(
        self, view: View, upstream_id: str, target: Path, *, size_bytes_max: int
    ) -> None:
        """See the port."""
        url = view.film_url or f"{self.url}/v1/videos/{upstream_id}/content"
        await self._exchange.download(url, target, size_bytes_max=size_bytes_max)

    async def cancel(self, upstream_id: str) -> bool:
        """See the port. 409 means that it is still being cancelled: asked again later."""
        answer = await self._exchange.ask("DELETE", f"/v1/videos/{upstream_id}")
        return answer.is_success or answer.status == 404

    async def check(self) -> str:
        """See the port: asks for the list of films."""
        answer = await self._exchange.ask("GET", "/v1/videos", params={"limit": "1"})
        if answer.status in {401, 403}:
            raise UpstreamRefused(f"{self._account.name}: {said(answer, 'message', 'detail')}")
        if not answer.is_success:
            raise UpstreamSilent(f"{self._account.name} answered {answer.status}")
        return f"{self.url} answered and speaks /v1/videos"

    async def close(self) -> None:
        """See the port."""
        await self._exchange.close()

    def _form(self, order: UpstreamOrder) -> Mapping[str, object]:
        """The form's fields: ours, then the operator's, under the names that the operator gives.

        One frame more than needed: models make 4k + 1 or 8k + 1 of them.
        """
        fps = self._fps or order.fps
        fields: dict[str, object] = {
            "prompt": order.prompt,
            "size": f"{order.width_px}x{order.height_px}",
            "seconds": order.duration_s,
            "fps": fps,
            "num_frames": fps * order.duration_s + 1,
            "seed": order.seed % 2**31,
        }
        if order.negative_prompt:
            fields["negative_prompt"] = order.negative_prompt
        if "model" in self._options:
            fields["model"] = self._options["model"]
        fields |= self._fields
        if "extra_params" in self._options:
            fields["extra_params"] = self._options["extra_params"]
        renamed = {self._names.get(name, name): value for name, value in fields.items()}
        return {name: value for name, value in renamed.items() if name}

    def _fault(self, answer: Answer) -> UpstreamFault | UpstreamRejected:
        name = self._account.name
        message = f"{name}: {said(answer, 'message', 'detail')}"
        match answer.status:
            case 401 | 403 | 404:
                return UpstreamRefused(message)
            case 400 if "model" in message.lower():
                return UpstreamRefused(message)
            case 400 | 413 | 422:
                return UpstreamRejected(message)
            case 429 | 503:
                return UpstreamBusy(message, retry_after_s=answer.retry_after_s)
            case _:
                return UpstreamSilent(message)


def _text(value: object) -> str:
    """A field as forms write it: JSON for what is no text."""
    return value if isinstance(value, str) else json.dumps(value)
