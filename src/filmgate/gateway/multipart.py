"""The one file of a multipart form, as it arrives, never whole in memory. It judges no content.

fields of text, where they are taken → the file's headers → filename() → chunks(), up to the form's
end
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from filmgate.domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from filmgate.domain.field_rule import shown

FIELD = "file"
FORM_OVERHEAD_BYTES = 64 * 1024
FILENAME_CHARS_MAX = 150
PAUSE_S_MAX = 60.0
READ_S_MAX = 900.0

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_WRONG_FIELD = "missing or invalid file field"


class FormFile:
    """Reads a form that holds one file, and before it at most `fields_max` fields of text."""

    def __init__(self, request: Request, *, size_bytes_max: int, fields_max: int = 0) -> None:
        self._request = request
        self._file_bytes_max = size_bytes_max
        self._file_bytes = 0
        self._form_bytes = 0
        self._pending: list[bytes] = []
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._parts = 0
        self._fields: dict[str, bytes] = {}
        self._fields_max = fields_max
        self._fields_bytes = 0
        self._field: str | None = None
        self._filename: str | None = None
        self._is_complete = False
        self._has_more = True
        self._parser = self._new_parser(boundary_of(request))
        check_encoding(request)
        self._check_declared_length()

    async def filename(self) -> str:
        """Read up to the file's first byte and return its cleaned name. Raises InvalidRequest."""
        while self._filename is None and self._has_more:
            await self._feed()
        if self._filename is None:
            raise _wrong_field("the form holds no file")
        return self._filename

    def text(self, name: str) -> str:
        """Return a field that came before the file, "" if there was none. Ask after the name."""
        return self._fields.get(name, b"").decode("utf-8", "replace")

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes, and read the form to its end.

        Raises InvalidRequest for a broken or second part, PayloadTooLarge, ClientDisconnect.
        """
        while True:
            pending, self._pending = self._pending, []
            for chunk in pending:
                yield chunk
            if not self._has_more:
                break
            await self._feed()
        if not self._is_complete:
            raise InvalidRequest("the form ends before its closing boundary", param=FIELD)
        if not self._file_bytes:
            raise InvalidRequest("the file must not be empty, got 0 bytes", param=FIELD)

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise InvalidRequest("the form's boundary is too long") from error

    def _check_declared_length(self) -> None:
        text = self._request.headers.get("content-length", "")
        if text.isascii() and text.isdigit():
            size = int(text[:18])
            if size > self._file_bytes_max + FORM_OVERHEAD_BYTES:
                raise self._too_large(size)

    async def _feed(self) -> None:
        try:
            async with asyncio.timeout(PAUSE_S_MAX):
                message = await self._request.receive()
        except TimeoutError:
            raise InvalidRequest(f"nothing of the file came for {PAUSE_S_MAX:g} s") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        data: bytes = message.get("body", b"")
        self._has_more = message.get("more_body", False)
        self._form_bytes += len(data)
        if self._form_bytes > self._file_bytes_max + FORM_OVERHEAD_BYTES:
            raise self._too_large(self._form_bytes)
        try:
            self._parser.write(data)
        except FormParserError as error:
            message = "the form is not valid multipart/form-data"
            raise InvalidRequest(message, param=FIELD) from error

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._filename is not None or self._parts > self._fields_max + 1:
            raise _wrong_field("the form must hold one file and nothing else")
        self._field = None
        self._header_name = self._header_value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name != FIELD and len(self._fields) < self._fields_max:
            self._field, self._fields[name] = name, b""
            return
        if name != FIELD:
            raise _wrong_field(f"the form's field must be named {FIELD}, got {shown(name)}")
        if b"filename" not in options:
            raise _wrong_field(f"the field {FIELD} has no file name, so it is no file")
        self._filename = clean_filename(options[b"filename"].decode("utf-8", "replace"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is not None:
            self._fields[self._field] += data[start:end]
            self._fields_bytes += end - start
            if self._fields_bytes > FORM_OVERHEAD_BYTES:
                raise _wrong_field(f"its text must have at most {FORM_OVERHEAD_BYTES:,} bytes")
            return
        self._file_bytes += end - start
        if self._file_bytes > self._file_bytes_max:
            raise self._too_large(self._file_bytes)
        self._pending.append(data[start:end])

    def _on_end(self) -> None:
        self._is_complete = True

    def _too_large(self, size: int) -> PayloadTooLarge:
        message = f"file size {size} exceeds maximum {self._file_bytes_max} bytes"
        return PayloadTooLarge(message, param=FIELD)


def clean_filename(name: str) -> str:
    """Return the last part of a path, without what could harm a page, a header or a terminal."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _CONTROLS.sub("", last).strip(" .")[:FILENAME_CHARS_MAX]
    return cleaned or "upload"


def boundary_of(request: Request) -> bytes:
    """Return the boundary of the request's form. Raises UnsupportedMediaType, InvalidRequest."""
    given = request.headers.get("content-type", "")
    media, options = parse_options_header(given.encode("latin-1", "replace"))
    if media != b"multipart/form-data":
        got = shown(given) if given else "none"
        raise UnsupportedMediaType(f"Content-Type must be multipart/form-data, got {got}")
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise InvalidRequest("Content-Type must name the form's boundary, got none")
    return boundary


def check_encoding(request: Request) -> None:
    """Refuse a compressed body. Raises UnsupportedMediaType."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(f"Content-Encoding must be absent, got {shown(encoding)}")


def _wrong_field(why: str) -> InvalidRequest:
    return InvalidRequest(f"{_WRONG_FIELD}: {why}", param=FIELD)
