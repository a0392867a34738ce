"""An upstream as the verbs use it: a provider with its limits, its pace and its breaker.

    ask ─ pace: so many a second, in the order of asking ─ provider ─ breaker notes how it went

What holds over all workers (films at a time, budgets) is kept by the store; this is one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import structlog

from filmgate.domain.route import Route
from filmgate.domain.upstream_fault import (
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamUnfit,
)
from filmgate.ports.provider import Provider, UpstreamOrder
from filmgate.ports.store import Allowance

log = structlog.get_logger()

T = TypeVar("T")

BUSY_REST_S = 1.0
"""How long a busy upstream is left alone when it doesn't say."""


class Pace:
    """Spaces calls evenly, first come first served; time that was lost is not caught up with."""

    def __init__(self, per_s: float) -> None:
        self.per_s = per_s
        self._next_s = 0.0
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for one's turn."""
        clock = asyncio.get_running_loop().time
        async with self._line:
            await asyncio.sleep(max(0.0, self._next_s - clock()))
            self._next_s = clock() + 1 / self.per_s

    def rest(self, seconds: float) -> None:
        """Let no further turn come for a while."""
        self._next_s = max(self._next_s, asyncio.get_running_loop().time() + seconds)


class Breaker:
    """Opens after several faults in a row; then one trial is let through now and then."""

    FAULTS_MAX = 5
    OPEN_S = 30.0

    def __init__(self) -> None:
        self._faults = 0
        self._open_until_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it let nothing through lately."""
        return self._faults >= self.FAULTS_MAX

    def may_try(self) -> bool:
        """Whether the upstream may be called now. While open, one caller in a while may."""
        if not self.is_open:
            return True
        now_s = asyncio.get_running_loop().time()
        if now_s < self._open_until_s:
            return False
        self._open_until_s = now_s + self.OPEN_S
        return True

    def note(self, fault: UpstreamFault | None) -> None:
        """Learn how a call went. A refusal (key, arrears) opens it at once; that the upstream makes
        no such films says nothing of its health.
        """
        if isinstance(fault, UpstreamUnfit):
            return
        if fault is None or isinstance(fault, UpstreamBusy):
            self._faults = 0
            return
        self._faults += self.FAULTS_MAX if isinstance(fault, UpstreamRefused) else 1
        if self.is_open:
            self._open_until_s = asyncio.get_running_loop().time() + self.OPEN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How an upstream is asked and waited for."""

    requests_per_s: float = 20.0
    poll_s: float = 5.0
    """Shortest time between two looks at one film."""


class Upstream:
    """One account at one upstream, in this process."""

    def __init__(
        self,
        name: str,
        provider: Provider,
        *,
        allowance: Allowance,
        patience: Patience,
        price_micro_usd_per_s: Mapping[str, int],
    ) -> None:
        self.name = name
        self.provider = provider
        self.allowance = allowance
        self.breaker = Breaker()
        self._poll_s = patience.poll_s
        self._pace = Pace(patience.requests_per_s)
        self._price_micro_usd_per_s = price_micro_usd_per_s
        self._under_way = 0
        self._freed = asyncio.Condition()

    @property
    def is_full(self) -> bool:
        """Whether this process alone has as many films there as the account may have."""
        return self._under_way >= self.allowance.concurrent_max

    @property
    def poll_every_s(self) -> float:
        """Time between two looks at one film: all of them together stay within the pace."""
        return max(self._poll_s, self._under_way / self._pace.per_s)

    def cost_micro_usd(self, order: UpstreamOrder) -> int:
        """What the operator says that such a film costs there."""
        return self._price_micro_usd_per_s.get(order.resolution, 0) * order.duration_s

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make one call in its turn. Raises what the provider raises."""
        await self._pace.turn()
        try:
            answer = await call()
        except UpstreamFault as fault:
            self.breaker.note(fault)
            if isinstance(fault, UpstreamBusy):
                self._pace.rest(fault.retry_after_s or BUSY_REST_S)
            log.info("upstream.fault", upstream=self.name, fault=fault.code, message=fault.message)
            raise
        self.breaker.note(None)
        return answer

    @asynccontextmanager
    async def film_under_way(self) -> AsyncGenerator[None]:
        """Count one film as being made there; at its end wake whoever has waited longest for it."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            async with self._freed:
                self._freed.notify(1)

    async def wait_for_room(self, limit_s: float) -> None:
        """Wait until a film ends there, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s), self._freed:
                await self._freed.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The operator's routes, and what makes the films that none of them takes."""

    routes: tuple[Route, ...]
    otherwise: Route
    """Of the setting `engine`: what is configured, or one engine by name."""
    upstreams: Mapping[str, Upstream]
    """By the names that routes call them; every other name is an engine of ours."""

    @property
    def engines(self) -> tuple[str, ...]:
        """Every engine and upstream that some route leads to, once."""
        routes = (*self.routes, self.otherwise)
        return tuple(dict.fromkeys(name for route in routes for name in route.engines))

    @classmethod
    def to(cls, engine: str) -> Routes:
        """Return routes that lead everything to one engine of ours."""
        only = Route(name="otherwise", choices=({engine: 1},))
        return cls(routes=(), otherwise=only, upstreams={})

    async def close(self) -> None:
        """Close the upstreams' connections."""
        for upstream in self.upstreams.values():
            await upstream.provider.close()
