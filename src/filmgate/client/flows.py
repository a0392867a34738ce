"""All that the clients do, as flows: requests built, answers read, retries decided. No I/O.

generate   upload files → submit, under one idempotency key, until answered
wait       ask with ?wait= until the task has ended
save       wait if need be → stream → on a broken line, the rest by Range → rename
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypedDict
from urllib.parse import quote, urlsplit

import httpx

from filmgate.client import wire
from filmgate.client.errors import (
    NotConfigured,
    TaskCancelled,
    TaskEndedWithoutFilm,
    TaskFailed,
    Unreachable,
    WaitTimedOut,
)
from filmgate.client.partial_film import PartialFilm
from filmgate.client.steps import (
    RETRIED_ERRORS,
    RETRIED_STATUSES,
    Call,
    Fetch,
    Flow,
    Patience,
    Pause,
    Tell,
    Work,
)
from filmgate.client.task import Model, StatusWord, TaskFacts

DEFAULT_URL = "http://127.0.0.1:8700"
DEFAULT_MODEL = "wan2.5-preview"
TIMEOUT_S = 60.0
RETRY_FOR_S = 30.0
AWAY_S_MAX = 120.0
"""How long a server may be away while a task is waited for: a restart, not a loss."""
WAIT_S = 20.0
"""How long one question asks the server to wait for a change; it allows up to 60."""
POLL_PAUSE_S = 0.1
"""Shortest time between two questions about one task."""
REMOTE = ("http://", "https://", "data:")
IN_PROGRESS = "idempotency_in_progress"

Media = Path | bytes | str
Told = Callable[[TaskFacts], Awaitable[None] | None]


class GenerateFields(TypedDict, total=False):
    """What `generate` takes beside the prompt; what is left out, or None, is the server's
    to choose."""

    image: Media | None
    """The first picture: a file's path, its bytes, an http(s) URL or a data: URI."""
    audio: Media | None
    """The film's sound, likewise: wav or mp3 of 3 to 30 seconds."""
    model: str | None
    size: str | None
    """16:9, 9:16, 1:1, 4:3 or 3:4; not with an image."""
    resolution: str | None
    """480p, 720p or 1080p."""
    duration_s: int | None
    """5 or 10."""
    seed: int | None
    negative_prompt: str | None
    prompt_extend: bool | None
    watermark: bool | None
    webhook: str | None
    """Where the end of the task is posted, as <webhook>/callback."""
    language: str | None
    """The language of the task's error message."""
    idempotency_key: str | None
    """Names this request beyond this process: with it, a second `generate` is the same task."""
    extra: Mapping[str, object] | None
    """Fields of the API that have no name here."""


RENAMED = {"duration_s": "duration"}
NOT_SENT = frozenset({"image", "audio", "idempotency_key", "extra"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the server is, and how patient the client."""

    base_url: str
    api_key: str
    timeout_s: float
    retry_for_s: float

    @classmethod
    def of(
        cls, base_url: str | None, api_key: str | None, timeout_s: float, retry_for_s: float
    ) -> Settings:
        """Fill in from FILMGATE_URL and FILMGATE_API_KEY. Raises NotConfigured."""
        url = (base_url or os.environ.get("FILMGATE_URL") or DEFAULT_URL).rstrip("/")
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise NotConfigured(f"base_url must begin with http:// or https://, got {url!r}")
        key = api_key or os.environ.get("FILMGATE_API_KEY") or ""
        if not key or not key.isascii() or not key.isprintable():
            raise NotConfigured(
                "no API key: pass api_key or set FILMGATE_API_KEY "
                "(`filmgate keys create NAME` on the server makes one)"
                if not key
                else "api_key must be printable ASCII"
            )
        return cls(
            base_url=url.removesuffix("/v1"),
            api_key=key,
            timeout_s=timeout_s,
            retry_for_s=retry_for_s,
        )

    @property
    def trusts_environment(self) -> bool:
        """Whether a proxy of the environment is used: not for a server on this machine."""
        return urlsplit(self.base_url).hostname not in {"127.0.0.1", "::1", "localhost"}


class Flows:
    """The flows, with the settings they need."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def generate(self, prompt: str | None, fields: GenerateFields) -> Flow[TaskFacts]:
        """Upload what is local, then submit once, however often it must be asked."""
        unknown = sorted(set(fields) - set(GenerateFields.__annotations__))
        if unknown:
            raise TypeError(f"generate() has no field {unknown[0]!r}")
        key = fields.get("idempotency_key") or f"filmgate-client-{secrets.token_hex(16)}"
        body = _plain_fields(prompt, fields)
        image, audio = fields.get("image"), fields.get("audio")
        if image is not None:
            body["image_urls"] = [(yield from self._url_of(image, "images"))]
        if audio is not None:
            body["audio_url"] = yield from self._url_of(audio, "audios")
        call = replace(
            self._call("POST", "/v1/videos/generations"),
            json=body,
            headers={**self._authorization(), "Idempotency-Key": key},
        )
        task_id = wire.submitted_id((yield from self._patiently(call)))
        return TaskFacts(
            id=task_id,
            status="pending",
            model=str(body["model"]),
            seed=fields.get("seed"),
            prompt=prompt or "",
        )

    def upload(self, media: Media, kind: str) -> Flow[str]:
        """Upload a file or its bytes; `kind` is images or audios."""
        name = "upload" if isinstance(media, bytes) else Path(media).name
        with _opened(media) as content:
            call = replace(self._call("POST", f"/v1/uploads/{kind}"), file=(name, content))
            return wire.upload_url((yield from self._patiently(call)))

    def read(self, path: str, **params: str) -> Flow[dict[str, Any]]:
        """Read what has no flow of its own, as the server says it."""
        call = replace(self._call("GET", path), params=params)
        return wire.json_object((yield from self._patiently(call)))

    def task(self, task_id: str, *, wait_s: float = 0) -> Flow[TaskFacts]:
        """Read a task; with `wait_s`, at its next change or after so long."""
        if wait_s:
            return (yield from self._task_at_change(task_id, wait_s, math.inf))
        call = self._call("GET", _task_path(task_id))
        return wire.task_facts((yield from self._patiently(call)))

    def page(
        self, *, status: StatusWord | None, model: str | None, limit: int, cursor: str | None
    ) -> Flow[tuple[list[TaskFacts], str | None]]:
        """Read a page of tasks, newest first."""
        asked = {"limit": limit, "status": status, "model": model, "cursor": cursor}
        params = {name: value for name, value in asked.items() if value is not None}
        call = replace(self._call("GET", "/v1/tasks"), params=params)
        return wire.task_page((yield from self._patiently(call)))

    def models(self) -> Flow[list[Model]]:
        """Read the list of models."""
        return wire.models((yield from self._patiently(self._call("GET", "/v1/models"))))

    def cancel(self, task_id: str) -> Flow[TaskFacts]:
        """Call a task off. Raises Conflict when it has completed or failed."""
        call = self._call("POST", f"{_task_path(task_id)}/cancel")
        return wire.task_facts((yield from self._patiently(call)))

    def delete(self, task_id: str) -> Flow[None]:
        """Erase a task, its files and its prompts."""
        yield from self._patiently(self._call("DELETE", _task_path(task_id)))

    def wait(
        self, task: TaskFacts, *, on_progress: Told | None, timeout_s: float | None
    ) -> Flow[TaskFacts]:
        """Return the task when it is completed.

        Raises TaskFailed, TaskCancelled or WaitTimedOut.
        """
        ends_at = math.inf if timeout_s is None else time.monotonic() + timeout_s
        told: tuple[object, ...] = ()
        wait_s = 0.0
        while not task.is_final:
            asked_at = time.monotonic()
            task = yield from self._task_at_change(task.id, wait_s, ends_at)
            now = (task.status, task.stage, task.progress)
            if on_progress is not None and now != told:
                yield Tell(partial(on_progress, task))
            told = now
            left_s = ends_at - time.monotonic()
            if task.is_final:
                break
            if left_s <= 0:
                raise WaitTimedOut(
                    f"{task.id} is {task.status} at {task.progress} % after {timeout_s:g} s; "
                    "it goes on",
                    task,
                )
            if wait_s:
                pause_s = POLL_PAUSE_S - (time.monotonic() - asked_at)
                yield Pause(min(left_s, max(0.0, pause_s)))
            wait_s = min(WAIT_S, left_s)
        return _completed(task)

    def save(self, task: TaskFacts, path: str | Path) -> Flow[Path]:
        """Write the film; a task that has not ended is waited for first."""
        target = Path(path)
        target = target / f"{task.id}.mp4" if target.is_dir() else target
        if not target.absolute().parent.is_dir():
            raise FileNotFoundError(f"the folder {target.absolute().parent} does not exist")
        if task.film is None:
            task = yield from self.wait(task, on_progress=None, timeout_s=None)
        film = task.film
        if film is None:
            raise TaskEndedWithoutFilm(f"{task.id} has no film any more", task)
        with closing(PartialFilm(target)) as part:
            yield from self._fetched(film.url, part)
            yield Work(part.keep)
        return target

    def _fetched(self, url: str, part: PartialFilm) -> Flow[None]:
        """Stream until it is whole; every piece that comes renews the patience."""
        patience, size_bytes = self._patience(), 0
        while not part.is_whole:
            call = replace(self._call("GET", url), headers=part.headers)
            try:
                answer: httpx.Response = yield Fetch(call=call, sink=part)
            except RETRIED_ERRORS as error:
                if part.size_bytes > size_bytes:
                    patience, size_bytes = self._patience(), part.size_bytes
                yield _pause_or_raise(patience, self._unreachable(error, url), error)
            except httpx.HTTPError as error:
                raise self._unreachable(error, url) from error
            else:
                if not answer.is_success:
                    yield _pause_or_refuse(patience, answer)
                elif answer.is_stream_consumed:
                    part.ended()

    def _url_of(self, media: Media, kind: str) -> Flow[str]:
        if isinstance(media, str) and media.startswith(REMOTE):
            return media
        return (yield from self.upload(media, kind))

    def _task_at_change(self, task_id: str, wait_s: float, ends_at: float) -> Flow[TaskFacts]:
        call = self._call("GET", _task_path(task_id))
        if wait_s:
            # Whole milliseconds: the server takes three places after the point.
            call = replace(
                call,
                params={"wait": f"{max(0.001, wait_s):.3f}"},
                timeout_s=self._settings.timeout_s + wait_s,
            )
        left_s = max(0.0, ends_at - time.monotonic())
        patience = Patience(min(max(AWAY_S_MAX, self._settings.retry_for_s), left_s))
        return wire.task_facts((yield from self._patiently(call, patience)))

    def _patiently(self, call: Call, patience: Patience | None = None) -> Flow[httpx.Response]:
        """Return a good answer; ask again while the server is away or asks for time.

        Only requests that are safe to repeat come here: a submit is one by its key.
        """
        patience = patience or self._patience()
        while True:
            if call.file is not None and not isinstance(call.file[1], bytes):
                call.file[1].seek(0)
            try:
                answer: httpx.Response = yield call
            except RETRIED_ERRORS as error:
                yield _pause_or_raise(patience, self._unreachable(error, call.url), error)
            except httpx.HTTPError as error:
                raise self._unreachable(error, call.url) from error
            else:
                if answer.is_success:
                    return answer
                yield _pause_or_refuse(patience, answer)

    def _patience(self) -> Patience:
        return Patience(self._settings.retry_for_s)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._settings.api_key}"}

    def _call(self, method: str, path: str) -> Call:
        """Return a request to the server; a whole URL is its own permission and gets no key."""
        is_own = path.startswith("/")
        return Call(
            method=method,
            url=self._settings.base_url + path if is_own else path,
            headers=self._authorization() if is_own else {},
            timeout_s=self._settings.timeout_s,
        )

    def _unreachable(self, error: httpx.HTTPError, url: str) -> Unreachable:
        place = "/".join(url.split("/")[:3])
        return Unreachable(f"{place} does not answer: {str(error) or type(error).__name__}")


def _opened(media: Media) -> AbstractContextManager[BinaryIO | bytes]:
    return nullcontext(media) if isinstance(media, bytes) else Path(media).open("rb")


def _plain_fields(prompt: str | None, fields: GenerateFields) -> dict[str, Any]:
    body: dict[str, Any] = {"model": DEFAULT_MODEL, **(fields.get("extra") or {})}
    if prompt is not None:
        body["prompt"] = prompt
    for name, value in fields.items():
        if name not in NOT_SENT and value is not None:
            body[RENAMED.get(name, name)] = value
    return body


def _task_path(task_id: str) -> str:
    return f"/v1/tasks/{quote(task_id, safe='')}"


def _completed(task: TaskFacts) -> TaskFacts:
    if task.status == "cancelled":
        raise TaskCancelled(f"{task.id} was cancelled", task)
    if task.status == "failed":
        why = task.error.message if task.error is not None else "no reason was given"
        raise TaskFailed(f"{task.id} failed: {why}", task)
    return task


def _pause_or_raise(patience: Patience, failure: Exception, cause: Exception) -> Pause:
    pause = patience.pause()
    if pause is None:
        raise failure from cause
    return pause


def _pause_or_refuse(patience: Patience, answer: httpx.Response) -> Pause:
    refusal = wire.refusal(answer)
    may_help = answer.status_code in RETRIED_STATUSES or refusal.code == IN_PROGRESS
    pause = patience.pause(refusal.retry_after_s) if may_help else None
    if pause is None:
        raise refusal
    return pause
