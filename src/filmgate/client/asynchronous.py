"""The asynchronous client: performs the flows' steps with httpx.AsyncClient. Decides nothing.

For asyncio. Files are written in threads.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
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
class AsyncTask(TaskFacts):
    """A task as it stood, and what can be done with it: Task, awaited."""

    client: AsyncClient = field(repr=False, compare=False)

    async def refresh(self) -> AsyncTask:
        """Return it as it stands now."""
        return await self.client.task(self.id)

    async def wait(
        self,
        on_progress: Callable[[AsyncTask], Awaitable[None] | None] | None = None,
        timeout_s: float | None = None,
    ) -> AsyncTask:
        """Return it completed, as Task.wait does; `on_progress` may be a coroutine function."""
        return await self.client.wait(self, on_progress, timeout_s)

    async def save(self, path: str | Path) -> Path:
        """Write the film to a file or into a folder, as Task.save does; return where."""
        return await self.client.run(self.client.flows.save(self, path))

    async def cancel(self) -> AsyncTask:
        """Call it off. Raises Conflict when it has completed or failed."""
        return await self.client.cancel(self.id)

    async def delete(self) -> None:
        """Erase it with its files and prompts; it is cancelled first if need be."""
        await self.client.run(self.client.flows.delete(self.id))


class AsyncClient:
    """A filmgate server, as an API key sees it: Client, awaited.

    >>> async with AsyncClient() as client:
    ...     task = await client.generate("A cat in the grass")
    ...     await task.save("cat.mp4")
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retry_for_s: float = RETRY_FOR_S,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """Take what Client takes, `http` being asynchronous too. Raises NotConfigured."""
        settings = Settings.of(base_url, api_key, timeout_s, retry_for_s)
        self.flows = Flows(settings)
        self._is_own = http is None
        self._http = http or httpx.AsyncClient(trust_env=settings.trusts_environment)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        if self._is_own:
            await self._http.aclose()

    async def generate(
        self, prompt: str | None = None, **fields: Unpack[GenerateFields]
    ) -> AsyncTask:
        """Submit a film, files uploaded first; return its task at once, as Client.generate does."""
        return self._bound(await self.run(self.flows.generate(prompt, fields)))

    async def upload_image(self, image: Media) -> str:
        """Upload a picture; return the URL that `image` takes, for use in many tasks."""
        return await self.run(self.flows.upload(image, "images"))

    async def upload_audio(self, audio: Media) -> str:
        """Upload a sound file; return the URL that `audio` takes."""
        return await self.run(self.flows.upload(audio, "audios"))

    async def task(self, task_id: str) -> AsyncTask:
        """Return a task. Raises InvalidRequest for an id that is none of this account's."""
        return self._bound(await self.run(self.flows.task(task_id)))

    async def tasks(
        self, *, status: StatusWord | None = None, model: str | None = None, page_size: int = 50
    ) -> AsyncIterator[AsyncTask]:
        """Yield the account's tasks, newest first; pages are asked for as they are needed."""
        cursor: str | None = None
        while True:
            page, cursor = await self.run(
                self.flows.page(status=status, model=model, limit=page_size, cursor=cursor)
            )
            for facts in page:
                yield self._bound(facts)
            if cursor is None:
                return

    async def models(self) -> list[Model]:
        """Return the models that this key may use."""
        return await self.run(self.flows.models())

    async def cancel(self, task_id: str) -> AsyncTask:
        """Call a task off. Raises Conflict when it has completed or failed."""
        return self._bound(await self.run(self.flows.cancel(task_id)))

    async def wait(
        self,
        task: TaskFacts,
        on_progress: Callable[[AsyncTask], Awaitable[None] | None] | None,
        timeout_s: float | None,
    ) -> AsyncTask:
        """Return the task completed: AsyncTask.wait says how."""

        def tell(facts: TaskFacts) -> Awaitable[None] | None:
            return None if on_progress is None else on_progress(self._bound(facts))

        told = None if on_progress is None else tell
        return self._bound(
            await self.run(self.flows.wait(task, on_progress=told, timeout_s=timeout_s))
        )

    async def run(self, flow: Flow[R]) -> R:
        """Perform a flow's steps until it returns."""
        try:
            step = next(flow)
            while True:
                try:
                    outcome = await self._perform(step)
                except httpx.HTTPError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return end.value
        finally:
            flow.close()

    async def _perform(self, step: Step) -> Any:
        match step:
            case Call():
                return await self._http.send(step.as_request(self._http))
            case Fetch():
                return await self._fetch(step)
            case Pause(pause_s):
                return await asyncio.sleep(pause_s)
            case Tell(function):
                told = function()
                return await told if inspect.isawaitable(told) else None
            case Work(function):
                return await asyncio.to_thread(function)

    async def _fetch(self, step: Fetch) -> httpx.Response:
        request = step.call.as_request(self._http)
        answer = await self._http.send(request, stream=True, follow_redirects=True)
        try:
            if answer.status_code not in {200, 206}:
                await answer.aread()
            elif step.sink.opened(answer):
                # As they come: pieces of a fixed size would lose the last one at a broken line.
                async for piece in answer.aiter_raw():
                    await asyncio.to_thread(step.sink.write, piece)
            return answer
        finally:
            await answer.aclose()

    def _bound(self, facts: TaskFacts) -> AsyncTask:
        return AsyncTask(client=self, **facts.as_fields())
