"""Reads request bodies within limits of size, number and time. What they hold is not judged here.

headers → a place, if it is large → bytes as they come → strict_json → the place given back
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from filmgate.domain.errors import (
    InvalidRequest,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from filmgate.domain.field_rule import shown
from filmgate.gateway.multipart import boundary_of, check_encoding
from filmgate.gateway.openai_form import parse_form, parse_urlencoded
from filmgate.gateway.strict_json import LARGE_BYTES, parse_json

URLENCODED = "application/x-www-form-urlencoded"
LARGE_WAIT_S = 20.0
READ_S_MAX = 300.0

Parse = Callable[[bytes], dict[str, object]]


class Bodies:
    """Reads bodies, only so many large ones at a time."""

    def __init__(self, *, body_bytes_max: int, large_bodies_max: int) -> None:
        self._bytes_max = body_bytes_max
        self._large = asyncio.Semaphore(large_bodies_max)

    def json(self, request: Request) -> ReadBody:
        """Return the body as a context: `async with bodies.json(request) as body`.

        A large body holds its place until the context ends. Raises UnsupportedMediaType,
        PayloadTooLarge, InvalidRequest, Unavailable.
        """
        return ReadBody(
            request,
            bytes_max=self._bytes_max,
            large=self._large,
            check=_check_type,
            parse=parse_json,
        )

    def form(self, request: Request) -> ReadBody:
        """Return a form as `json` does a body: openai_form.py says how its fields look.

        The form is held whole, files too, under the limits of every body.
        """

        def parse(raw: bytes) -> dict[str, object]:
            if is_urlencoded(request):
                return parse_urlencoded(raw)
            return parse_form(raw, boundary_of(request))

        return ReadBody(
            request,
            bytes_max=self._bytes_max,
            large=self._large,
            check=_check_form_type,
            parse=parse,
        )


class ReadBody:
    """One body, for as long as it is in use."""

    __slots__ = ("_bytes_max", "_check", "_has_place", "_large", "_parse", "_request")

    def __init__(
        self,
        request: Request,
        *,
        bytes_max: int,
        large: asyncio.Semaphore,
        check: Callable[[Request], None],
        parse: Parse,
    ) -> None:
        self._request = request
        self._check = check
        self._parse = parse
        self._bytes_max = bytes_max
        self._large = large
        self._has_place = False

    async def __aenter__(self) -> dict[str, object]:
        """Read it all."""
        self._check(self._request)
        try:
            return self._parse(await self._read())
        except BaseException:
            self._give_place_back()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._give_place_back()

    async def _read(self) -> bytes:
        declared = self._declared_length()
        if declared > LARGE_BYTES:
            await self._take_place()
        message = await self._receive_soon(READ_S_MAX, 0)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            self._check_length(len(first))
            return first
        return await self._read_rest(first)

    async def _read_rest(self, first: bytes) -> bytes:
        parts, size = [first], len(first)
        deadline_s = asyncio.get_running_loop().time() + READ_S_MAX
        while True:
            self._check_length(size, got="got at least")
            if size > LARGE_BYTES:
                await self._take_place()
            left_s = deadline_s - asyncio.get_running_loop().time()
            message = await self._receive_soon(left_s, size)
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if not message.get("more_body", False):
                self._check_length(size)
                return b"".join(parts)

    async def _receive_soon(self, left_s: float, size: int) -> Message:
        try:
            async with asyncio.timeout(left_s):
                return await self._request.receive()
        except TimeoutError:
            raise InvalidRequest(
                f"the request body took longer than {READ_S_MAX:g} s; {size:,} bytes had come"
            ) from None

    def _declared_length(self) -> int:
        text = self._request.headers.get("content-length")
        if text is None:
            return 0
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise InvalidRequest(f"Content-Length must be a number of bytes, got {shown(text)}")
        self._check_length(int(text))
        return int(text)

    def _check_length(self, size: int, *, got: str = "got") -> None:
        if size > self._bytes_max:
            raise PayloadTooLarge(
                f"the request body must have at most {self._bytes_max:,} bytes, {got} {size:,};"
                " larger files go to POST /v1/uploads/images or /v1/uploads/audios"
            )

    async def _take_place(self) -> None:
        if self._has_place:
            return
        try:
            async with asyncio.timeout(LARGE_WAIT_S):
                await self._large.acquire()
        except TimeoutError:
            raise Unavailable(
                f"too many request bodies over {LARGE_BYTES:,} bytes are being read; try again soon"
            ) from None
        self._has_place = True

    def _give_place_back(self) -> None:
        if self._has_place:
            self._has_place = False
            self._large.release()


def _check_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if given != "application/json":
        media, _, parameters = given.partition(";")
        if media.strip().lower() != "application/json":
            got = shown(given) if given else "none"
            raise UnsupportedMediaType(f"Content-Type must be application/json, got {got}")
        name, _, value = parameters.strip().partition("=")
        is_utf8 = name.lower() == "charset" and value.strip('"').lower() in {"utf-8", "utf8"}
        if parameters.strip() and not is_utf8:
            raise UnsupportedMediaType(
                f"Content-Type's only parameter must be charset=utf-8, got {shown(given)}"
            )
    check_encoding(request)


def is_urlencoded(request: Request) -> bool:
    """Whether the request says that it holds a form without files."""
    media = request.headers.get("content-type", "").partition(";")[0]
    return media.strip().lower() == URLENCODED


def _check_form_type(request: Request) -> None:
    if not is_urlencoded(request):
        boundary_of(request)
    check_encoding(request)
