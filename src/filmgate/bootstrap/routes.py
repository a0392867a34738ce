"""Reads the operator's upstreams and routes (`routes.toml`) and puts providers behind their names.

[upstreams.NAME]  provider, url, key, limits, prices    → Upstream
[[routes]]        engines in order, and when they hold  → Route
setting `engine`  what makes all other films            → Routes.otherwise
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from datetime import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from filmgate.catalogue import load_models
from filmgate.config import Settings
from filmgate.domain.errors import ConfigError
from filmgate.domain.route import Choice, Rewriting, Route
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.provider import Account, Provider
from filmgate.ports.store import Allowance
from filmgate.service.upstream import Patience, Routes, Upstream

FILE = "routes.toml"
AUTO, DRAFT = "auto", "draft"
MICRO = 1_000_000
CONCURRENT_MAX = 5
UPSTREAM_FIELDS = frozenset(
    {"provider", "url", "key", "timeout_s", "options", "concurrent_max", "requests_per_s"}
    | {"poll_s", "budget_usd_per_day", "budget_usd_per_month", "usd_per_s"}
)
ROUTE_FIELDS = frozenset(
    {"name", "engines", "models", "modes", "resolutions", "durations_s", "api_keys"}
    | {"hours_utc", "rewriting"}
)
MODES = frozenset({"text-to-video", "image-to-video"})
ENV, SECRET_FILE = "env:", "file:"

Table = Mapping[str, Any]


def routes_path(settings: Settings, data: Path) -> Path | None:
    """Return the file of routes, or None if there is none. Raises ConfigError."""
    named = settings.routes_file
    path = Path(named).expanduser() if named else data / FILE
    if path.is_file():
        return path
    if named:
        raise ConfigError(f"routes_file must be a readable TOML file, got {named!r}")
    return None


def read_routes(
    settings: Settings,
    data: Path,
    *,
    fetcher: Fetcher,
    engines: tuple[str, ...],
    environment: Mapping[str, str] = os.environ,
) -> Routes:
    """Read upstreams and routes. `engines` are ours that are set up, dearest first.

    Raises ConfigError, which names the file, the table and the rule.
    """
    path = routes_path(settings, data)
    table: Table = _read(path) if path else {}
    specs = _tables(table.get("upstreams", {}), "upstreams")
    upstreams = {name: _upstream(name, spec, fetcher, environment) for name, spec in specs.items()}
    known = {*upstreams, *(entry.name for entry in entry_points(group="filmgate.engines"))}
    routes = tuple(
        _route(number, spec, known) for number, spec in enumerate(_each_route(table), start=1)
    )
    names = _otherwise(settings.engine, tuple(upstreams), engines, known)
    otherwise = Route(name="otherwise", choices=tuple({name: 1} for name in names))
    _count_all_films(specs, (*routes, otherwise))
    return Routes(routes=routes, otherwise=otherwise, upstreams=upstreams)


def key_variables(settings: Settings, data: Path) -> frozenset[str]:
    """Return the environment variables that hold upstreams' keys: no child needs to see them."""
    path = routes_path(settings, data)
    specs = _tables(_read(path).get("upstreams", {}), "upstreams").values() if path else ()
    keys = (str(spec.get("key", "")) for spec in specs)
    return frozenset(key.removeprefix(ENV) for key in keys if key.startswith(ENV))


def _otherwise(
    wanted: str, upstreams: tuple[str, ...], engines: tuple[str, ...], known: set[str]
) -> tuple[str, ...]:
    """A drawing is never sold as a film: `draft` stands in only where nothing else is set up."""
    if wanted == AUTO:
        return (*upstreams, *engines) or (DRAFT,)
    if wanted not in known:
        raise ConfigError(f"no engine is named {wanted!r}; there are {_list(known)}, and auto")
    return (wanted,)


def _upstream(name: str, spec: Table, fetcher: Fetcher, environment: Mapping[str, str]) -> Upstream:
    where = f"[upstreams.{name}]"
    _only(spec, UPSTREAM_FIELDS, where)
    account = Account(
        name=name,
        url=_text(spec, "url", where).rstrip("/"),
        key=_key(spec, where, environment),
        timeout_s=_number(spec, "timeout_s", 30.0, where),
        options=_table(spec, "options", where),
    )
    prices = _table(spec, "usd_per_s", where)
    return Upstream(
        name,
        _provider_class(_text(spec, "provider", where), where)(account, fetcher),
        allowance=Allowance(
            concurrent_max=round(_number(spec, "concurrent_max", CONCURRENT_MAX, where)),
            micro_usd_per_day=_budget(spec, "budget_usd_per_day", where),
            micro_usd_per_month=_budget(spec, "budget_usd_per_month", where),
        ),
        patience=Patience(
            requests_per_s=_number(spec, "requests_per_s", 20.0, where),
            poll_s=_number(spec, "poll_s", 5.0, where),
        ),
        price_micro_usd_per_s={
            size: round(_number(prices, size, 0, f"{where} usd_per_s") * MICRO) for size in prices
        },
    )


def _count_all_films(specs: Mapping[str, Table], routes: tuple[Route, ...]) -> None:
    """Refuse an upstream with a budget that may be asked for films without a price."""
    offered = {name: tuple(model.price_micro_usd_per_s) for name, model in load_models().items()}
    for name, spec in specs.items():
        if not any(field.startswith("budget_") for field in spec):
            continue
        for route in routes:
            asked = route.resolutions_of(offered) if name in route.engines else ()
            unpriced = [size for size in asked if size not in spec.get("usd_per_s", {})]
            if unpriced:
                raise ConfigError(
                    f"[upstreams.{name}] has a budget and no usd_per_s for {', '.join(unpriced)},"
                    f" which route {route.name!r} may ask of it: such films would not count"
                )


def _provider_class(kind: str, where: str) -> Callable[[Account, Fetcher], Provider]:
    found = entry_points(group="filmgate.providers", name=kind)
    if not found:
        known = _list({entry.name for entry in entry_points(group="filmgate.providers")})
        raise ConfigError(f"{where} provider must be one of {known}, got {kind!r}")
    return cast("Callable[[Account, Fetcher], Provider]", next(iter(found)).load())


def _route(number: int, spec: Table, known: set[str]) -> Route:
    where = f"[[routes]] {number}"
    _only(spec, ROUTE_FIELDS, where)
    choices = tuple(_choice(entry, where, known) for entry in spec.get("engines", []))
    if not choices:
        raise ConfigError(f"{where} needs engines, such as engines = ['draft']")
    rewriting = str(spec.get("rewriting", Rewriting.HERE))
    if rewriting not in set(Rewriting):
        raise ConfigError(f"{where} rewriting must be {_list(set(Rewriting))}, got {rewriting!r}")
    return Route(
        name=str(spec.get("name", f"route {number}")),
        choices=choices,
        models=_set(spec, "models", where),
        modes=_modes(spec, where),
        resolutions=_set(spec, "resolutions", where),
        durations_s=_set(spec, "durations_s", where),
        api_keys=_set(spec, "api_keys", where),
        hours_utc=_hours(str(spec["hours_utc"]), where) if "hours_utc" in spec else None,
        rewriting=Rewriting(rewriting),
    )


def _set(spec: Table, name: str, where: str) -> frozenset[Any]:
    value = spec.get(name, [])
    if not isinstance(value, list):
        raise ConfigError(f"{where} {name} must be a list, got {value!r}")
    return frozenset(cast("list[Any]", value))


def _modes(spec: Table, where: str) -> frozenset[str]:
    modes = _set(spec, "modes", where)
    if not modes <= MODES:
        raise ConfigError(f"{where} modes must be of {_list(MODES)}, got {_list(modes - MODES)}")
    return modes


def _choice(entry: str | Choice, where: str, known: set[str]) -> Choice:
    """A name, or names with weights, as { a = 3, b = 1 }."""
    choice = {entry: 1} if isinstance(entry, str) else entry
    for name, weight in choice.items():
        if name not in known:
            raise ConfigError(f"{where} engines: there is no {name!r}, only {_list(known)}")
        if weight < 1:
            raise ConfigError(f"{where} engines: weights must be at least 1, {name} has {weight}")
    return choice


def _hours(text: str, where: str) -> tuple[time, time]:
    start, _, end = text.partition("-")
    try:
        return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
    except ValueError as error:
        raise ConfigError(f"{where} hours_utc must be like 20:00-06:00, got {text!r}") from error


def _key(spec: Table, where: str, environment: Mapping[str, str]) -> str:
    """Keys stand in the environment or in files of their own, so that this file can be shown."""
    text = str(spec.get("key", ""))
    if not text:
        return ""
    if text.startswith(ENV):
        name = text.removeprefix(ENV)
        if not environment.get(name):
            raise ConfigError(f"{where} key: the environment variable {name} is not set")
        return environment[name]
    if text.startswith(SECRET_FILE):
        path = Path(text.removeprefix(SECRET_FILE)).expanduser()
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{where} key: {path} cannot be read: {error.strerror}") from error
    raise ConfigError(f"{where} key must be env:NAME or file:PATH, never the key itself")


def _read(path: Path) -> Table:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    _only(table, frozenset({"upstreams", "routes"}), str(path))
    return table


def _tables(value: object, where: str) -> Mapping[str, Table]:
    if not isinstance(value, dict) or not all(
        isinstance(spec, dict) for spec in cast("Mapping[str, Any]", value).values()
    ):
        raise ConfigError(f"{where} must be tables, as [{where}.NAME]")
    return cast("Mapping[str, Table]", value)


def _table(spec: Table, name: str, where: str) -> Table:
    value = spec.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{where} {name} must be a table, got {value!r}")
    return cast("Table", value)


def _each_route(table: Table) -> list[Table]:
    value = table.get("routes", [])
    if not isinstance(value, list) or not all(
        isinstance(spec, dict) for spec in cast("list[Any]", value)
    ):
        raise ConfigError("routes must be a list of tables, each as [[routes]]")
    return cast("list[Table]", value)


def _only(spec: Table, known: frozenset[str], where: str) -> None:
    for name in spec:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it may have {_list(known)}"
            raise ConfigError(f"{where} has no field {name!r}{hint}")


def _text(spec: Table, name: str, where: str) -> str:
    value = spec.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where} needs {name}, a text")
    return value


def _number(spec: Table, name: str, default: float, where: str) -> float:
    value = spec.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigError(f"{where} {name} must be a number above 0, got {value!r}")
    return float(value)


def _budget(spec: Table, name: str, where: str) -> int | None:
    return round(_number(spec, name, 0, where) * MICRO) if name in spec else None


def _list(names: set[str] | frozenset[str] | set[Rewriting]) -> str:
    return ", ".join(sorted(names))
