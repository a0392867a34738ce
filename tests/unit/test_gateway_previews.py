"""A task's pictures at the gateway: whose they are, when there are none, and that none is drawn
twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from filmgate.domain.errors import EngineCrashed
from filmgate.gateway.app import build_app
from filmgate.gateway.door import VISIT, Visit
from filmgate.gateway.events import Events
from filmgate.service.moving_preview import WAITING_MAX
from filmgate.service.previews import PreviewWatch
from gateway_room import OTHER_TOKEN, SIMPLE, TOKEN, Room

JPEG = b"\xff\xd8 a picture \xff\xd9"
DRAWN = b"a moving picture"


class FakeAnimator:
    """Draws when it is let, and counts."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.may_draw = asyncio.Event()
        self.may_draw.set()
        self.asked = asyncio.Event()
        self.error: Exception | None = None

    async def animate(self, film: Path, target: Path) -> int:
        self.asked.set()
        await self.may_draw.wait()
        if self.error is not None:
            raise self.error
        assert film.read_bytes() == b"film"  # noqa: ASYNC240 - four bytes
        target.write_bytes(DRAWN)  # noqa: ASYNC240
        self.drawn.append(target.name)
        return len(DRAWN)

    async def close(self) -> None:
        pass


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    room.animator = FakeAnimator()
    room.deps = replace(room.deps, animator=room.animator)
    room.app = build_app(room.deps, room.settings, room.watch)
    return room


async def submitted(room: Room) -> str:
    async with room.client() as client:
        answer = await client.post("/v1/videos/generations", json=SIMPLE)
    return answer.json()["data"][0]["task_id"]


async def get(room: Room, path: str, **options: Any) -> Any:
    async with room.client(**options) as client:
        return await client.get(path)


# ---- of films in the making


async def test_the_newest_picture_is_sent_and_kept_by_nobody(room):
    task_id = await submitted(room)
    path = f"/v1/tasks/{task_id}/preview.jpg"
    nothing = await get(room, path)
    room.store.show(task_id, JPEG)
    answer = await get(room, path)
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert answer.content == JPEG
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_task_that_has_ended_shows_no_picture_of_its_making(room):
    task_id = await submitted(room)
    room.store.show(task_id, JPEG)
    await room.completed(task_id)
    answer = await get(room, f"/v1/tasks/{task_id}/preview.jpg")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("name", ["preview.jpg", "preview.webp", "preview.gif"])
async def test_pictures_are_their_owners_alone(room, name):
    task_id = await submitted(room)
    room.store.show(task_id, JPEG)
    if name != "preview.jpg":
        await room.completed(task_id)
    path = f"/v1/tasks/{task_id}/{name}"
    strangers = await get(room, path, token=OTHER_TOKEN)
    assert (strangers.status_code, strangers.json()["error"]["message"]) == (400, "Invalid task ID")
    assert (await get(room, path, token=None)).status_code == 401
    assert (await get(room, path)).status_code == 200


async def test_a_stream_tells_of_new_pictures_without_an_id(room):
    task_id = await submitted(room)
    room.store.show(task_id, JPEG)
    watch = PreviewWatch(room.deps.store)
    handler = Events(deps=room.deps, settings=room.settings, watch=room.watch, previews=watch)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        listening = group.create_task(watch.run())
        stream = (await handler.follow(asking(task_id, b"previews=true"))).body_iterator
        assert b"event: task" in await anext(stream)
        assert await anext(stream) == told(task_id, 1)
        room.store.show(task_id, JPEG)
        assert await anext(stream) == told(task_id, 2)
        await room.completed(task_id)
        room.store.show(task_id, JPEG)
        assert b'"status":"completed"' in [event async for event in stream][-1]
        listening.cancel()


async def test_previews_are_asked_for_by_true_or_false(room):
    task_id = await submitted(room)
    answer = await get(room, f"/v1/tasks/{task_id}/events?previews=yes")
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["message"] == 'previews must be true or false, got "yes"'
    assert error["param"] == "previews"


def told(task_id: str, number: int) -> bytes:
    url = f"/v1/tasks/{task_id}/preview.jpg?number={number}"
    return f'event: preview\ndata: {{"number":{number},"url":"{url}"}}\n\n'.encode()


def asking(task_id: str, query: bytes) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": f"/v1/tasks/{task_id}/events",
            "path_params": {"task_id": task_id},
            "query_string": query,
            "scheme": "http",
            "headers": [(b"authorization", f"Bearer {TOKEN}".encode()), (b"host", b"a.example")],
            VISIT: Visit("x"),
        }
    )


# ---- of films that are made


async def test_a_moving_preview_is_drawn_once_and_expires_with_the_film(room):
    task_id = await submitted(room)
    task = await room.completed(task_id)
    for _ in range(2):
        answer = await get(room, f"/v1/tasks/{task_id}/preview.webp")
        assert (answer.content, answer.headers["content-type"]) == (DRAWN, "image/webp")
    assert room.animator.drawn == ["preview.webp"]
    kept = room.store.assets[f"results/{task_id}/1/preview.webp"]
    assert (kept.expires_at, kept.size_bytes) == (task.expires_at, len(DRAWN))


async def test_requests_at_once_wait_for_one_drawing(room):
    task_id = await submitted(room)
    await room.completed(task_id)
    path = f"/v1/tasks/{task_id}/preview.gif"
    room.animator.may_draw.clear()
    asked = [asyncio.ensure_future(get(room, path)) for _ in range(WAITING_MAX)]
    await room.animator.asked.wait()
    refused = await get(room, path)
    room.animator.may_draw.set()
    answers = await asyncio.gather(*asked)
    assert [answer.content for answer in answers] == [DRAWN] * WAITING_MAX
    assert room.animator.drawn == ["preview.gif"]
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"


async def test_a_drawing_that_fails_is_no_fault_of_the_callers(room):
    task_id = await submitted(room)
    await room.completed(task_id)
    room.animator.error = EngineCrashed("the engine's process ended with status 9")
    answer = await get(room, f"/v1/tasks/{task_id}/preview.webp")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "the preview could not be drawn"
    room.animator.error = None
    assert (await get(room, f"/v1/tasks/{task_id}/preview.webp")).status_code == 200


async def test_there_is_no_moving_preview_without_a_film(room):
    task_id = await submitted(room)
    path = f"/v1/tasks/{task_id}/preview.webp"
    waiting = await get(room, path)
    await room.completed(task_id)
    room.clock.at = room.store.kept[task_id].expires_at
    expired = await get(room, path)
    assert (waiting.status_code, expired.status_code) == (404, 410)
    assert room.animator.drawn == []
