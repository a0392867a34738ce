"""What upstreams call: news wake somebody only under the path that this server made."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from filmgate.domain.ids import TaskId
from filmgate.service.hear_upstream import callback_url
from filmgate.service.upstream_news import UpstreamNews
from gateway_room import Room

TASK = TaskId("task_01JQ0000000000000000007K3Q")


@pytest.fixture
def told(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that news came of."""
    heard: list[str] = []

    async def tell(task_id: TaskId) -> None:
        heard.append(task_id)

    monkeypatch.setattr(room.store, "tell_upstream_news", tell, raising=False)
    return heard


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def path_of(room: Room, task_id: TaskId) -> str:
    deps = replace(room.deps, public_url="https://films.example")
    url = callback_url(task_id, deps=deps)
    assert url is not None
    return url.removeprefix("https://films.example") + "/callback"


async def test_news_under_our_own_path_are_passed_on(room: Room, told: list[str]) -> None:
    async with room.client(token=None) as client:
        answer = await client.post(path_of(room, TASK), content=b"\xff whatever it says")
    assert (answer.status_code, answer.content) == (204, b"")
    assert told == [TASK]


async def test_a_path_made_for_another_task_wakes_nobody(room: Room, told: list[str]) -> None:
    path = path_of(room, TASK).replace(TASK, TASK[:-1] + "R")
    async with room.client(token=None) as client:
        answers = [await client.post(path), await client.get(path_of(room, TASK))]
    assert [answer.status_code for answer in answers] == [404, 405]
    assert told == []


async def test_the_log_does_not_show_the_paths_secret(room: Room, told: list[str]) -> None:
    path = path_of(room, TASK)
    with structlog.testing.capture_logs() as logs:
        async with room.client(token=None) as client:
            await client.post(path)
    (line,) = [log for log in logs if log["event"] == "request.answered"]
    assert line["path"] == f"/v1/upstreams/{TASK}/…/callback"
    assert path.split("/")[4] not in json.dumps(logs)


def test_without_a_public_address_no_upstream_is_told_one(room: Room) -> None:
    assert callback_url(TASK, deps=room.deps) is None


def test_a_token_is_no_signature_of_a_file(room: Room) -> None:
    token = room.links.token(TASK)
    assert not room.links.is_signed(TASK, expires="0", signature=token)
    assert not room.links.is_token(TASK, room.links.token(TASK[:-1]))


async def test_news_that_came_while_nobody_waited_are_not_lost() -> None:
    news = UpstreamNews()
    with news.of(TASK) as mine:
        news.tell(TASK)
        async with asyncio.timeout(10):
            await mine.wait(1000)
        await mine.wait(0.01)
    news.tell(TASK)
