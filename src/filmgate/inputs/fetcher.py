"""Fetches a caller's URL into a file, from public addresses only; what it holds is not judged.

    URL ─ read_location ─ resolve ─ all addresses admitted? ─ connect to one of THESE ─ status
            ▲                                          (name in Host, SNI, certificate)   │
            └─────────── redirect: the whole way again, `redirects_max` times ────────────┤
                                            200: body ─ counted ─ .part ─ renamed ◄───────┘

A name is resolved once per hop and the connection goes to the addresses that were checked, so a
name that changes its address in between (DNS rebinding) gains nothing. Connections are never shared
or kept, and neither are cookies. Proxy variables of the environment are not used: a proxy would
resolve names itself.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from filmgate.domain.errors import BrokenRule, ConfigError, InvalidFields, StorageFailed
from filmgate.inputs.addresses import Address, AllowedHosts
from filmgate.inputs.faults import FetchFault, Reason
from filmgate.inputs.location import Location, UrlRefused, read_location
from filmgate.inputs.resolver import Resolver
from filmgate.ports.fetcher import FetchedFile

ADDRESSES_TRIED_MAX = 4
CHUNK_BYTES = 2**20
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
    retries_max: int = 2
    retry_delay_s: float = 0.4
    """Wait before the first retry; three times as long before each further one."""


class GuardedFetcher:
    """A ports.fetcher.Fetcher on httpx."""

    def __init__(
        self, limits: FetchLimits, allowed: AllowedHosts, resolver: Resolver, ca_file: str | None
    ) -> None:
        """Raises ConfigError if the file of further certificate authorities cannot be read."""
        self._limits = limits
        self._allowed = allowed
        self._resolver = resolver
        self._slots = asyncio.Semaphore(limits.concurrent_max)
        self._tls = _tls_context(ca_file)

    def check(self, url: str, *, param: str) -> None:
        """Refuse at once what can be told without a network."""
        try:
            read_location(url, self._allowed)
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
        delay_s = self._limits.retry_delay_s
        retries_left = self._limits.retries_max
        while True:
            try:
                return await self._follow(url, part)
            except FetchFault as fault:
                if not fault.may_retry or not retries_left or loop.time() + delay_s >= ends_at:
                    raise
            await asyncio.sleep(delay_s)
            retries_left -= 1
            delay_s *= 3

    async def _follow(self, url: str, part: _Part) -> Location:
        """Follow the redirects to the file and receive it; return where it was."""
        try:
            location = read_location(url, self._allowed)
        except UrlRefused as refused:
            raise FetchFault(Reason.URL_REFUSED, f"be {refused}") from refused
        for _ in range(self._limits.redirects_max + 1):
            addresses = await self._admitted(location)
            async with self._answer(location, addresses) as answer:
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
            return location.joined(reference, self._allowed)
        except UrlRefused as refused:
            raise _refused_redirect(location) from refused

    async def _admitted(self, location: Location) -> Sequence[Address]:
        """Resolve a host. One address that is not admitted refuses them all."""
        host = location.host
        if location.literal is not None:
            return (location.literal,)
        try:
            addresses = await self._resolver.resolve(host)
        except OSError as error:
            rule = f"be of a reachable host, the name {host} could not be resolved"
            raise FetchFault(Reason.HOST_UNREACHABLE, rule, may_retry=True) from error
        if not addresses:
            rule = f"be of a reachable host, there is no host {host}"
            raise FetchFault(Reason.HOST_UNREACHABLE, rule)
        if not all(location.admits(address, self._allowed) for address in addresses):
            rule = f"be of a host with public addresses only, {host} is not one"
            raise FetchFault(Reason.URL_REFUSED, rule)
        return addresses[:ADDRESSES_TRIED_MAX]

    @asynccontextmanager
    async def _answer(
        self, location: Location, addresses: Sequence[Address]
    ) -> AsyncGenerator[httpx.Response]:
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            answer = await self._sent(transport, location, addresses)
            try:
                yield answer
            finally:
                await answer.aclose()

    async def _sent(
        self,
        transport: httpx.AsyncHTTPTransport,
        location: Location,
        addresses: Sequence[Address],
    ) -> httpx.Response:
        """Send the request to the first address that takes the connection."""
        *others, last = addresses
        for address in others:
            try:
                return await self._asked(transport, location, address)
            except FetchFault as fault:
                if fault.reason is not Reason.HOST_UNREACHABLE:
                    raise
        return await self._asked(transport, location, last)

    async def _asked(
        self, transport: httpx.AsyncHTTPTransport, location: Location, address: Address
    ) -> httpx.Response:
        try:
            return await transport.handle_async_request(self._request(location, address))
        except httpx.TransportError as error:
            raise _fault(error, location.host) from error

    def _request(self, location: Location, address: Address) -> httpx.Request:
        limits = self._limits
        times = {
            "connect": limits.connect_s,
            "read": limits.read_s,
            "write": limits.read_s,
            "pool": limits.connect_s,
        }
        return httpx.Request(
            "GET",
            location.url.copy_with(host=str(address)),
            headers={
                "Host": location.host_header,
                "User-Agent": "filmgate",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            extensions={"timeout": times, "sni_hostname": location.host},
        )


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


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise ConfigError(
                f"fetch_ca_file must be a readable PEM file of certificates, got {ca_file!r}"
            ) from error
    return context


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
        raise _fault(error, location.host) from error
    except httpx.TransportError as error:
        rule = f"arrive whole, {location.host} ended the connection early"
        raise FetchFault(Reason.INTERRUPTED, rule, may_retry=True) from error
    await asyncio.to_thread(part.append, bytes(waiting))


def _fault(error: httpx.TransportError, host: str) -> FetchFault:
    """Say what went wrong before or while the answer came."""
    if _is_tls(error):
        rule = f"be of a host with a valid certificate, TLS with {host} failed"
        return FetchFault(Reason.TLS_FAILED, rule)
    if isinstance(error, httpx.RemoteProtocolError):
        rule = f"be answered in HTTP, {host} does not"
        return FetchFault(Reason.HTTP_ERROR, rule, may_retry=True)
    if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
        return FetchFault(Reason.TIMED_OUT, f"be sent without long pauses, {host} fell silent")
    rule = f"be of a reachable host, {host} takes no connection"
    return FetchFault(Reason.HOST_UNREACHABLE, rule, may_retry=True)


def _refused_redirect(location: Location) -> FetchFault:
    """Refuse a redirect without repeating where it leads: that may be an address of the inside."""
    rule = f"redirect only to http or https URLs of public addresses, {location.host} does not"
    return FetchFault(Reason.URL_REFUSED, rule)


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
