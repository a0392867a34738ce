"""The page's files: what may run in it, how it is kept fresh, and that every word is translated."""

from __future__ import annotations

import io
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

from gateway_room import Room

PAGE = Path(str(files("filmgate.gateway"))) / "page"
SCRIPTS = sorted(PAGE.rglob("*.js"))
WORD = re.compile(r"""(?<![\w.])t\(\s*["']([\w-]+)["']""")
SCRIPT_LINES_MAX = 300


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


async def test_nothing_runs_in_the_page_but_its_own_files(room: Room) -> None:
    async with room.client(token=None) as client:
        answer = await client.get("/")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\son\w+=|https?://", answer.text)


async def test_every_file_of_the_page_is_served_as_what_it_is(room: Room) -> None:
    types = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
    async with room.client(token=None) as client:
        for path in sorted(PAGE.rglob("*.*")):
            answer = await client.get(f"/page/{path.relative_to(PAGE).as_posix()}")
            assert answer.status_code == 200, path
            assert types.get(path.suffix, "") in answer.headers["content-type"]


async def test_a_file_that_did_not_change_is_not_sent_again(room: Room) -> None:
    async with room.client(token=None) as client:
        first = await client.get("/page/js/main.js")
        again = await client.get(
            "/page/js/main.js", headers={"If-None-Match": first.headers["etag"]}
        )
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["js/none.js", "../page_files.py", "%2e%2e/app.py", "", "js"])
async def test_nothing_else_can_be_read(room: Room, name: str) -> None:
    async with room.client(token=None) as client:
        answer = await client.get(f"/page/{name}")
    assert answer.status_code == 404


def test_every_language_says_every_message_with_the_same_values() -> None:
    said = {path.stem: json.loads(path.read_text()) for path in (PAGE / "messages").iterdir()}
    values = {
        code: {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in messages.items()}
        for code, messages in said.items()
    }
    assert set(said) == {"en", "zh"}
    assert values["en"] == values["zh"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_only_words_that_there_are_and_is_short(path: Path) -> None:
    messages = json.loads((PAGE / "messages" / "en.json").read_text())
    text = path.read_text()
    assert set(WORD.findall(text)) - set(messages) == set()
    assert len(text.splitlines()) <= SCRIPT_LINES_MAX
    assert text.startswith("// ")


async def test_the_request_of_a_task_asks_for_the_same_film_again(room: Room) -> None:
    upload = {"file": ("a.png", png(), "image/png")}
    async with room.client() as client:
        url = (await client.post("/v1/uploads/images", files=upload)).json()["url"]
        body = {"model": "wan2.5-preview", "image_urls": [url], "seed": 2**62 + 1, "duration": 10}
        made = (await client.post("/v1/videos/generations", json=body)).json()["data"][0]
        shown = await client.get(f"/v1/tasks/{made['task_id']}?expand=request")
        plain = await client.get(f"/v1/tasks/{made['task_id']}")
        request = shown.json()["data"]["request"]
        again = await client.post("/v1/videos/generations", json=request)
        picture = await client.get(request["image_urls"][0], headers={"Authorization": ""})
    assert "request" not in plain.json()["data"]
    assert (request["seed"], request["duration"]) == (2**62 + 1, 10)
    assert "size" not in request
    assert again.status_code == 200
    assert picture.content == png()
    first, second = (task.generation for task in room.store.kept.values())
    assert first == second


@pytest.mark.parametrize("form", ["{}", "W/{}", '"another", {}', "*"])
async def test_a_page_that_is_known_is_not_sent_again(room: Room, form: str) -> None:
    async with room.client(token=None) as client:
        etag = (await client.get("/")).headers["etag"]
        again = await client.get("/", headers={"If-None-Match": form.format(etag)})
        other = await client.get("/", headers={"If-None-Match": '"another"'})
    assert (again.status_code, other.status_code) == (304, 200)


async def test_the_frames_of_a_model_are_told_when_asked_for(room: Room) -> None:
    async with room.client() as client:
        (model,) = (await client.get("/v1/models?expand=frames")).json()["data"]
    assert model["frames"]["sizes"]["480p"]["16:9"] == [832, 480]
    assert model["frames"]["picture_aspect_max"] == 3.0


def png() -> bytes:
    """The smallest picture that counts as one."""
    picture = io.BytesIO()
    Image.new("RGB", (240, 240)).save(picture, "PNG")
    return picture.getvalue()
