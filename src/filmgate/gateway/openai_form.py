"""A form as an object, the way JSON would have said it. It gives the words no meaning.

    name=prompt                      → "prompt": "…"               always text; fields type it later
    name=input_reference; filename=… → "input_reference": b"…"     a file's bytes
    name=image_urls[]                → "image_urls": ["…", …]
    name=extra_params[seed]          → "extra_params": {"seed": "…"}

The brackets are how the `openai` package writes lists and objects of `extra_body` into a form. A
form without files may be URL-encoded, as curl -d and many HTTP libraries send it.
"""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from filmgate.domain.errors import BrokenRule, InvalidFields, InvalidRequest
from filmgate.domain.field_rule import shown

PARTS_MAX = 64
_NAME = re.compile(r"([A-Za-z0-9_.-]{1,100})(?:\[([A-Za-z0-9_.-]{0,100})\])?")


def parse_form(raw: bytes, boundary: bytes) -> dict[str, object]:
    """Return the fields by name. Raises InvalidRequest for what is no form, InvalidFields for a
    field that is given twice, misnamed or no UTF-8.
    """
    parser = _FormParser(boundary)
    parser.feed(raw)
    return parser.fields


def parse_urlencoded(raw: bytes) -> dict[str, object]:
    """Return the fields by name. Raises as parse_form does."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=PARTS_MAX,
        )
    except ValueError as error:
        message = f"the form is not valid URL-encoded UTF-8 of at most {PARTS_MAX} fields"
        raise InvalidRequest(message) from error
    fields: dict[str, object] = {}
    for said, value in pairs:
        _put(fields, said, value)
    return fields


class _FormParser:
    """Takes the parts of one form in."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, object] = {}
        self._parts = 0
        self._is_complete = False
        self._header_name = self._header_value = self._disposition = b""
        self._data: list[bytes] = []
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise InvalidRequest("the form's boundary is too long") from error

    def feed(self, raw: bytes) -> None:
        """Take the whole form."""
        try:
            self._parser.write(raw)
        except FormParserError as error:
            raise InvalidRequest("the form is not valid multipart/form-data") from error
        if not self._is_complete and raw:
            raise InvalidRequest("the form ends before its closing boundary")

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise InvalidRequest(f"the form must have at most {PARTS_MAX} fields, got more")
        self._header_name = self._header_value = self._disposition = b""
        self._data = []

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _on_part_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        said = options.get(b"name", b"").decode("utf-8", "replace")
        data = b"".join(self._data)
        _put(self.fields, said, data if b"filename" in options else _text(said, data))

    def _on_end(self) -> None:
        self._is_complete = True


def _put(fields: dict[str, object], said: str, value: str | bytes) -> None:
    named = _NAME.fullmatch(said)
    if named is None:
        raise _broken(said, f"a form's field must have a plain name, got {shown(said)}")
    name, inner = named.groups()
    if inner is None:
        is_new = name not in fields
        fields[name] = value
    elif not inner:
        items = fields.setdefault(name, [])
        is_new = isinstance(items, list)
        if is_new:
            cast("list[object]", items).append(value)
    else:
        known = fields.setdefault(name, {})
        is_new = isinstance(known, dict) and inner not in known
        if is_new:
            cast("dict[str, object]", known)[inner] = value
    if not is_new:
        raise _broken(name, f"{name} must be given once, got it twice")


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _broken(name, f"{name[:100]} must be UTF-8, got other bytes") from error


def _broken(param: str, message: str) -> InvalidFields:
    return InvalidFields([BrokenRule(param[:100], message)])
