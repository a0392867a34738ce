"""The blocking client: performs the flows' steps with httpx.Client. It decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from filmgate.client.flows import (
    RETRY_FOR_S,
    TIMEOUT_S,
    Flows,
    GenerateFields,
    Media,
    Settings,
)
from filmgate.client.steps import Call, Fetch, Flow, Pause, R, Step, Tell, Work
from filmgate.client.task import Model, StatusWord, TaskFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(TaskFacts):
    """A task as it stood, and what can be done with it. What changes is a new Task."""

    client: Client = field(repr=False, compare=False)

    def refresh(self) -> Task:
        """Return it as it stands now."""
        return self.client.task(self.id)

    def wait(
        self,
        on_progress: Callable[[Task], None] | None = None,
        timeout_s: float | None = None,
    ) -> Task:
        """Return it completed. `on_progress` hears of every change of status, stage or progress.

        Raises TaskFailed, TaskCancelled, or WaitTimedOut after `timeout_s` (None: as long as it
        takes). A server that is away for less than two minutes is waited for.
        """
        return self.client.wait(self, on_progress, timeout_s)

    def save(self, path: str | Path) -> Path:
        """Write the film to a file, or as TASK_ID.mp4 into a folder; return where.

        The file appears whole or not at all, and replaces what had its name. A broken download is
        gone on with, also by the next save. A task that has not ended is waited for first.
        """
        return self.client.run(self.client.flows.save(self, path))

    def cancel(self) -> Task:
        """Call it off. Raises Conflict when it has completed or failed."""
        return self.client.cancel(self.id)

    def delete(self) -> None:
        """Erase it with its files and prompts; it is cancelled first if need be."""
        self.client.run(self.client.flows.delete(self.id))


class Client:
    """A filmgate server, as an API key sees it. Safe to share between threads.

    >>> with Client() as client:
    ...     client.generate("A cat in the grass").wait().save("cat.mp4")
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retry_for_s: float = RETRY_FOR_S,
        http: httpx.Client | None = None,
    ) -> None:
        """`base_url` and `api_key` default to FILMGATE_URL and FILMGATE_API_KEY.

        `timeout_s` is for one answer, `retry_for_s` for one request with all its repetitions.
        `http` is used in place of an own connection pool (proxies, certificates), and not closed.
        Raises NotConfigured.
        """
        settings = Settings.of(base_url, api_key, timeout_s, retry_for_s)
        self.flows = Flows(settings)
        self._is_own = http is None
        self._http = http or httpx.Client(trust_env=settings.trusts_environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        if self._is_own:
            self._http.close()

    def generate(self, prompt: str | None = None, **fields: Unpack[GenerateFields]) -> Task:
        """Submit a film, files uploaded first; return its task at once.

        Repeated requests carry one idempotency key: there is never a second task.
        Raises InvalidRequest, InsufficientCredits, TooManyRequests, ….
        """
        return self._bound(self.run(self.flows.generate(prompt, fields)))

    def upload_image(self, image: Media) -> str:
        """Upload a picture; return the URL that `image` takes, for use in many tasks."""
        return self.run(self.flows.upload(image, "images"))

    def upload_audio(self, audio: Media) -> str:
        """Upload a sound file; return the URL that `audio` takes."""
        return self.run(self.flows.upload(audio, "audios"))

    def task(self, task_id: str) -> Task:
        """Return a task. Raises InvalidRequest for an id that is none of this account's."""
        return self._bound(self.run(self.flows.task(task_id)))

    def tasks(
        self, *, status: StatusWord | None = None, model: str | None = None, page_size: int = 50
    ) -> Iterator[Task]:
        """Yield the account's tasks, newest first; pages are asked for as they are needed."""
        cursor: str | None = None
        while True:
            page, cursor = self.run(
                self.flows.page(status=status, model=model, limit=page_size, cursor=cursor)
            )
            yield from map(self._bound, page)
            if cursor is None:
                return

    def models(self) -> list[Model]:
        """Return the models that this key may use."""
        return self.run(self.flows.models())

    def cancel(self, task_id: str) -> Task:
        """Call a task off. Raises Conflict when it has completed or failed."""
        return self._bound(self.run(self.flows.cancel(task_id)))

    def wait(
        self, task: TaskFacts, on_progress: Callable[[Task], None] | None, timeout_s: float | None
    ) -> Task:
        """Return the task completed: Task.wait says how."""

        def tell(facts: TaskFacts) -> None:
            if on_progress is not None:
                on_progress(self._bound(facts))

        told = None if on_progress is None else tell
        return self._bound(self.run(self.flows.wait(task, on_progress=told, timeout_s=timeout_s)))

    def run(self, flow: Flow[R]) -> R:
        """Perform a flow's steps until it returns."""
        try:
            step = next(flow)
            while True:
                try:
                    outcome = self._perform(step)
                except httpx.HTTPError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return end.value
        finally:
            flow.close()

    def _perform(self, step: Step) -> Any:
        match step:
            case Call():
                return self._http.send(step.as_request(self._http))
            case Fetch():
                return self._fetch(step)
            case Pause(pause_s):
                return time.sleep(pause_s)
            case Tell(function) | Work(function):
                return function()

    def _fetch(self, step: Fetch) -> httpx.Response:
        request = step.call.as_request(self._http)
        answer = self._http.send(request, stream=True, follow_redirects=True)
        try:
            if answer.status_code not in {200, 206}:
                answer.read()
            elif step.sink.opened(answer):
                # As they come: pieces of a fixed size would lose the last one at a broken line.
                for piece in answer.iter_raw():
                    step.sink.write(piece)
            return answer
        finally:
            answer.close()

    def _bound(self, facts: TaskFacts) -> Task:
        return Task(client=self, **facts.as_fields())
