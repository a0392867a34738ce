"""What a URL must look like before anything is resolved or sent: scheme, host form, userinfo, port.

Everything that follows works on the parts read here, so that no second parser can see another host
in the same URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import httpx

from filmgate.inputs.addresses import NAME_LETTERS, Address, AllowedHosts, is_public

URL_LENGTH_MAX = 8192
PORTS = frozenset({80, 443, 8080, 8443})
PORT_OF_SCHEME = {"http": 80, "https": 443}
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class UrlRefused(ValueError):
    """A URL breaks a rule. The text says which, and no more of the URL than the part that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a URL points, read once."""

    url: httpx.URL
    host: str
    port: int
    literal: Address | None
    """The address, if the host is one rather than a name."""
    is_named: bool
    """Whether the host itself, by its name, is exempt from the address rules."""

    @property
    def host_header(self) -> str:
        """The value of the Host header: with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        own_port = PORT_OF_SCHEME[self.url.scheme]
        return host if self.port == own_port else f"{host}:{self.port}"

    def joined(self, reference: str, allowed: AllowedHosts) -> Location:
        """Follow a redirect's Location, which may be relative. Raises UrlRefused."""
        try:
            url = self.url.join(reference)
        except (httpx.InvalidURL, ValueError) as error:
            raise UrlRefused("a valid URL") from error
        return read_location(str(url), allowed)

    def admits(self, address: Address, allowed: AllowedHosts) -> bool:
        """Tell whether the host may stand at this address."""
        if self.is_named or allowed.has_address(address):
            return True
        return self.port in PORTS and is_public(address)


def read_location(text: str, allowed: AllowedHosts) -> Location:
    """Read a URL. Raises UrlRefused, completing "must be …", for what needs no network to tell."""
    url = _parsed(text)
    if url.scheme not in PORT_OF_SCHEME:
        raise UrlRefused(f"an http or https URL, got scheme {url.scheme[:32]!r}")
    if url.userinfo:
        raise UrlRefused("a URL without user name and password")
    host = url.raw_host.decode("ascii", "replace").lower().removesuffix(".")
    literal = _literal(host)
    port = PORT_OF_SCHEME[url.scheme] if url.port is None else url.port
    location = Location(
        url=url.copy_with(fragment=None),
        host=host,
        port=port,
        literal=literal,
        is_named=allowed.has_name(host),
    )
    _check(location, allowed)
    return location


def _parsed(text: str) -> httpx.URL:
    if len(text) > URL_LENGTH_MAX:
        raise UrlRefused(f"a URL of at most {URL_LENGTH_MAX} characters, got {len(text)}")
    if UNSAFE.search(text):
        raise UrlRefused("a URL without spaces, control characters and backslashes")
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlRefused("a valid http or https URL") from error


def _literal(host: str) -> Address | None:
    """Return the address that a host is. Refuses forms that resolvers read in their own ways."""
    if not host:
        raise UrlRefused("a URL with a host")
    if ":" in host:
        if "%" in host:
            raise UrlRefused("a URL whose host has no zone")
        return IPv6Address(host)
    if NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return IPv4Address(host)
        except ValueError as error:
            raise UrlRefused(
                f"a URL whose host is a name or four decimal numbers, got {host[:64]!r}"
            ) from error
    labels = host.split(".")
    if (
        len(host) > 253
        or not set(host) <= NAME_LETTERS
        or not all(0 < len(label) <= 63 for label in labels)
    ):
        raise UrlRefused(f"a URL with a valid host name, got {host[:64]!r}")
    return None


def _check(location: Location, allowed: AllowedHosts) -> None:
    if location.is_named:
        return
    host, literal = location.host, location.literal
    if literal is not None and not allowed.has_address(literal) and not is_public(literal):
        raise UrlRefused(f"a URL of a public address, got {host!r}")
    if host == "localhost" or host.endswith(".localhost"):
        raise UrlRefused(f"a URL of a public host, got {host[:64]!r}")
    may_be_allowed = bool(allowed.networks) if literal is None else allowed.has_address(literal)
    if location.port not in PORTS and not may_be_allowed:
        ports = ", ".join(str(port) for port in sorted(PORTS))
        raise UrlRefused(f"a URL with one of the ports {ports}, got {location.port}")
