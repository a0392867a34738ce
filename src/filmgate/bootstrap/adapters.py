"""Which adapter stands behind which port. Here alone is it decided."""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filmgate.config import Settings, split_list
from filmgate.domain.errors import ConfigError

if TYPE_CHECKING:
    from filmgate.inputs.addresses import AllowedHosts
    from filmgate.inputs.resolver import Resolver
    from filmgate.ports.engine import Engine
    from filmgate.ports.fetcher import Fetcher
    from filmgate.ports.rewriter import Rewriter
    from filmgate.ports.store import Store
    from filmgate.ports.studio import Credential
    from filmgate.service.deps import Deps
    from filmgate.service.upstream import Routes
    from filmgate.store.embedded import EmbeddedPostgres
    from filmgate.store.store import PostgresStore
    from filmgate.supervisor.data_folder import DataFolder

LINK_SECRET_BYTES = 32
FETCH_CONCURRENT_MAX = 8


class SystemClock:
    """The Clock port."""

    def now(self) -> datetime:
        """Return the current time, UTC, aware."""
        return datetime.now(UTC)


class SystemEntropy:
    """The Entropy port."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        return secrets.token_bytes(count)


def default_data_folder() -> Path:
    """Return where everything is kept when nobody says where."""
    if os.geteuid() == 0:
        return Path("/var/lib/filmgate")
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "filmgate"


def data_path(settings: Settings) -> Path:
    """Return the data folder in force, absolute."""
    named = settings.data
    return Path(named).expanduser().absolute() if named else default_data_folder()


def address_rules(settings: Settings) -> tuple[AllowedHosts, Resolver]:
    """Which addresses may be connected to, and who knows them."""
    from filmgate.inputs.addresses import AllowedHosts
    from filmgate.inputs.resolver import StaticResolver, SystemResolver

    return (
        AllowedHosts.parse(split_list(settings.fetch_allowed)),
        StaticResolver.parse(split_list(settings.fetch_resolve), SystemResolver()),
    )


def load_engine(name: str, settings: Settings | None = None) -> Engine:
    """Load one engine by its entry point; nothing else is imported. Raises ConfigError.

    An engine with a `configured` method is given the settings; any other is made without.
    """
    from importlib.metadata import entry_points

    found = entry_points(group="filmgate.engines", name=name)
    if not found:
        known = ", ".join(sorted(e.name for e in entry_points(group="filmgate.engines")))
        raise ConfigError(f"no engine is named {name!r}; installed are {known}")
    kind = next(iter(found)).load()
    if not hasattr(kind, "configured"):
        return kind()
    return kind.configured(asdict(settings or Settings()))


def configured_engines(settings: Settings) -> tuple[str, ...]:
    """Return the engines of ours whose weights the operator named."""
    named = {"wan": settings.wan_model or settings.wan_image_model, "ltx2": settings.ltx2_model}
    return tuple(engine for engine, weights in named.items() if weights)


def resident_engines(settings: Settings) -> tuple[str, ...]:
    """Return the engines in use that keep models in memory: ours with weights, or the one named."""
    from importlib.metadata import entry_points

    from filmgate.ports.engine import Resident

    found, named = configured_engines(settings), settings.engine
    is_others = named not in {"draft", "wan", "ltx2"}
    if is_others and entry_points(group="filmgate.engines", name=named):
        engine = load_engine(named, settings)
        found += (named,) if isinstance(engine, Resident) else ()
    return found


def guarded_fetcher(settings: Settings) -> Fetcher:
    """Return who fetches strangers' URLs."""
    from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher

    allowed, resolver = address_rules(settings)
    limits = FetchLimits(
        total_s=settings.fetch_timeout_s,
        redirects_max=settings.fetch_redirects_max,
        concurrent_max=FETCH_CONCURRENT_MAX,
    )
    return GuardedFetcher(limits, allowed, resolver, settings.fetch_ca_file or None)


def routes_in_force(settings: Settings, fetcher: Fetcher | None = None) -> Routes:
    """Return the upstreams and routes that are set up. Raises ConfigError."""
    from filmgate.bootstrap.routes import read_routes

    return read_routes(
        settings,
        data_path(settings),
        fetcher=fetcher or guarded_fetcher(settings),
        engines=configured_engines(settings),
    )


def signing_credential(settings: Settings) -> Credential | None:
    """Return what films are signed with, made if need be; None if provenance is off.

    Raises ConfigError.
    """
    from filmgate.media.certificates import FOLDER, credential_in_force

    if not settings.provenance:
        return None
    return credential_in_force(
        data_path(settings) / FOLDER,
        certificate=settings.provenance_certificate,
        key=settings.provenance_key,
        now=datetime.now(UTC),
    )


async def build_deps(settings: Settings, store: Store, *, routes: Routes | None = None) -> Deps:
    """Put an adapter behind every port. Raises ConfigError.

    `routes` stands for those in force where no film is made and upstreams' keys are not at hand.
    """
    from filmgate.catalogue import load_models
    from filmgate.catalogue.prices import with_prices
    from filmgate.service.deps import Deps, Limits
    from filmgate.storage.links import SignedLinks
    from filmgate.storage.local import LocalStorage
    from filmgate.store.sealing import sealer_in_force

    secret = await store.ensure_secret("links", secrets.token_bytes(LINK_SECRET_BYTES))
    fetcher = guarded_fetcher(settings)
    return Deps(
        store=store,
        storage=LocalStorage(data_path(settings) / "files"),
        links=SignedLinks(secret),
        fetcher=fetcher,
        rewriter=_rewriter(settings),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        models=with_prices(load_models(), settings.prices),
        sealer=sealer_in_force(data_path(settings) / "seal.key", key=settings.seal_key),
        limits=Limits(**{f.name: getattr(settings, f.name) for f in fields(Limits)}),
        routes=routes or routes_in_force(settings, fetcher),
        public_url=settings.public_url.rstrip("/"),
    )


def _rewriter(settings: Settings) -> Rewriter:
    if not settings.rewriter_url:
        from filmgate.rewrite.builtin import BuiltinRewriter

        return BuiltinRewriter()
    from filmgate.rewrite.chat import ChatRewriter

    return ChatRewriter(
        base_url=settings.rewriter_url,
        key=settings.rewriter_key,
        model=settings.rewriter_model,
        timeout_s=settings.rewriter_timeout_s,
    )


def embedded_postgres(settings: Settings, folder: DataFolder) -> EmbeddedPostgres | None:
    """The database we bring along, or None when the operator names one."""
    if settings.database_url:
        return None
    from filmgate.store.embedded import EmbeddedPostgres

    return EmbeddedPostgres(folder.path, password=folder.database_password())


async def open_store(settings: Settings, *, connections_max: int) -> PostgresStore:
    """Open the store of a process that a supervisor, or an operator, gave its database to."""
    from filmgate.store.store import PostgresStore

    if not settings.database_url:
        raise ConfigError(
            "FILMGATE_DATABASE_URL is needed to run this process alone; `filmgate serve` runs all"
        )
    store = PostgresStore(
        settings.database_url,
        connections_max=connections_max,
        key_concurrent_tasks_max=settings.key_concurrent_tasks_max,
    )
    await store.open()
    return store
