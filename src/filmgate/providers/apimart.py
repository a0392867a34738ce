"""Any server that speaks `POST /v1/videos/generations`: APIMart itself, or another filmgate.

    POST /v1/videos/generations (Idempotency-Key) → task_…
    GET  /v1/tasks/{id}                            → status, progress, cost, result
    POST /v1/uploads/audios                        → a URL for the caller's sound

Keys are kept there, so an order whose answer was lost is asked for again. Failed tasks are not
charged.
Sources: docs.apimart.ai, pages "Get task status" and of the model; docs/reference/api.md.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, cast

from filmgate.domain.errors import UpstreamRejected
from filmgate.domain.upstream_fault import (
    UpstreamAway,
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamSilent,
)
from filmgate.ports.engine import Source
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.provider import Account, UpstreamOrder, View, ViewState
from filmgate.providers.exchange import Answer, Exchange, Json, only_options, said, table_option

MICRO_USD = 1_000_000
SEED_MAX = 2**31 - 1
OPTIONS = frozenset({"models"})
STATES = {
    "submitted": ViewState.WAITING,
    "queued": ViewState.WAITING,
    "pending": ViewState.WAITING,
    "processing": ViewState.RUNNING,
    "in_progress": ViewState.RUNNING,
    "completed": ViewState.DONE,
    "succeeded": ViewState.DONE,
    "failed": ViewState.FAILED,
    "cancelled": ViewState.FAILED,
}
REJECTED = ("input_", "upstream_rejected", "content", "sensitive")
"""Beginnings of codes of failed tasks that speak of the request itself."""
NOT_YET_KNOWN = frozenset({"idempotency_in_progress", "idempotency_result_indeterminate"})
FRAME_SHAPES = {
    (16, 9): "16:9",
    (9, 16): "9:16",
    (1, 1): "1:1",
    (4, 3): "4:3",
    (3, 4): "3:4",
}


class ApiMart:
    """The Provider port over one account of such a server."""

    kind = "apimart"
    source = Source.TRAINED
    keeps_keys = True
    bills = True

    def __init__(self, account: Account, fetcher: Fetcher) -> None:
        """Raises ConfigError."""
        only_options(account, OPTIONS)
        self._account, self.url = account, account.url
        self._models = table_option(account, "models")
        headers = {"Authorization": f"Bearer {account.key}"}
        self._exchange = Exchange(account, headers, fetcher)

    async def submit(self, order: UpstreamOrder) -> str:
        """See the port."""
        body = await self._body(order)
        headers = {"Idempotency-Key": order.key}
        answer = await self._exchange.ask(
            "POST", "/v1/videos/generations", json=body, headers=headers
        )
        if not answer.is_success:
            raise self._fault(answer)
        data = (answer.json or {}).get("data")
        given = cast("Json", data[0] if isinstance(data, list) and data else data or {})
        task_id = given.get("task_id") or given.get("id")
        if not isinstance(task_id, str) or not task_id:
            raise UpstreamSilent(f"{self._account.name} answered without a task_id")
        return task_id

    async def look(self, upstream_id: str) -> View:
        """See the port."""
        answer = await self._exchange.ask("GET", f"/v1/tasks/{upstream_id}")
        if answer.status in {400, 404}:
            return View(state=ViewState.LOST, message=said(answer, "message"))
        if not answer.is_success:
            fault = self._fault(answer)
            raise fault if isinstance(fault, UpstreamFault) else UpstreamSilent(fault.message)
        task = cast("Json", (answer.json or {}).get("data") or {})
        state = STATES.get(str(task.get("status")))
        if state is None:
            raise UpstreamSilent(f"{self._account.name} tells no status")
        code, message = _reason(task.get("error"))
        progress = task.get("progress")
        return View(
            state=state,
            progress=progress / 100 if isinstance(progress, int | float) else None,
            film_url=_film_url(task),
            actual_prompt=cast("str | None", task.get("actual_prompt")),
            cost_micro_usd=0 if state is ViewState.FAILED else _cost(task.get("cost")),
            message=message,
            is_callers_fault=state is ViewState.FAILED and code.startswith(REJECTED),
        )

    async def fetch(
        self, view: View, upstream_id: str, target: Path, *, size_bytes_max: int
    ) -> None:
        """See the port."""
        if view.film_url is None:
            raise UpstreamSilent(f"{upstream_id} is completed and names no film")
        await self._exchange.download(view.film_url, target, size_bytes_max=size_bytes_max)

    async def cancel(self, upstream_id: str) -> bool:
        """See the port. A filmgate can; APIMart has no such endpoint and answers 404."""
        answer = await self._exchange.ask("POST", f"/v1/tasks/{upstream_id}/cancel")
        return answer.is_success

    async def check(self) -> str:
        """See the port: asks for the models."""
        answer = await self._exchange.ask("GET", "/v1/models")
        if not answer.is_success:
            fault = self._fault(answer)
            raise fault if isinstance(fault, UpstreamFault) else UpstreamSilent(fault.message)
        names = [str(model.get("id")) for model in (answer.json or {}).get("data", [])]
        return f"{self._account.url} answered, its models are {', '.join(names[:5]) or 'none'}"

    async def close(self) -> None:
        """See the port."""
        await self._exchange.close()

    async def _body(self, order: UpstreamOrder) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._models.get(order.model, order.model),
            "prompt": order.prompt,
            "resolution": order.resolution,
            "duration": order.duration_s,
            "seed": order.seed % (SEED_MAX + 1),
            "prompt_extend": order.may_rewrite_prompt,
            "watermark": False,
        }
        if order.negative_prompt:
            body["negative_prompt"] = order.negative_prompt
        if order.callback_url is not None:
            body["webhook"] = order.callback_url
        if order.image_path is None:
            body["size"] = _nearest_shape(order.width_px, order.height_px)
        else:
            content = await asyncio.to_thread(order.image_path.read_bytes)
            body["image_urls"] = ["data:image/png;base64," + base64.b64encode(content).decode()]
        sound_url = await self._uploaded(order.sound_path) if order.sound_path else None
        if sound_url is not None:
            body["audio_url"] = sound_url
        return body

    async def _uploaded(self, path: Path) -> str | None:
        """Put the caller's sound where the upstream reads it; None if it takes no sounds.

        Then the film is made without it and gets the sound here. Nothing is ordered yet, so silence
        is nothing worse than an upstream that is away.
        """
        content = await asyncio.to_thread(path.read_bytes)
        try:
            answer = await self._exchange.ask(
                "POST", "/v1/uploads/audios", files={"file": ("sound", content)}
            )
        except UpstreamSilent as silent:
            raise UpstreamAway(silent.message) from silent
        if answer.status in {404, 405}:
            return None
        url = (answer.json or {}).get("url")
        if not answer.is_success or not isinstance(url, str):
            raise UpstreamAway(f"{self._account.name} did not take the sound: {answer.status}")
        return url

    def _fault(self, answer: Answer) -> UpstreamFault | UpstreamRejected:
        """Translate an answer that is no success, by its status: codes are texts here and numbers
        there.
        """
        name = self._account.name
        message = f"{name}: {said(answer, 'message')}"
        if answer.json is None or answer.status in {502, 504}:
            return UpstreamSilent(f"{name} answered {answer.status} without a word")
        match answer.status:
            case 400 | 413 | 415 | 422:
                return UpstreamRejected(message)
            case 401 | 402 | 403 | 404:
                return UpstreamRefused(message)
            case 409 if said(answer, "code") not in NOT_YET_KNOWN:
                return UpstreamRefused(message)
            case 429 | 503:
                if said(answer, "code") == "outcome_unknown":
                    return UpstreamSilent(message)
                return UpstreamBusy(message, retry_after_s=answer.retry_after_s)
            case _:
                return UpstreamSilent(message)


def _film_url(task: Json) -> str | None:
    """The first film's URL, which older servers give as a text and others as a list."""
    videos = cast("list[Json]", cast("Json", task.get("result") or {}).get("videos") or [{}])
    url = cast("str | list[str] | None", videos[0].get("url"))
    return (url[0] if url else None) if isinstance(url, list) else url


def _cost(usd: object) -> int | None:
    return round(usd * MICRO_USD) if isinstance(usd, int | float) else None


def _reason(error: object) -> tuple[str, str]:
    """The code and words of a failure; some servers give the words alone."""
    if not isinstance(error, dict):
        return "", str(error or "it gave no reason")
    told = cast("Json", error)
    return str(told.get("code", "")), str(told.get("message") or "it gave no reason")


def _nearest_shape(width_px: int, height_px: int) -> str:
    def distance(shape: tuple[int, int]) -> float:
        return abs(width_px / height_px - shape[0] / shape[1])

    return FRAME_SHAPES[min(FRAME_SHAPES, key=distance)]
