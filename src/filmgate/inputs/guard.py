"""Connections to admitted addresses only: one request to one host, whatever it carries.

    Location ─ resolve ─ all addresses admitted? ─ connect to one of THESE ─ the answer's head
                                              (name in Host, SNI, certificate)

A name is resolved once per request and the connection goes to the addresses that were checked, so
a name that changes its address in between (DNS rebinding) gains nothing. Connections are never
shared or kept, and neither are cookies. Proxy variables of the environment are not used: a proxy
would resolve names itself. No redirect is followed here and no body is read.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from filmgate.domain.errors import ConfigError
from filmgate.inputs.addresses import Address, AllowedHosts
from filmgate.inputs.faults import FetchFault, Reason
from filmgate.inputs.location import Location, UrlRefused, read_location
from filmgate.inputs.resolver import Resolver

ADDRESSES_TRIED_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: a method, and a body where the method has one."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None


class Guard:
    """Opens connections that keep the address rules."""

    def __init__(
        self,
        allowed: AllowedHosts,
        resolver: Resolver,
        ca_file: str | None,
        *,
        connect_s: float,
        read_s: float,
    ) -> None:
        """`read_s`: longest silence of the other side. Raises ConfigError for the CA file."""
        self.allowed = allowed
        self._resolver = resolver
        self._tls = _tls_context(ca_file)
        self._times = {"connect": connect_s, "read": read_s, "write": read_s, "pool": connect_s}

    def locate(self, url: str) -> Location:
        """Read a URL. Raises FetchFault for what needs no network to tell."""
        try:
            return read_location(url, self.allowed)
        except UrlRefused as refused:
            raise FetchFault(Reason.URL_REFUSED, f"be {refused}") from refused

    @asynccontextmanager
    async def exchange(
        self, location: Location, message: Message
    ) -> AsyncGenerator[httpx.Response]:
        """Send and lend the answer while its body is to be read. Raises FetchFault."""
        addresses = await self._admitted(location)
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            answer = await self._sent(transport, location, addresses, message)
            try:
                yield answer
            finally:
                await answer.aclose()

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
        if not all(location.admits(address, self.allowed) for address in addresses):
            rule = f"be of a host with public addresses only, {host} is not one"
            raise FetchFault(Reason.URL_REFUSED, rule)
        return addresses[:ADDRESSES_TRIED_MAX]

    async def _sent(
        self,
        transport: httpx.AsyncHTTPTransport,
        location: Location,
        addresses: Sequence[Address],
        message: Message,
    ) -> httpx.Response:
        """Send the request to the first address that takes the connection."""
        *others, last = addresses
        for address in others:
            try:
                return await self._asked(transport, location, address, message)
            except FetchFault as fault:
                if fault.reason is not Reason.HOST_UNREACHABLE:
                    raise
        return await self._asked(transport, location, last, message)

    async def _asked(
        self,
        transport: httpx.AsyncHTTPTransport,
        location: Location,
        address: Address,
        message: Message,
    ) -> httpx.Response:
        request = httpx.Request(
            message.method,
            location.url.copy_with(host=str(address)),
            headers={
                "Host": location.host_header,
                "User-Agent": "filmgate",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "Connection": "close",
                **message.headers,
            },
            content=message.body,
            extensions={"timeout": self._times, "sni_hostname": location.host},
        )
        try:
            return await transport.handle_async_request(request)
        except httpx.TransportError as error:
            raise transport_fault(error, location.host) from error


def transport_fault(error: httpx.TransportError, host: str) -> FetchFault:
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


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
