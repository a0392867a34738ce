"""Failures of tasks in the caller's language, from catalogue/messages. It judges no failure.

    failure (code, English sentence) ── en.toml: which sentence, which values ──┐
                                                                                ▼
    zh.toml: the same sentence with those values, else `otherwise`, which quotes the English one

A language without a file falls back to the original text, as does a code that its file lacks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from filmgate.domain.task import Failure

ORIGINAL = "en"
OTHERWISE = "otherwise"
VALUES = "values"
MESSAGE_CHARS_MAX = 2000
"""Longer messages are not searched for values."""

_PLACE = re.compile(r"\{(\w+)\}")

Sentences = Mapping[str, Mapping[str, str]]


def failure_message(failure: Failure, *, language: str) -> str:
    """Return a failure's message in a language: `zh`, or `zh-CN`. Never fails."""
    tag = language.replace("_", "-").partition("-")[0].lower()
    catalogue = _catalogues().get(tag, {})
    sentences = catalogue.get(failure.code)
    if tag == ORIGINAL or sentences is None:
        return failure.message
    name, found = _recognised(failure)
    said = catalogue.get(VALUES, {})
    values = {place: _in_words(value, said) for place, value in found.items()}
    values |= {"param": failure.param or values.get("param", ""), "original": failure.message}
    return _filled(sentences.get(name) or sentences[OTHERWISE], values)


def _recognised(failure: Failure) -> tuple[str, dict[str, str]]:
    """Return which sentence of its code a failure says, and its values; `otherwise` if none."""
    if len(failure.message) <= MESSAGE_CHARS_MAX:
        for name, form in _forms().get(failure.code, {}).items():
            match = form.fullmatch(failure.message)
            if match:
                return name, match.groupdict()
    return OTHERWISE, {}


def _in_words(value: str, said: Mapping[str, str]) -> str:
    number = re.fullmatch(r"([0-9.,]+) seconds", value)
    if number and "seconds" in said:
        return f"{number[1]} {said['seconds']}"
    return said.get(value, value)


def _filled(sentence: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), sentence)


@cache
def _catalogues() -> Mapping[str, Sentences]:
    return {
        entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text(encoding="utf-8"))
        for entry in files("filmgate.catalogue").joinpath("messages").iterdir()
        if entry.name.endswith(".toml")
    }


@cache
def _forms() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    return {
        code: {name: _form(sentence) for name, sentence in sentences.items()}
        for code, sentences in _catalogues()[ORIGINAL].items()
    }


def _form(sentence: str) -> re.Pattern[str]:
    pieces = _PLACE.split(sentence)
    pattern = "".join(
        f"(?P<{piece}>.+?)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
    )
    return re.compile(pattern, re.DOTALL)
