"""filmgate engines: what makes films here, in which order, whether it answers, what was ordered.

Reads the settings, the routes and the purchases; needs no server and orders nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.cli.failure import EXIT_FAILED, EXIT_USAGE, CommandFailed
from filmgate.cli.operate import run
from filmgate.cli.options import DataOption, settings_with
from filmgate.cli.table import print_table
from filmgate.domain.errors import EngineFailed
from filmgate.domain.upstream_fault import UpstreamFault

if TYPE_CHECKING:
    from filmgate.config import Settings
    from filmgate.domain.route import Route
    from filmgate.ports.store import Allowance
    from filmgate.service.upstream import Routes, Upstream

engines = typer.Typer(help="List what makes films, test whether it answers, see what was ordered.")

MICRO_USD = 1_000_000


@engines.command("list")
def list_engines(data: DataOption = None) -> None:
    """List engines and upstreams, and the routes that lead to them.

    \b
    Examples:
      filmgate engines list
    """
    routes = _routes(data)
    rows = [[name, "engine", "here", "–", "–"] for name in _installed()]
    rows += [_row(upstream) for upstream in routes.upstreams.values()]
    print_table(["name", "kind", "where", "films at a time", "budget"], rows)
    print_table(
        ["route", "engines in order", "prompts are rewritten", "for"],
        [_route_row(route) for route in (*routes.routes, routes.otherwise)],
    )


@engines.command("test")
def test_engines(
    names: Annotated[
        list[str] | None, typer.Argument(help="Engines or upstreams. None: all on a route.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Ask each whether it answers: an upstream by a request that costs nothing, an engine of ours
    by a second of small film.

    \b
    Examples:
      filmgate engines test
      filmgate engines test dashscope-sg draft
    """
    settings = settings_with(data=data)
    routes = _routes(data)
    wanted = names or list(routes.engines)
    known = sorted({*routes.upstreams, *_installed()})
    for name in wanted:
        if name not in known:
            raise CommandFailed(
                f"there is no engine or upstream {name!r}, only {', '.join(known)}",
                exit_code=EXIT_USAGE,
            )
    failures = asyncio.run(_test_all(wanted, routes, settings))
    if failures:
        raise CommandFailed(
            f"{failures} of {len(wanted)} do not answer",
            advice="`filmgate engines list` shows where they are; docs/guides/upstreams.md.",
            exit_code=EXIT_FAILED,
        )


@engines.command()
def purchases(
    upstream: Annotated[
        str | None, typer.Option("--upstream", metavar="NAME", help="Only this upstream's.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most, newest first.")] = 50,
    data: DataOption = None,
) -> None:
    """List what was ordered from upstreams, newest first: how each order stands and what it cost.

    A cost is what the upstream says, or else what its prices in routes.toml say. `uncertain` and
    `wasted` may have been charged for no film: look at the upstream's own bill.

    \b
    Examples:
      filmgate engines purchases
      filmgate engines purchases --upstream dashscope-sg --limit 200
    """
    found = run(data, lambda deps: deps.store.latest_purchases(upstream, limit=limit))
    print_table(
        ["ordered", "task", "upstream", "upstream id", "state", "USD", "detail"],
        [
            [
                f"{purchase.intended_at:%Y-%m-%d %H:%M:%S}",
                purchase.task_id,
                purchase.upstream,
                purchase.upstream_id or "–",
                purchase.state,
                f"{purchase.cost_micro_usd / MICRO_USD:g}",
                purchase.detail or "",
            ]
            for purchase in found
        ],
        empty="Nothing was ordered from an upstream yet.",
    )


async def _test_all(names: list[str], routes: Routes, settings: Settings) -> int:
    failures = 0
    try:
        for name in names:
            began_s = time.monotonic()
            try:
                found = await _tested(name, routes, settings)
            except (UpstreamFault, EngineFailed) as fault:
                failures += 1
                print(f"{name}  FAILED  {fault.message}")
            else:
                print(f"{name}  ok  {found}  ({time.monotonic() - began_s:.1f} s)")
    finally:
        await routes.close()
    return failures


async def _tested(name: str, routes: Routes, settings: Settings) -> str:
    upstream = routes.upstreams.get(name)
    if upstream is not None:
        return await upstream.provider.check()
    from filmgate.bootstrap import load_engine
    from filmgate.ports.engine import Brief, Unobserved

    brief = Brief(
        prompt="a test", negative_prompt="", width_px=320, height_px=192,
        fps=24, duration_s=1, seed=1,
    )  # fmt: skip
    engine = load_engine(name, settings)
    frames = sum(1 for _ in engine.make(brief, Unobserved()).frames())
    return f"{engine.name} {engine.version} made {frames} frames"


def _installed() -> list[str]:
    from importlib.metadata import entry_points

    return sorted(entry.name for entry in entry_points(group="filmgate.engines"))


def _routes(data: str | None) -> Routes:
    from filmgate.bootstrap import routes_in_force

    return routes_in_force(settings_with(data=data))


def _row(upstream: Upstream) -> list[str]:
    return [
        upstream.name,
        upstream.provider.kind,
        upstream.provider.url,
        str(upstream.allowance.concurrent_max),
        _budget_words(upstream.allowance),
    ]


def _budget_words(allowance: Allowance) -> str:
    limits = {"day": allowance.micro_usd_per_day, "month": allowance.micro_usd_per_month}
    told = [f"${most / MICRO_USD:g} a {per}" for per, most in limits.items() if most is not None]
    return ", ".join(told) or "no limit"


def _route_row(route: Route) -> list[str]:
    order = " → ".join(
        " or ".join(name if len(choice) == 1 else f"{name}×{n}" for name, n in choice.items())
        for choice in route.choices
    )
    conditions = (route.models, route.modes, route.resolutions, route.api_keys)
    told = [", ".join(sorted(values)) for values in conditions if values]
    told += [f"{seconds} s" for seconds in sorted(route.durations_s)]
    if route.hours_utc is not None:
        told.append(f"{route.hours_utc[0]:%H:%M}-{route.hours_utc[1]:%H:%M} UTC")
    return [route.name, order, route.rewriting, "; ".join(told) or "all"]
