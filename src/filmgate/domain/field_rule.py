"""The rules of one request field, as data, and the check of one value against them. No rule spans
fields here.

Types are strict: "5" is not 5, 1 is not true, 5.0 is not 5 (contract, section 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from urllib.parse import urlsplit

URL_CHARS_MAX = 8192
SHOWN_CHARS_MAX = 60
SHOWN_ITEMS_MAX = 3


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    MEDIA_URL = "media_url"
    MEDIA_URLS = "media_urls"


_TYPE_NAMES = {
    Kind.TEXT: "a string",
    Kind.INTEGER: "an integer",
    Kind.BOOLEAN: "true or false",
    Kind.MEDIA_URL: "a string with a URL",
    Kind.MEDIA_URLS: "an array of strings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What one field may hold. Absent limits do not apply."""

    name: str
    kind: Kind
    doc: str
    default: object = None
    choices: tuple[str | int, ...] = ()
    chars_max: int | None = None
    low: int | None = None
    high: int | None = None
    items_max: int | None = None
    only: object = None
    only_because: str = ""
    data_uri: str | None = None
    unit: str = ""
    also_called: tuple[str, ...] = ()
    """Names that other models or habits have for it; a message points from them to this one."""

    def broken_by(self, value: object) -> str | None:
        """Return the sentence that says which rule the value breaks, or None."""
        if not self._has_type(value):
            return f"{self.name} must be {_TYPE_NAMES[self.kind]}, got {shown(value)}"
        if self.only is not None and value != self.only:
            return (
                f"{self.name} must be {_json(self.only)}, got {_json(value)}: {self.only_because}"
            )
        if self.choices and value not in self.choices:
            return f"{self.name} must be {self._choices_said()}, got {shown(value)}"
        match self.kind:
            case Kind.TEXT:
                return self._broken_text(cast("str", value))
            case Kind.INTEGER:
                return self._broken_integer(cast("int", value))
            case Kind.MEDIA_URL:
                return self._broken_url(self.name, cast("str", value))
            case Kind.MEDIA_URLS:
                return self._broken_urls(cast("list[str]", value))
            case _:
                return None

    def _has_type(self, value: object) -> bool:
        match self.kind:
            case Kind.TEXT | Kind.MEDIA_URL:
                return isinstance(value, str)
            case Kind.INTEGER:
                return isinstance(value, int) and not isinstance(value, bool)
            case Kind.BOOLEAN:
                return isinstance(value, bool)
            case _:
                return isinstance(value, list) and all(
                    isinstance(item, str) for item in cast("list[object]", value)
                )

    def _choices_said(self) -> str:
        names = [str(choice) for choice in self.choices]
        said = " or ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + " or " + names[-1]
        return f"{said} {self.unit}".strip()

    def _broken_text(self, value: str) -> str | None:
        if self.chars_max is not None and len(value) > self.chars_max:
            return (
                f"{self.name} must have at most {self.chars_max:,} characters, got {len(value):,}"
            )
        if "\x00" in value:
            return f"{self.name} must not contain the character U+0000"
        if not _is_unicode(value):
            return f"{self.name} must be valid Unicode, got a lone surrogate"
        return None

    def _broken_integer(self, value: int) -> str | None:
        if self.low is not None and value < self.low:
            return f"{self.name} must be {self.low} or more, got {shown(value)}"
        if self.high is not None and value > self.high:
            return f"{self.name} must be at most {self.high}, got {shown(value)}"
        return None

    def _broken_urls(self, value: list[str]) -> str | None:
        if self.items_max is not None and len(value) > self.items_max:
            plural = "URL" if self.items_max == 1 else "URLs"
            return f"{self.name} must hold at most {self.items_max} {plural}, got {len(value)}"
        for index, item in enumerate(value):
            broken = self._broken_url(f"{self.name}[{index}]", item)
            if broken:
                return broken
        return None

    def _broken_url(self, place: str, value: str) -> str | None:
        if self.data_uri and value[:5].lower() == "data:":
            head = f"data:{self.data_uri}/"
            if not value.lower().startswith(head) or ";base64," not in value[:100].lower():
                return (
                    f"{place} must be a URL or start with {head}<type>;base64, – got {shown(value)}"
                )
            return None
        if len(value) > URL_CHARS_MAX:
            return f"{place} must have at most {URL_CHARS_MAX:,} characters, got {len(value):,}"
        forms = "an http(s) URL"
        if self.data_uri:
            forms += f" or data:{self.data_uri}/…;base64,…"
        try:
            parts = urlsplit(value)
            is_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            is_url = False
        if not is_url or any(c.isspace() or ord(c) < 32 for c in value):
            return f"{place} must be {forms}, got {shown(value)}"
        return None


def field_rule(name: str, data: Mapping[str, object]) -> FieldRule:
    """Make a rule from a catalogue table. Raises TypeError on an unknown key."""
    fields = dict(data)
    fields["kind"] = Kind(cast("str", fields["kind"]))
    fields["choices"] = tuple(cast("list[str | int]", fields.get("choices", [])))
    fields["also_called"] = tuple(cast("list[str]", fields.get("also_called", [])))
    return FieldRule(name=name, **fields)  # pyright: ignore[reportArgumentType]


def shown(value: object) -> str:
    """Say a caller's value in a message: short, printable, as JSON writes it."""
    text = _json(value)
    return text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 1] + "…"


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        cut = value[: SHOWN_CHARS_MAX + 2]
        return '"' + "".join(c if c.isprintable() else "�" for c in cut) + '"'
    if isinstance(value, list):
        items = [_json(item) for item in cast("list[object]", value)[:SHOWN_ITEMS_MAX]]
        return (
            f"[{', '.join(items)}{', …' if len(cast('list[object]', value)) > len(items) else ''}]"
        )
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a number of over 40 digits"
    return str(value)
