"""Whom a proxy speaks for: X-Forwarded-* headers, believed only from trusted networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from starlette.types import Scope

ADDRESSES_MAX = 32
_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,260}")


class Proxies:
    """The proxies in front of this server."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def believe(self, scope: Scope) -> None:
        """Put the caller's address, scheme and host into the scope, if a trusted proxy names them.

        Proxies append to X-Forwarded-For, so it is read from the right: the first address that is
        not a trusted proxy is the caller. What stands left of it proves nothing.
        """
        client = scope.get("client")
        if client is None or not self._trusts(client[0]):
            return
        forwarded: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name.startswith(b"x-forwarded-"):
                forwarded[name] = forwarded[name] + b"," + value if name in forwarded else value
        address = self._caller(forwarded.get(b"x-forwarded-for", b""))
        if address:
            scope["client"] = (address, 0)
        proto = _last(forwarded.get(b"x-forwarded-proto", b"")).lower()
        if proto in {b"http", b"https"}:
            scope["scheme"] = proto.decode("ascii")
        host = _last(forwarded.get(b"x-forwarded-host", b""))
        if host and _HOST.fullmatch(host):
            others = [header for header in scope["headers"] if header[0] != b"host"]
            scope["headers"] = [*others, (b"host", host)]

    def _caller(self, header: bytes) -> str | None:
        nearest = None
        for part in reversed(header.decode("latin-1").split(",")[-ADDRESSES_MAX:]):
            text = part.strip()
            try:
                ipaddress.ip_address(text)
            except ValueError:
                return nearest
            nearest = text
            if not self._trusts(text):
                return nearest
        return nearest

    def _trusts(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _last(header: bytes) -> bytes:
    """The value that the nearest proxy wrote."""
    return header.rpartition(b",")[2].strip()
