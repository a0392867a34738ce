"""The guide to inputs says what the code says: every code, the messages, and the settings."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from filmgate.config import Settings
from filmgate.domain.errors import InputRejected
from filmgate.media.picture import inspect_picture
from filmgate.media.sound import inspect_sound
from input_corpus import pictures, sounds
from repo.reference_pages import ROOT, input_reasons

GUIDE = ROOT / "docs" / "guides" / "inputs-and-outputs.md"
FAILURE_ROW = re.compile(r"^\| `(input_\w+)` \| `(.+)` \|$", re.MULTILINE)
SETTING_ROW = re.compile(r"^\| .+ \| (?:`([\d.]+)`|none).* \| `(\w+)` \|$", re.MULTILINE)
FRAGMENT_CHARS_MIN = 8
FAILURES = FAILURE_ROW.findall(GUIDE.read_text(encoding="utf-8"))


@cache
def source() -> str:
    """All code, with the seams of texts that are written in several pieces taken out."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    text = re.sub(r"\"\s*f?\"", "", text)
    return text.replace("{SIDE_MIN_PX}", "240").replace("{SIDE_MAX_PX}", "8000")


def test_every_reason_is_in_the_guide_and_no_other() -> None:
    assert {code for code, _ in FAILURES} == set(input_reasons())


@pytest.mark.parametrize(("code", "message"), FAILURES)
def test_a_message_in_the_guide_is_said_so(code: str, message: str, tmp_path: Path) -> None:
    if code.startswith(("input_image", "input_audio")):
        pattern = re.compile(".+".join(re.escape(piece) for piece in message.split("…")))
        assert any(pattern.fullmatch(said) for said in said_by_media(code, tmp_path))
        return
    pieces = [piece.removeprefix(" must ").strip(" ,") for piece in message.split("…")]
    for piece in pieces:
        if len(piece) >= FRAGMENT_CHARS_MIN:
            assert piece in source(), piece


def said_by_media(code: str, folder: Path) -> list[str]:
    """What the corpus's broken files of that code are told."""
    said: list[str] = []
    for cases, inspect, param in (
        (pictures.REFUSED, inspect_picture, "image_urls"),
        (sounds.REFUSED, inspect_sound, "audio_url"),
    ):
        for case in cases.values():
            if case.code != code:
                continue
            path = folder / "input"
            path.write_bytes(case.content())
            with pytest.raises(InputRejected) as caught:
                inspect(path, param=param)
            said.append(caught.value.message)
    return said


def test_the_settings_in_the_guide_have_these_defaults() -> None:
    defaults = {spec.name: str(spec.default) for spec in fields(Settings)}
    rows = SETTING_ROW.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(rows) > 8
    assert {name: value for value, name in rows} == {name: defaults[name] for _, name in rows}
