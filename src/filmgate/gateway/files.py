"""Serves stored files behind signed links: GET and HEAD, whole or in part. It decides on no link.

GET /v1/files/results/task_…/1/film.mp4?expires=…&signature=…
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp

from filmgate.domain.errors import RangeNotSatisfiable
from filmgate.domain.field_rule import shown
from filmgate.gateway.answers import Answer
from filmgate.gateway.error_shapes import said_at_door
from filmgate.gateway.ranges import http_date, quoted, select
from filmgate.ports.storage import Storage
from filmgate.service.deps import Deps
from filmgate.service.open_file import OpenFile, open_file

FILENAME_CHARS_MAX = 150
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|%;]|[^\x20-\x7e]')


class Files:
    """The handler of /v1/files."""

    def __init__(self, *, deps: Deps) -> None:
        self._deps = deps

    async def send(self, request: Request) -> ASGIApp:
        """Send a file, or the part of it that the headers ask for."""
        query = request.query_params
        key: str = request.path_params["key"]
        file = await open_file(
            key,
            expires=query.get("expires", ""),
            signature=query.get("signature", ""),
            deps=self._deps,
        )
        return file_answer(request, file, storage=self._deps.storage)


def file_answer(request: Request, file: OpenFile, *, storage: Storage) -> ASGIApp:
    """Return a file that may be read, or the part of it that the headers ask for."""
    etag = quoted(file.stored.etag)
    size_bytes = file.stored.size_bytes
    selection = select(
        request.headers,
        size_bytes=size_bytes,
        etag=etag,
        modified_at_s=file.stored.modified_at_s,
        has_ranges=request.method == "GET",
    )
    headers = _headers(file, etag)
    if selection.status == 416:
        return _unsatisfiable(request, size_bytes)
    if selection.status == 304:
        return Answer(b"", status=304, headers=_raw(headers))
    headers["Content-Length"] = str(selection.size_bytes)
    headers["Content-Type"] = file.asset.content_type
    if selection.status == 206:
        span = f"{selection.start}-{selection.end - 1}/{size_bytes}"
        headers["Content-Range"] = f"bytes {span}"
    chunks = _nothing()
    if request.method == "GET":
        chunks = storage.read(file.stored.key, start=selection.start, end=selection.end)
    return StreamingResponse(chunks, status_code=selection.status, headers=headers)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _headers(file: OpenFile, etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Last-Modified": http_date(file.stored.modified_at_s),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private",
        "Content-Disposition": disposition(file.asset.filename),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }


def disposition(filename: str) -> str:
    """Return a Content-Disposition that shows the file in place (RFC 6266).

    Old clients read `filename`, plain ASCII; others read `filename*`.
    """
    name = filename.encode("utf-8", "replace").decode("utf-8")[:FILENAME_CHARS_MAX] or "file"
    plain = _UNSAFE.sub("_", name)
    said = f'inline; filename="{plain}"'
    return said if plain == name else f"{said}; filename*=UTF-8''{quote(name, safe='')}"


def _unsatisfiable(request: Request, size_bytes: int) -> Answer:
    asked = shown(request.headers.get("range", ""))
    message = f"Range must name bytes of the file, which has {size_bytes:,}, got {asked}"
    said = said_at_door(RangeNotSatisfiable(message, param="Range"), request.scope)
    content_range = (b"content-range", b"bytes */%d" % size_bytes)
    return Answer(said.body, status=said.status, headers=(*said.headers, content_range))


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()]
