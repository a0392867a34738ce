"""Alibaba Cloud Model Studio (DashScope): the real wan2.5-preview, and other Wan models by option.

    POST …/video-generation/video-synthesis (async)  → task_id
    GET  /api/v1/tasks/{id}                           → task_status, video_url
    GET  /api/v1/uploads?action=getPolicy, form post  → oss://… (the caller's sound)

The picture travels as a data: URI, cropped already. Failed tasks are not charged. The upstream
keeps no idempotency keys, and its list of tasks shows no prompts: what was ordered and not answered
cannot be found again.
Sources: alibabacloud.com/help, Model Studio, video generation and asynchronous tasks.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from filmgate.domain.errors import UpstreamRejected
from filmgate.domain.upstream_fault import (
    UpstreamAway,
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnfit,
)
from filmgate.ports.engine import Source
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.provider import Account, UpstreamOrder, View, ViewState
from filmgate.providers.exchange import (
    Answer,
    Exchange,
    Json,
    only_options,
    said,
    table_option,
    whole_option,
)

SYNTHESIS = "/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = "/api/v1/tasks/"
PROMPT_CHARS_MAX = 800
"""The smallest of the limits its documentation gives; longer prompts are cut there, unsaid."""
NEGATIVE_PROMPT_CHARS_MAX = 500
MODELS = {
    "wan2.5-preview": {"text": "wan2.5-t2v-preview", "image": "wan2.5-i2v-preview"},
}
SEED_MAX = 2**31 - 1
OPTIONS = frozenset({"models", "prompt_chars_max", "workspace"})
STATES = {
    "PENDING": ViewState.WAITING,
    "RUNNING": ViewState.RUNNING,
    "SUSPENDED": ViewState.WAITING,
    "SUCCEEDED": ViewState.DONE,
    "FAILED": ViewState.FAILED,
    "CANCELED": ViewState.FAILED,
    "UNKNOWN": ViewState.LOST,
}
CALLERS_FAULTS = ("InvalidParameter", "DataInspectionFailed", "IPInfringementSuspect", "Invalid")
"""Beginnings of codes that speak of the request itself; InvalidApiKey is looked at before."""
OPERATORS_FAULTS = ("InvalidApiKey", "AccessDenied", "Model.AccessDenied", "Arrearage")
BUSY = ("Throttling", "AllocationQuota")
GRANT = frozenset(
    {"upload_dir", "upload_host", "oss_access_key_id", "signature", "policy"}
    | {"x_oss_object_acl", "x_oss_forbid_overwrite"}
)
"""What a policy for uploads must hold."""


class DashScope:
    """The Provider port over one DashScope account."""

    kind = "dashscope"
    source = Source.TRAINED
    keeps_keys = False
    bills = True

    def __init__(self, account: Account, fetcher: Fetcher) -> None:
        """Raises ConfigError."""
        only_options(account, OPTIONS)
        self._account, self.url = account, account.url
        self._models = {**MODELS, **table_option(account, "models")}
        self._prompt_chars_max = whole_option(account, "prompt_chars_max", PROMPT_CHARS_MAX)
        headers = {"Authorization": f"Bearer {account.key}"}
        if "workspace" in account.options:
            headers["X-DashScope-WorkSpace"] = str(account.options["workspace"])
        self._exchange = Exchange(account, headers, fetcher)

    async def submit(self, order: UpstreamOrder) -> str:
        """See the port."""
        headers = {"X-DashScope-Async": "enable"}
        body = await self._body(order)
        if str(body["input"].get("audio_url", "")).startswith("oss://"):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        answer = await self._exchange.ask("POST", SYNTHESIS, json=body, headers=headers)
        if answer.is_success:
            task_id = _output(answer).get("task_id")
            if isinstance(task_id, str) and task_id:
                return task_id
            raise UpstreamSilent(f"{self._account.name} answered without a task_id")
        raise self._fault(answer)

    async def look(self, upstream_id: str) -> View:
        """See the port."""
        answer = await self._exchange.ask("GET", TASKS + upstream_id)
        if not answer.is_success:
            fault = self._fault(answer)
            if isinstance(fault, UpstreamFault):
                raise fault
            raise UpstreamSilent(fault.message)
        output = _output(answer)
        state = STATES.get(str(output.get("task_status")))
        if state is None:
            raise UpstreamSilent(f"{self._account.name} tells no task_status")
        code, message = str(output.get("code", "")), str(output.get("message", ""))
        return View(
            state=state,
            film_url=_text(output, "video_url"),
            actual_prompt=_text(output, "actual_prompt"),
            cost_micro_usd=0 if state is ViewState.FAILED else None,
            message=f"{code}: {message}" if code else message,
            is_callers_fault=state is ViewState.FAILED and code.startswith(CALLERS_FAULTS),
        )

    async def fetch(
        self, view: View, upstream_id: str, target: Path, *, size_bytes_max: int
    ) -> None:
        """See the port."""
        if view.film_url is None:
            raise UpstreamSilent(f"{upstream_id} succeeded and names no video_url")
        await self._exchange.download(view.film_url, target, size_bytes_max=size_bytes_max)

    async def cancel(self, upstream_id: str) -> bool:
        """See the port. Only what is PENDING can be cancelled there."""
        answer = await self._exchange.ask("POST", f"{TASKS}{upstream_id}/cancel")
        return answer.is_success

    async def check(self) -> str:
        """See the port: looks at a task that cannot exist."""
        answer = await self._exchange.ask("GET", f"{TASKS}filmgate-check")
        if answer.status in {401, 403}:
            raise UpstreamRefused(f"{self._account.name}: {said(answer, 'message')}")
        if not answer.is_success and answer.status != 404:
            raise UpstreamSilent(f"{self._account.name} answered {answer.status}")
        return f"{self._account.url} answered, the key is taken"

    async def close(self) -> None:
        """See the port."""
        await self._exchange.close()

    async def _body(self, order: UpstreamOrder) -> dict[str, Any]:
        model = self._model(order)
        given: dict[str, Any] = {"prompt": order.prompt[: self._prompt_chars_max]}
        if order.negative_prompt:
            given["negative_prompt"] = order.negative_prompt[:NEGATIVE_PROMPT_CHARS_MAX]
        parameters: dict[str, Any] = {
            "duration": order.duration_s,
            "prompt_extend": order.may_rewrite_prompt,
            "watermark": False,
            "seed": order.seed % (SEED_MAX + 1),
        }
        if order.image_path is None:
            parameters["size"] = f"{order.width_px}*{order.height_px}"
        else:
            given["img_url"] = _data_uri(order.image_path)
            parameters["resolution"] = order.resolution.upper()
        if order.sound_path is not None:
            given["audio_url"] = await self._uploaded(order.sound_path, model)
        return {"model": model, "input": given, "parameters": parameters}

    def _model(self, order: UpstreamOrder) -> str:
        names = self._models.get(order.model)
        mode = "text" if order.image_path is None else "image"
        if names is None or mode not in names:
            raise UpstreamUnfit(f"{self._account.name} has no {mode} model for {order.model}")
        return str(names[mode])

    async def _uploaded(self, path: Path, model: str) -> str:
        """Put a file where the upstream reads it; returns its oss:// URL.

        No film is ordered yet, so silence here is nothing worse than an upstream that is away.
        """
        name, content = self._account.name, await asyncio.to_thread(path.read_bytes)
        query = {"action": "getPolicy", "model": model}
        try:
            answer = await self._exchange.ask("GET", "/api/v1/uploads", params=query)
            if not answer.is_success:
                raise self._fault(answer)
            grant = cast("Mapping[str, Mapping[str, str]]", answer.json or {}).get("data") or {}
            if not grant.keys() >= GRANT:
                raise UpstreamAway(f"{name} gives no policy for uploads")
            key = f"{grant['upload_dir']}/sound{_suffix(content)}"
            sent = await self._exchange.ask(
                "POST",
                grant["upload_host"],
                data={
                    "OSSAccessKeyId": grant["oss_access_key_id"],
                    "Signature": grant["signature"],
                    "policy": grant["policy"],
                    "key": key,
                    "x-oss-object-acl": grant["x_oss_object_acl"],
                    "x-oss-forbid-overwrite": grant["x_oss_forbid_overwrite"],
                    "success_action_status": "200",
                },
                files={"file": (key, content)},
            )
        except UpstreamSilent as silent:
            raise UpstreamAway(silent.message) from silent
        if not sent.is_success:
            raise UpstreamAway(f"{name} did not take the sound: HTTP {sent.status}")
        return f"oss://{key}"

    def _fault(self, answer: Answer) -> UpstreamFault | UpstreamRejected:
        """Translate an answer that is no success. Its JSON errors say that nothing was taken."""
        name, code = self._account.name, str((answer.json or {}).get("code", ""))
        message = f"{name}: {said(answer, 'message')}"
        if code.startswith(OPERATORS_FAULTS) or answer.status in {401, 403}:
            return UpstreamRefused(message)
        if code.startswith(BUSY) or answer.status == 429:
            return UpstreamBusy(message, retry_after_s=answer.retry_after_s)
        if code.startswith(CALLERS_FAULTS) and answer.status < 500:
            return UpstreamRejected(message)
        if code:
            return UpstreamBusy(message, retry_after_s=answer.retry_after_s)
        return UpstreamSilent(f"{name} answered {answer.status} without a code")


def _output(answer: Answer) -> Json:
    output = (answer.json or {}).get("output")
    return cast("Json", output) if isinstance(output, dict) else {}


def _text(output: Json, name: str) -> str | None:
    value = output.get(name)
    return value if isinstance(value, str) and value else None


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _suffix(content: bytes) -> str:
    """The upstream goes by a file's name: wav or mp3, told by its first bytes."""
    return ".wav" if content.startswith(b"RIFF") else ".mp3"
