"""Keep rates: requests of a key, failed logins and keyless requests of an address, per minute.

The counts are the database's, so that they are exact over all gateways. Where no limit is set it is
not asked.
"""

from __future__ import annotations

import ipaddress
import math

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import RateLimited
from filmgate.domain.turn import WINDOW_S, Turn
from filmgate.service.deps import Deps

IPV6_PREFIX = 64
"""One subscriber has at least so large a network: its addresses count as one."""
FORGET_EVERY = 1000
"""Turns between two removals of who has not asked for long."""


async def key_turn(key: ApiKey, *, deps: Deps) -> Turn | None:
    """Take one of the key's turns; None if it has no limit. The caller checks it."""
    most = key.requests_per_minute or deps.limits.key_requests_per_minute
    return await _take(f"key:{key.id}", most, deps)


async def address_turn(address: str | None, *, deps: Deps) -> Turn | None:
    """Take a turn of an address that asks without a key; None if there is no limit."""
    most = deps.limits.address_requests_per_minute
    return await _take(f"address:{subject_of(address)}", most, deps)


async def count_failed_login(address: str | None, *, deps: Deps) -> None:
    """Count a wrong key. Raises RateLimited once an address has tried too many.

    Right keys are always served: they cannot be guessed, and behind one address there may be many.
    """
    most = deps.limits.failed_logins_per_minute
    turn = await _take(f"login:{subject_of(address)}", most, deps)
    check_turn(turn, what="failed logins of an address")


def check_turn(turn: Turn | None, *, what: str) -> None:
    """Raise RateLimited if a turn was asked for and not given."""
    if turn is not None and not turn.is_given:
        wait_s = math.ceil(turn.again_s)
        raise RateLimited(
            f"at most {turn.most:,} {what} a minute are served; try again in {wait_s} s",
            retry_after_s=max(1, wait_s),
        )


def subject_of(address: str | None) -> str:
    """Return what an address counts as: itself, or its network of 64 bits for IPv6."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))


async def _take(subject: str, most: int, deps: Deps) -> Turn | None:
    if not most:
        return None
    deps.turn_gauge.taken += 1
    if deps.turn_gauge.taken % FORGET_EVERY == 0:
        await deps.store.forget_turns(idle_s=3 * WINDOW_S)
    return await deps.store.take_turn(subject, most=most, window_s=WINDOW_S)
