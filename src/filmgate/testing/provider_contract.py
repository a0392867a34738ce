"""What every provider promises, as tests: subclass it in a test file, give the fake and the
provider.

    class TestDashScope(ProviderContract):
        fake, provider, key = FakeDashScope, DashScope, FakeDashScope.key

Needs pytest with asyncio_mode = auto. The faults are those that decide over money: each must come
back as the one word (UpstreamBusy, UpstreamAway, …) that says what may follow.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from filmgate.domain.errors import UpstreamRejected
from filmgate.domain.upstream_fault import (
    UpstreamAway,
    UpstreamBusy,
    UpstreamFault,
    UpstreamRefused,
    UpstreamSilent,
)
from filmgate.ports.fetcher import FetchedFile, Fetcher
from filmgate.ports.provider import Account, Provider, UpstreamOrder, View, ViewState
from filmgate.testing.film_file import FilmKind, film_bytes
from filmgate.testing.upstream import FakeUpstream, Fault, Outcome

ORDER = UpstreamOrder(
    key="task_01JQ0000000000000000007K3Q-1",
    model="wan2.5-preview",
    prompt="A cat walks along a wall at dusk",
    negative_prompt="blurry",
    may_rewrite_prompt=False,
    resolution="480p",
    width_px=832,
    height_px=480,
    fps=24,
    duration_s=5,
    seed=2**40 + 7,
    image_path=None,
    sound_path=None,
)
FILM_BYTES_MAX = 50 * 2**20
SILENCE_S = 0.5


class NoWeb:
    """A Fetcher for tests whose films all lie with the upstream itself."""

    def check(self, url: str, *, param: str) -> None:
        """Admit all."""

    async def fetch(
        self, url: str, target: Path, *, size_bytes_max: int, param: str
    ) -> FetchedFile:
        """Nothing is to be fetched from elsewhere."""
        raise AssertionError(f"{url} was fetched as {param}, {size_bytes_max} bytes, to {target}")


class ProviderContract:
    """The promises. A subclass may narrow `order` to what its upstream can make."""

    fake: ClassVar[type[FakeUpstream]]
    provider: ClassVar[Callable[[Account, Fetcher], Provider]]
    key: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = {}
    order: ClassVar[UpstreamOrder] = ORDER
    can_reject: ClassVar[bool] = True
    """Whether the upstream has content rules of its own; a prompt with [rejected] breaks them."""
    can_be_busy: ClassVar[bool] = True
    """Whether it says 429."""

    @contextmanager
    def upstream(self, **settings: Any) -> Generator[FakeUpstream]:
        """Run the fake, its film ready."""
        film_bytes(
            FilmKind.GOOD,
            width_px=self.order.width_px,
            height_px=self.order.height_px,
            duration_s=self.order.duration_s,
        )
        with self.fake(**settings) as upstream:
            yield upstream

    @asynccontextmanager
    async def client(
        self, upstream: FakeUpstream, *, key: str | None = None, url: str | None = None
    ) -> AsyncGenerator[Provider]:
        """Set the provider up for it."""
        account = Account(
            name="theirs",
            url=url or upstream.url,
            key=self.key if key is None else key,
            timeout_s=SILENCE_S,
            options=self.options,
        )
        provider = type(self).provider(account, NoWeb())
        try:
            yield provider
        finally:
            await provider.close()

    async def ended(self, provider: Provider, upstream_id: str) -> View:
        """Look until it has ended. The fake's films take no time."""
        for _ in range(100):
            view = await provider.look(upstream_id)
            if view.state in {ViewState.DONE, ViewState.FAILED, ViewState.LOST}:
                return view
        raise AssertionError(f"{upstream_id} does not end")

    async def test_an_order_becomes_a_film(self, tmp_path: Path) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                upstream_id = await provider.submit(self.order)
                view = await self.ended(provider, upstream_id)
                film = tmp_path / "film"
                await provider.fetch(view, upstream_id, film, size_bytes_max=FILM_BYTES_MAX)

            assert view.state is ViewState.DONE
            assert film.read_bytes()[4:8] == b"ftyp"
            assert len(upstream.orders) == 1

    async def test_a_film_over_the_limit_is_not_taken(self, tmp_path: Path) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                upstream_id = await provider.submit(self.order)
                view = await self.ended(provider, upstream_id)
                with pytest.raises(Exception, match="1000 bytes"):
                    await provider.fetch(view, upstream_id, tmp_path / "f", size_bytes_max=1000)

    async def test_a_busy_upstream_took_nothing_and_says_when_to_come_back(self) -> None:
        if not self.can_be_busy:
            pytest.skip("this upstream never says that it is busy")
        with self.upstream() as upstream:
            upstream.fail("submit", Fault.BUSY_FOR_A_SECOND)
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamBusy) as busy:
                    await provider.submit(self.order)
            assert busy.value.retry_after_s == 1
            assert not upstream.orders

    async def test_who_takes_no_connection_took_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with self.upstream() as upstream:
            async with self.client(upstream, url=url) as provider:
                with pytest.raises(UpstreamAway):
                    await provider.submit(self.order)

    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.CUT, Fault.GIBBERISH, Fault.BAD_GATEWAY])
    async def test_a_lost_answer_is_never_taken_for_a_refusal(self, fault: Fault) -> None:
        with self.upstream() as upstream:
            upstream.fail("submit", fault, is_taken=True)
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamSilent):
                    await provider.submit(self.order)
            assert len(upstream.orders) == 1

    async def test_a_repeated_key_is_no_second_order(self) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                if not provider.keeps_keys:
                    pytest.skip("this upstream keeps no keys, and says so")
                first = await provider.submit(self.order)
                assert await provider.submit(self.order) == first
                other = replace(self.order, key=self.order.key[:-1] + "2")
                assert await provider.submit(other) != first
            assert len(upstream.orders) == 2

    async def test_a_wrong_key_is_the_operators_business(self) -> None:
        if not self.key:
            pytest.skip("this upstream asks for no key")
        with self.upstream() as upstream:
            async with self.client(upstream, key="wrong") as provider:
                with pytest.raises(UpstreamRefused):
                    await provider.submit(self.order)
                with pytest.raises(UpstreamRefused):
                    await provider.check()

    async def test_what_breaks_their_rules_is_the_callers_business(self) -> None:
        if not self.can_reject:
            pytest.skip("this upstream has no rules for content")
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                with pytest.raises(UpstreamRejected):
                    await provider.submit(replace(self.order, prompt="[rejected]"))
            assert not upstream.orders

    async def test_a_failure_that_is_not_charged_says_so(self) -> None:
        with self.upstream(outcome=Outcome.FAILED) as upstream:
            async with self.client(upstream) as provider:
                view = await self.ended(provider, await provider.submit(self.order))
        assert view.state is ViewState.FAILED
        assert view.cost_micro_usd == 0
        assert not view.is_callers_fault
        assert view.message

    async def test_an_order_that_is_unknown_is_lost(self) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                upstream_id = await provider.submit(self.order)
                upstream.orders.clear()
                assert (await provider.look(upstream_id)).state is ViewState.LOST

    @pytest.mark.parametrize(
        "fault", [Fault.HANG, Fault.CUT, Fault.GIBBERISH, Fault.BAD_GATEWAY, Fault.BUSY]
    )
    async def test_a_look_that_fails_can_be_repeated(self, fault: Fault) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                upstream_id = await provider.submit(self.order)
                upstream.fail("look", fault)
                with pytest.raises(UpstreamFault):
                    await provider.look(upstream_id)
                assert (await self.ended(provider, upstream_id)).state is ViewState.DONE

    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.CUT, Fault.BAD_GATEWAY])
    async def test_a_film_that_does_not_arrive_whole_can_be_fetched_again(
        self, fault: Fault, tmp_path: Path
    ) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                upstream_id = await provider.submit(self.order)
                view = await self.ended(provider, upstream_id)
                upstream.fail("film", fault)
                film = tmp_path / "film"
                with pytest.raises(UpstreamFault):
                    await provider.fetch(view, upstream_id, film, size_bytes_max=FILM_BYTES_MAX)
                await provider.fetch(view, upstream_id, film, size_bytes_max=FILM_BYTES_MAX)
        assert film.read_bytes()[4:8] == b"ftyp"

    async def test_what_is_cancelled_ends(self) -> None:
        with self.upstream(outcome=Outcome.NEVER) as upstream:
            async with self.client(upstream) as provider:
                upstream_id = await provider.submit(self.order)
                assert (await provider.look(upstream_id)).state in {
                    ViewState.WAITING,
                    ViewState.RUNNING,
                }
                if await provider.cancel(upstream_id):
                    assert [order.id for order in upstream.cancelled] == [upstream_id]
                    view = await self.ended(provider, upstream_id)
                    assert view.state in {ViewState.FAILED, ViewState.LOST}

    async def test_a_check_costs_nothing(self) -> None:
        with self.upstream() as upstream:
            async with self.client(upstream) as provider:
                assert upstream.url in await provider.check()
            assert not upstream.orders
