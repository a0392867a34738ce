"""Which network addresses the fetcher may connect to. No name is resolved here and nothing is sent.

An address is public only if it is in none of the blocks below; for IPv6 only 2000::/3 is in use at
all. Addresses that carry an IPv4 address inside (mapped, NAT64) are judged by what they carry, as
that is where packets end up. Python's own `is_global` is not asked: what it answers for several of
these blocks differs between patch releases.
Sources: the IANA special-purpose address registries (RFC 6890), RFC 6052 and RFC 8215 (NAT64).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from filmgate.domain.errors import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; one cloud's metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # one cloud's host service, inside an otherwise public block
        "169.254.0.0/16",  # link-local; most clouds' metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
IN_USE_V6 = IPv6Network("2000::/3")
NOT_PUBLIC_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, among them Teredo tunnels
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 tunnels
        "3fff::/20",  # documentation
    )
)
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Tell whether an address is one that anybody on the internet could reach."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        carried = _carried(address)
        if carried is None:
            return address in IN_USE_V6 and not any(address in block for block in NOT_PUBLIC_V6)
        address = carried
    return not any(address in block for block in NOT_PUBLIC_V4)


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """Hosts and networks that inputs may come from although they are not public, on any port."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowedHosts:
        """Read host names, addresses and networks. Raises ConfigError for what is none of them."""
        names: set[str] = set()
        networks: list[Network] = []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                names.add(_host_name(entry))
        return cls(names=frozenset(names), networks=tuple(networks))

    def has_name(self, host: str) -> bool:
        """Tell whether this very host name is allowed; its subdomains are other names."""
        return host in self.names

    def has_address(self, address: Address) -> bool:
        """Tell whether an address lies in an allowed network."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def _host_name(entry: str) -> str:
    name = entry.lower().removesuffix(".")
    is_numbers = name.replace(".", "").isdigit()
    if not name or is_numbers or not name.isascii() or not set(name) <= NAME_LETTERS:
        raise ConfigError(f"fetch_allowed needs host names, addresses or networks, got {entry!r}")
    return name


NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
"""What a host name is made of, after international names were encoded."""
