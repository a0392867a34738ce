"""Upstreams around fakes, set up as the operator's file would, for a task's way in one process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rig import fake_deps

from filmgate.domain.route import Route
from filmgate.ports.provider import Account, Provider
from filmgate.ports.store import Allowance
from filmgate.providers.apimart import ApiMart
from filmgate.providers.comfyui import ComfyUI
from filmgate.providers.dashscope import DashScope
from filmgate.providers.lightx2v import LightX2V
from filmgate.providers.openai_videos import OpenAIVideos
from filmgate.service.deps import Deps
from filmgate.service.upstream import Patience, Routes, Upstream
from filmgate.store.store import PostgresStore
from filmgate.testing.provider_contract import NoWeb
from filmgate.testing.upstream import FakeUpstream

PROVIDERS = {
    "dashscope": DashScope,
    "apimart": ApiMart,
    "vllm-omni": OpenAIVideos,
    "sglang": OpenAIVideos,
    "lightx2v": LightX2V,
    "comfyui": ComfyUI,
}
PRICE_MICRO_USD_PER_S = 50_000
_open: list[Provider] = []


def provider_of(fake: FakeUpstream, *, timeout_s: float = 1.0, **options: Any) -> Provider:
    account = Account(
        name=fake.kind, url=fake.url, key=fake.key, timeout_s=timeout_s, options=options
    )
    provider = PROVIDERS[fake.kind](account, NoWeb())
    _open.append(provider)
    return provider


async def close_providers() -> None:
    while _open:
        await _open.pop().close()


def upstream_of(provider: Provider, name: str = "theirs", **allowance: Any) -> Upstream:
    return Upstream(
        name,
        provider,
        allowance=Allowance(**{"concurrent_max": 1000, **allowance}),
        patience=Patience(requests_per_s=1000.0, poll_s=0.01),
        price_micro_usd_per_s={"480p": PRICE_MICRO_USD_PER_S} if provider.bills else {},
    )


def routes_to(*upstreams: Upstream, then: tuple[str, ...] = ()) -> Routes:
    names = [*(upstream.name for upstream in upstreams), *then]
    otherwise = Route(name="otherwise", choices=tuple({name: 1} for name in names))
    return Routes(
        routes=(),
        otherwise=otherwise,
        upstreams={upstream.name: upstream for upstream in upstreams},
    )


async def deps_with(store: PostgresStore, folder: Path, routes: Routes, **limits: Any) -> Deps:
    return replace(await fake_deps(store, folder, **limits), routes=routes)
