"""The page's files: what may run in it, how it is kept fresh, and that every word is translated."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

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
