"""The tools of agents over an API that a test writes: what is told, and when the waiting ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mcp import Client

from filmgate.mcp.server import films_server

TASK = {"id": "task_1", "orig_prompt": "a road", "estimated_time": 9, "stage": "make"}
MODELS = [
    {"id": "small", "parameters": {"properties": {"model": {}, "prompt": {"maxLength": 9}}}},
    {"id": "large", "parameters": {"properties": {"prompt": {"maxLength": 99}, "seed": {}}}},
]


class WrittenFilms:
    """The Films port: one task that goes through what is written, then never changes."""

    def __init__(self, *written: dict[str, Any]) -> None:
        self._written = iter(written)
        self.submitted: list[dict[str, Any]] = []
        self.is_waited_for = asyncio.Event()
        self.is_left_alone = asyncio.Event()

    async def models(self) -> list[dict[str, Any]]:
        return MODELS

    async def submit(self, fields: dict[str, Any]) -> str:
        self.submitted.append(fields)
        return "task_1"

    async def task(self, task_id: str, *, wait_s: float = 0) -> dict[str, Any]:
        for written in self._written:
            return {**TASK, **written}
        self.is_waited_for.set()
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self.is_left_alone.set()


def agent(films: WrittenFilms) -> Client:
    return Client(films_server(lambda _: films, may_read_files=False))


def at(progress: int, status: str = "processing", **more: Any) -> dict[str, Any]:
    return {"status": status, "progress": progress, **more}


async def test_progress_is_told_when_it_has_grown_and_only_then():
    films = WrittenFilms(
        at(0, "pending"), at(0), at(5), at(5, stage="finish"), at(100, "cancelled")
    )
    told: list[float] = []

    async def tell(progress: float, _: float | None, __: str | None) -> None:
        told.append(progress)

    async with agent(films) as client:
        made = await client.call_tool("generate_video", {"prompt": "a"}, progress_callback=tell)
    assert told == [0, 5, 100]
    assert made.is_error
    assert "was cancelled and costs nothing" in made.content[0].text


async def test_a_cancelled_call_leaves_the_task_alone():
    films = WrittenFilms(at(0, "pending"))
    async with agent(films) as client:
        call = asyncio.ensure_future(client.call_tool("generate_video", {"prompt": "a"}))
        await films.is_waited_for.wait()
        call.cancel()
        await films.is_left_alone.wait()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert len(films.submitted) == 1


async def test_models_that_differ_in_a_field_share_a_schema_that_takes_both():
    films = WrittenFilms(at(0, "pending"))
    async with agent(films) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        await client.call_tool("generate_video", {"prompt": "a", "wait_s": 0})
        other = await client.call_tool("generate_video", {"model": "huge"})
    properties = listed["generate_video"].input_schema["properties"]
    assert properties["model"]["enum"] == ["small", "large"]
    assert properties["prompt"] == {"anyOf": [{"maxLength": 9}, {"maxLength": 99}]}
    assert properties["seed"] == {}
    assert films.submitted == [{"prompt": "a", "model": "small"}]
    assert other.content[0].text == 'model "huge" is not known; known are small, large'
