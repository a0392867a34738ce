"""Which addresses a host name has. Whether they may be connected to is not decided here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Protocol

from filmgate.domain.errors import ConfigError
from filmgate.inputs.addresses import Address

LOOK_UPS_MAX = 8
NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class Resolver(Protocol):
    """Turns host names into addresses."""

    async def resolve(self, host: str) -> Sequence[Address]:
        """Return all addresses of a name, preferred ones first; none if there is no such name.

        Raises OSError if that could not be learned, so that asking again may help.
        """
        ...


class SystemResolver:
    """Asks the operating system, on threads of its own.

    A look-up cannot be cancelled; on the shared threads a few names with dead name servers would
    hold up everybody's file reads and writes.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOK_UPS_MAX, thread_name_prefix="resolver")

    async def resolve(self, host: str) -> Sequence[Address]:
        """Return the addresses, in the system's order of preference."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _look_up, host)
        except socket.gaierror as error:
            if error.errno in NO_SUCH_NAME:
                return ()
            raise
        except UnicodeError:
            return ()
        return tuple(dict.fromkeys(ip_address(text) for text in found))


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class StaticResolver:
    """Answers for some names itself and leaves the others to another resolver."""

    def __init__(self, addresses: Mapping[str, Sequence[Address]], fallback: Resolver) -> None:
        self._addresses = {host.lower(): tuple(found) for host, found in addresses.items()}
        self._fallback = fallback

    @classmethod
    def parse(cls, pairs: Sequence[str], fallback: Resolver) -> StaticResolver:
        """Read `host=address` pairs; a host may come several times. Raises ConfigError."""
        addresses: dict[str, list[Address]] = {}
        for pair in pairs:
            host, _, text = pair.partition("=")
            try:
                address = ip_address(text.strip())
            except ValueError as error:
                raise ConfigError(
                    f"fetch_resolve needs host=address pairs, got {pair!r}"
                ) from error
            addresses.setdefault(host.strip().lower(), []).append(address)
        return cls(addresses, fallback)

    async def resolve(self, host: str) -> Sequence[Address]:
        """Return the given addresses, or the fallback's."""
        given = self._addresses.get(host)
        return given if given is not None else await self._fallback.resolve(host)
