"""The public HTTP API as the client commands use it: one method a request, errors in plain words.

Shows nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast
from urllib.parse import quote

import httpx

from filmgate.cli.failure import EXIT_FAILED, EXIT_USAGE, CommandFailed
from filmgate.cli.server import Server
from filmgate.client import wire
from filmgate.client.steps import RETRIED_STATUSES

TaskData = dict[str, Any]
"""The `data` object of a task, contract section 2."""

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
WAIT_S = 20
"""How long one poll asks the server to wait for a change."""
POLL_PAUSE_S = 0.25
"""Shortest time between two polls, for servers that answer at once."""
REVIVALS_MAX = 3
"""How often one command starts a private server again that ended under it."""
AWAY_S_MAX = 90.0
"""How long a server may be away in the middle of a command."""
RETRY_AFTER_S_MAX = 30.0
CHUNK_BYTES = 256 * 1024


class Api:
    """A connection to one server. Use as a context manager.

    `revive` gives a private server that has ended in the meantime a successor, at another address.
    """

    def __init__(self, server: Server, *, revive: Callable[[], Server] | None = None) -> None:
        self._server = server
        self._revive = revive
        self._revivals_left = REVIVALS_MAX
        self._has_answered = False
        self._http = httpx.Client(
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # A proxy of the environment is not for the server beside us.
            trust_env=not server.is_local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def upload(self, kind: str, path: Path) -> str:
        """Upload a file; `kind` is images or audios. Returns the URL that a submit accepts."""
        with path.open("rb") as file:
            answer = self._patiently(
                "POST", f"/v1/uploads/{kind}", files={"file": (path.name, file)}, rewind=file
            )
        return str(answer["url"] if "url" in answer else answer["data"]["url"])

    def submit(self, body: dict[str, Any], *, idempotency_key: str) -> str:
        """Submit a generation once, however often it must be asked. Returns the task id."""
        answer = self._patiently(
            "POST",
            "/v1/videos/generations",
            json=body,
            headers={"Idempotency-Key": idempotency_key},
        )
        return str(answer["data"][0]["task_id"])

    def task(self, task_id: str, *, wait_s: int = 0) -> TaskData:
        """Return the task; with `wait_s`, at its next change or after so many seconds."""
        params = {"wait": wait_s} if wait_s else None
        answer = self._patiently("GET", f"/v1/tasks/{quote(task_id, safe='')}", params=params)
        return cast("TaskData", answer["data"])

    def follow(self, task_id: str) -> Iterator[TaskData]:
        """Yield the task at every change, until it has ended."""
        wait_s = 0
        while True:
            asked_at = time.monotonic()
            task = self.task(task_id, wait_s=wait_s)
            yield task
            if task["status"] in {"completed", "failed", "cancelled"}:
                return
            if wait_s:
                time.sleep(max(0.0, POLL_PAUSE_S - (time.monotonic() - asked_at)))
            wait_s = WAIT_S

    def tasks(self, **filters: str | int) -> dict[str, Any]:
        """Return one page of this key's tasks, newest first."""
        return self._patiently("GET", "/v1/tasks", params=filters)

    def cancel(self, task_id: str) -> TaskData:
        """Cancel a task. Raises CommandFailed when it has already ended."""
        answer = self._patiently("POST", f"/v1/tasks/{quote(task_id, safe='')}/cancel")
        return cast("TaskData", answer.get("data") or {})

    def download(self, url: str, into: BinaryIO) -> int:
        """Write what stands at a signed URL into `into`; return its size in bytes.

        The URL is its own permission: the token is not sent along, for it may name another host.
        """
        try:
            with httpx.stream(
                "GET", url, timeout=ANSWER_TIMEOUT_S, trust_env=not self._server.is_local
            ) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise refusal(answer)
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    into.write(chunk)
        except httpx.HTTPError as error:
            raise CommandFailed(
                f"The film could not be downloaded: {_words(error)}.",
                advice="It is finished and kept: `filmgate tasks show ID` prints its address.",
            ) from error
        size_bytes = into.tell()
        promised = answer.headers.get("content-length")
        if promised and int(promised) != size_bytes:
            raise CommandFailed(f"The download broke off: {size_bytes} of {promised} bytes came.")
        return size_bytes

    def _patiently(
        self, method: str, path: str, *, rewind: BinaryIO | None = None, **request: Any
    ) -> dict[str, Any]:
        """Send a request; again, for up to AWAY_S_MAX, while the server is away or asks for time.

        Only requests that are safe to repeat come here: reads, uploads, cancels, and submits, which
        carry a key.
        """
        began = time.monotonic()
        pause_s = 0.2
        while True:
            may_wait = time.monotonic() - began < AWAY_S_MAX
            try:
                answer = self._send(method, path, **request)
            except httpx.TransportError as error:
                if isinstance(error, httpx.ConnectError) and self._revive is not None:
                    self._find_successor(self._revive, error)
                elif not may_wait or not self._has_answered:
                    raise self._no_answer(error) from error
            except httpx.HTTPError as error:
                raise self._no_answer(error) from error
            else:
                self._has_answered = True
                if answer.is_success:
                    return _json(answer)
                asked_s = _retry_after_s(answer)
                if asked_s is None or not may_wait:
                    raise refusal(answer)
                pause_s = max(pause_s, asked_s)
            if rewind is not None:
                rewind.seek(0)
            time.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries
            pause_s = min(5.0, pause_s * 2)

    def _send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        keyed = {"Authorization": f"Bearer {self._server.token}", **(headers or {})}
        return self._http.request(method, self._server.url + path, headers=keyed, **request)

    def _find_successor(self, revive: Callable[[], Server], error: httpx.ConnectError) -> None:
        if not self._revivals_left:
            raise self._no_answer(error) from error
        self._revivals_left -= 1
        self._server = revive()

    def _no_answer(self, error: httpx.HTTPError) -> CommandFailed:
        if self._server.is_local:
            advice = "`filmgate status` says how it is. Accepted tasks go on with the server."
        else:
            advice = "Is FILMGATE_URL right, and is the server running?"
        return CommandFailed(
            f"The server at {self._server.url} does not answer: {_words(error)}.", advice=advice
        )


ADVICE: dict[int, Callable[[], str]] = {
    401: lambda: (
        "Check FILMGATE_API_KEY; `filmgate keys create NAME` makes a new key on the server."
    ),
    402: lambda: "The operator of the server can grant more credits.",
    403: lambda: "The operator of the server can allow it, or make another key.",
}


def refusal(answer: httpx.Response) -> CommandFailed:
    """Return what the server refused, in its own words, with what to do next."""
    refused = wire.refusal(answer)
    message = refused.message
    if len(refused.broken_rules) > 1:
        rules = (f"  {rule}" for rule in refused.broken_rules)
        message = "\n".join(["The request breaks several rules:", *rules])
    status = answer.status_code
    advice = ADVICE[status]() if status in ADVICE else ""
    if status == 429:
        advice = f"Try again in {answer.headers.get('retry-after', 'some')} seconds."
    if status >= 500 and refused.request_id:
        advice = f"The server's log says more under request {refused.request_id}."
    is_callers = status in {400, 413, 415}
    return CommandFailed(
        message, advice=advice, exit_code=EXIT_USAGE if is_callers else EXIT_FAILED
    )


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Return how long to wait before asking again; None when it is no use."""
    if answer.status_code not in RETRIED_STATUSES:
        return None
    asked_s = wire.retry_after_s(answer)
    if asked_s is None and answer.status_code != 429:
        return 1.0
    return asked_s if asked_s is not None and asked_s <= RETRY_AFTER_S_MAX else None


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CommandFailed(
            f"What answers at {answer.url.host} is not a filmgate server.",
            advice="Is FILMGATE_URL right?",
        )
    return cast("dict[str, Any]", body)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
