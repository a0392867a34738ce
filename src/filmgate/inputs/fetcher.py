"""Fetches a caller's URL into a file, from public addresses only; what it holds is not judged.

    URL ─ read_location ─ resolve ─ all addresses admitted? ─ connect to one of THESE ─ status
            ▲                                          (name in Host, SNI, certificate)   │
            └─────────── redirect: the whole way again, `redirects_max` times ────────────┤
                                            200: body ─ counted ─ .part ─ renamed ◄───────┘

The address rules are kept by inputs/guard.py, at every hop anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx

from filmgate.domain.errors import BrokenRule, InvalidFields, StorageFailed
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.faults import FetchFault, Reason
from filmgate.inputs.guard import Guard, Message, transport_fault
from filmgate.inputs.location import Location, UrlRefused, read_location
from filmgate.inputs.resolver import Resolver
from filmgate.ports.fetcher import FetchedFile

CHUNK_BYTES = 2**18
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PLAIN_ENCODINGS = frozenset({"", "identity", "aws-chunked", "utf-8"})
"""No compression; the last two are left behind on objects by upload tools and mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What one fetch may take, and how many may run at a time."""

    total_s: float = 30.0
    """All attempts and redirects together; waiting for a free slot is not counted."""
    connect_s: float = 5.0
    read_s: float = 10.0
    """Longest silence of the other side."""
    redirects_max: int = 5
    concurrent_max: int = 8
    retries_max: int = 5
    retry_delay_s: float = 0.4
    """Wait before the first retry; twice as long before each further one."""

    @property
    def retry_delays_s(self) -> tuple[float, ...]:
        """The waits before the retries, which together outlast a host's restart."""
        return tuple(self.retry_delay_s * 2**n for n in range(self.retries_max))


class GuardedFetcher:
    """A ports.fetcher.Fetcher on httpx."""

    def __init__(
        self, limits: FetchLimits, allowed: AllowedHosts, resolver: Resolver, ca_file: str | None
    ) -> None:
        """Raises ConfigError if the file of further certificate authorities cannot be read."""
        self._limits = limits
        self._guard = Guard(
            allowed, resolver, ca_file, connect_s=limits.connect_s, read_s=limits.read_s
        )
        self._slots = asyncio.Semaphore(limits.concurrent_max)

    def check(self, url: str, *, param: str) -> None:
        """Refuse at once what can be told without a network."""
        try:
            read_location(url, self._guard.allowed)
        except UrlRefused as refused:
            raise InvalidFields([BrokenRule(param, f"{param} must be {refused}")]) from refused

    async def fetch(
        self, url: str, target: Path, *, size_bytes_max: int, param: str
    ) -> FetchedFile:
        """Fetch into `target`, whole or not at all. StorageFailed if that cannot be written."""
        part = _Part(target, size_bytes_max)
        try:
            async with self._slots, asyncio.timeout(self._limits.total_s):
                location = await self._attempts(url, part)
                await asyncio.to_thread(part.finish)
        except FetchFault as fault:
            raise fault.as_failure(param) from fault
        except TimeoutError as error:
            rule = f"be fetched within {self._limits.total_s:g} seconds, it took longer"
            raise FetchFault(Reason.TIMED_OUT, rule).as_failure(param) from error
        finally:
            part.path.unlink(missing_ok=True)
        return FetchedFile(size_bytes=part.size_bytes, final_host=location.host)

    async def _attempts(self, url: str, part: _Part) -> Location:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._limits.total_s
        for delay_s in self._limits.retry_delays_s:
            try:
                return await self._follow(url, part)
            except FetchFault as fault:
                if not fault.may_retry or loop.time() + delay_s >= ends_at:
                    raise
            await asyncio.sleep(delay_s)
        return await self._follow(url, part)

    async def _follow(self, url: str, part: _Part) -> Location:
        """Follow the redirects to the file and receive it; return where it was."""
        location = self._guard.locate(url)
        for _ in range(self._limits.redirects_max + 1):
            async with self._guard.exchange(location, Message()) as answer:
                if answer.status_code not in REDIRECTS:
                    _check_answer(answer, location, part.size_bytes_max)
                    await _receive(answer, location, part)
                    return location
                location = self._redirected(location, answer)
        most = self._limits.redirects_max
        raise FetchFault(Reason.REDIRECTS_EXCEEDED, f"redirect at most {most} times, it goes on")

    def _redirected(self, location: Location, answer: httpx.Response) -> Location:
        reference = answer.headers.get("location")
        if reference is None:
            rule = f"be a file, {location.host} answered {answer.status_code} without a location"
            raise FetchFault(Reason.HTTP_ERROR, rule)
        try:
            return location.joined(reference, self._guard.allowed)
        except UrlRefused as refused:
            raise _refused_redirect(location) from refused


class _Part:
    """The file while it grows.

    Each write opens it anew, so that a thread that outlives a cancelled fetch holds no handle.
    """

    def __init__(self, target: Path, size_bytes_max: int) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.part")
        self.size_bytes_max = size_bytes_max
        self.size_bytes = 0

    def start(self) -> None:
        """Begin anew, at once: a thread could make the file after a cancelled fetch removed it."""
        self.size_bytes = 0
        try:
            self.path.write_bytes(b"")
        except OSError as error:
            raise StorageFailed("the folder for fetched inputs cannot be written") from error

    def append(self, chunk: bytes) -> None:
        try:
            with self.path.open("r+b") as file:
                file.seek(0, 2)
                file.write(chunk)
        except OSError as error:
            raise StorageFailed("a fetched input could not be written") from error

    def finish(self) -> None:
        try:
            self.path.replace(self.target)
        except OSError as error:
            raise StorageFailed("a fetched input could not be written") from error


def _check_answer(answer: httpx.Response, location: Location, size_bytes_max: int) -> None:
    host, status = location.host, answer.status_code
    if status in {404, 410}:
        raise FetchFault(Reason.NOT_FOUND, f"exist, {host} answered {status}")
    if status in {401, 403, 407, 451}:
        raise FetchFault(Reason.ACCESS_DENIED, f"be open to this server, {host} answered {status}")
    if status != 200:
        may_retry = status == 429 or status >= 500
        rule = f"be answered with HTTP status 200, {host} answered {status}"
        raise FetchFault(Reason.HTTP_ERROR, rule, may_retry=may_retry)
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding not in PLAIN_ENCODINGS:
        rule = f"be sent without content encoding, {host} sent {encoding[:32]!r}"
        raise FetchFault(Reason.ENCODING_REFUSED, rule)
    length = answer.headers.get("content-length", "")
    if length.isdecimal() and int(length) > size_bytes_max:
        rule = f"be at most {size_bytes_max} bytes, {host} announces {int(length)}"
        raise FetchFault(Reason.TOO_LARGE, rule)


async def _receive(answer: httpx.Response, location: Location, part: _Part) -> None:
    part.start()
    waiting = bytearray()
    try:
        async for chunk in answer.aiter_raw():
            part.size_bytes += len(chunk)
            if part.size_bytes > part.size_bytes_max:
                rule = f"be at most {part.size_bytes_max} bytes, {location.host} sends more"
                raise FetchFault(Reason.TOO_LARGE, rule)
            waiting += chunk
            if len(waiting) >= CHUNK_BYTES:
                await asyncio.to_thread(part.append, bytes(waiting))
                waiting.clear()
    except httpx.ReadTimeout as error:
        raise transport_fault(error, location.host) from error
    except httpx.TransportError as error:
        rule = f"arrive whole, {location.host} ended the connection early"
        raise FetchFault(Reason.INTERRUPTED, rule, may_retry=True) from error
    await asyncio.to_thread(part.append, bytes(waiting))


def _refused_redirect(location: Location) -> FetchFault:
    """Refuse a redirect without repeating where it leads: that may be an address of the inside."""
    rule = f"redirect only to http or https URLs of public addresses, {location.host} does not"
    return FetchFault(Reason.URL_REFUSED, rule)
