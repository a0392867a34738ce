"""What a task shows of itself through the real server: its film in the making, then a moving
preview.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from serving import ServerUnderTest, serving

MEMORY_BYTES_MAX = 2**30


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ServerUnderTest]:
    folder = tmp_path_factory.mktemp("previews")
    limit = str(MEMORY_BYTES_MAX)
    with serving(folder / "data", engine="testcard", studio_memory_bytes_max=limit) as running:
        yield running


@pytest.fixture(scope="module")
def film(server) -> dict[str, Any]:
    return server.ended(server.submit({"prompt": "a road", "resolution": "480p"}))


def events(server: ServerUnderTest, task_id: str, **query: str) -> Iterator[tuple[str, Any]]:
    """The name and the data of each event, to the stream's end."""
    with server.http.stream("GET", f"/v1/tasks/{task_id}/events", params=query) as answer:
        assert answer.status_code == 200
        name = ""
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def picture_of(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_a_task_shows_its_frames_while_they_are_made(server):
    task_id = server.submit({"prompt": "[steady] a road", "resolution": "480p"})
    shown: list[dict[str, Any]] = []
    last = {}
    for name, data in events(server, task_id, previews="true"):
        if name == "preview":
            shown.append(data)
            answer = server.http.get(data["url"])
            if answer.status_code == 200:  # the task may have ended a moment ago
                assert answer.headers["content-type"] == "image/jpeg"
                assert answer.headers["cache-control"] == "private, no-store"
                assert picture_of(answer).size == (320, 184)
                assert len(answer.content) <= 20_000
        else:
            last = data
    assert last["status"] == "completed"
    numbers = [data["number"] for data in shown]
    assert len(numbers) >= 2
    assert numbers == sorted(set(numbers))
    path = f"/v1/tasks/{task_id}/preview.jpg"
    assert [data["url"] for data in shown] == [f"{path}?number={number}" for number in numbers]
    assert server.http.get(path).status_code == 204


def test_who_does_not_ask_for_previews_gets_the_stream_that_always_was(server):
    task_id = server.submit({"prompt": "[steady] a road", "resolution": "480p"})
    told = list(events(server, task_id))
    assert {name for name, _ in told} == {"task"}
    assert told[-1][1]["status"] == "completed"


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_a_film_has_a_moving_preview(server, film, kind):
    path = f"/v1/tasks/{film['id']}/preview.{kind}"
    answer = server.http.get(path)
    picture = picture_of(answer)
    assert answer.headers["content-type"] == f"image/{kind}"
    assert (picture.format, picture.size, picture.n_frames) == (kind.upper(), (480, 276), 40)
    picture.load()
    assert picture.info["duration"] in {120, 125}  # GIF counts in hundredths
    again = server.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert len(list(server.data.glob(f"files/results/{film['id']}/*/preview.{kind}"))) == 1


def test_an_engine_that_takes_too_much_memory_fails_its_task_alone(server):
    greedy = server.ended(server.submit({"prompt": "[greedy] a road", "resolution": "480p"}))
    assert greedy["status"] == "failed"
    assert greedy["error"]["code"] == "engine_failed"
    assert greedy["error"]["message"] == "more memory was needed than a studio may take"
    after = server.ended(server.submit({"prompt": "a road", "resolution": "480p"}))
    assert after["status"] == "completed"
