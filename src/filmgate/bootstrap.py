"""Floor 5. Reads nothing, decides everything: which adapter stands behind which port. Read this to
see what runs where.

    serve          the supervisor: database, migrations, first keys, and the two processes below
    run_gateway    HTTP                    run_worker   the queue          run_studio   the worker's
    child operator       verbs for commands that need no HTTP

Imports stand inside the functions, so that each process loads only what it needs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmgate import __version__
from filmgate.config import PREFIX, Settings, split_list
from filmgate.domain.errors import ConfigError, FilmgateError

if TYPE_CHECKING:
    from filmgate.domain.api_key import ApiKey
    from filmgate.domain.webhook import Delivery, WebhookSecret
    from filmgate.inputs.addresses import AllowedHosts
    from filmgate.inputs.resolver import Resolver
    from filmgate.ports.engine import Engine
    from filmgate.ports.rewriter import Rewriter
    from filmgate.ports.store import Store
    from filmgate.ports.studio import Credential
    from filmgate.service.check_storage import StorageReport
    from filmgate.service.deps import Deps
    from filmgate.store.embedded import EmbeddedPostgres
    from filmgate.store.store import PostgresStore
    from filmgate.supervisor.data_folder import DataFolder
    from filmgate.worker.webhooks import WebhookLoop

EXIT_USAGE = 2
EXIT_TAKEN = 3
LINK_SECRET_BYTES = 32
FETCH_CONCURRENT_MAX = 8
GATEWAY_END_S = 15.0
WORKER_END_S = 15.0
"""How long a process whose supervisor died may take to end; for a worker, after draining."""


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


# ---- the server as a whole


def serve(settings: Settings, *, is_private: bool) -> int:
    """Run a server in its data folder until it is told to stop; return the exit status."""
    from filmgate.supervisor.data_folder import DataFolder

    _set_up_logs(settings)
    folder = DataFolder(data_path(settings))
    if not folder.lock():
        sys.stderr.write(f"A server already runs on {folder.path}; `filmgate status` shows it.\n")
        return EXIT_TAKEN
    try:
        return asyncio.run(_serve(settings, folder, is_private=is_private))
    except FilmgateError as error:
        sys.stderr.write(f"{error.message}\n")
        return EXIT_USAGE if isinstance(error, ConfigError) else 1
    finally:
        folder.unlock()


async def _serve(settings: Settings, folder: DataFolder, *, is_private: bool) -> int:
    from filmgate.store.migrate import migrate
    from filmgate.store.store import PostgresStore
    from filmgate.supervisor.supervisor import Database, Plan, Supervisor, listen, url_of

    stop = _stop_on_signals()
    credential = signing_credential(settings)
    if credential is not None and settings.provenance_certificate:
        from filmgate.media.provenance import try_credential

        try_credential(credential)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror};"
            " name another one with --host and --port"
        ) from error
    embedded = _embedded(settings, folder)
    if embedded is not None:
        await embedded.start()
    url = embedded.url if embedded is not None else settings.database_url
    store = PostgresStore(url, connections_max=2)
    try:
        await migrate(url)
        await store.open()
        deps = await build_deps(settings, store)
        say_hello = await _ensure_keys(deps, folder, is_private=is_private, url=url_of(listener))
        supervisor = Supervisor(
            Plan(
                version=__version__,
                is_private=is_private,
                environment=_environment(
                    replace(settings, port=listener.getsockname()[1]), folder, database_url=url
                ),
                drain_s=settings.drain_s,
                idle_exit_s=settings.idle_exit_s,
                worker_name=worker_name,
            ),
            folder=folder,
            listener=listener,
            url=url_of(listener),
            store=store,
            database=Database(
                start=embedded.start if embedded else _nothing,
                wait_dead=embedded.wait_dead if embedded else None,
                stop=embedded.stop if embedded else _nothing,
            ),
        )
        await supervisor.run(stop, on_ready=say_hello)
    finally:
        await store.close()
        if embedded is not None:
            await embedded.stop()
    return 0


async def _ensure_keys(
    deps: Deps, folder: DataFolder, *, is_private: bool, url: str
) -> Callable[[], None]:
    """Make this machine's key and, at the very first start, one to show; return what to say
    once all is ready.
    """
    from filmgate.domain.api_key import hash_token
    from filmgate.service.manage_keys import create_key
    from filmgate.supervisor.data_folder import write_private

    is_first_start = not await deps.store.keys()
    kept = folder.client_key.read_text().strip() if folder.client_key.is_file() else ""
    known = await deps.store.key_by_hash(hash_token(kept)) if kept else None
    if known is None or not known.is_usable:
        _, token = await create_key("this machine's commands", deps=deps)
        write_private(folder.client_key, token)
    first_token = ""
    if is_first_start and not is_private:
        _, first_token = await create_key("first", deps=deps)

    def say() -> None:
        if not is_private:
            _greet(url, first_token)

    return say


def _greet(url: str, first_token: str) -> None:
    lines = [f"filmgate {__version__} is ready at {url}"]
    if first_token:
        body = '{"model":"wan2.5-preview","prompt":"Sunset coastal highway, cinematic shot"}'
        lines += [
            "",
            f"Your first API key (shown this once): {first_token}",
            "",
            "Try it:",
            f"  curl -sS {url}/v1/videos/generations \\",
            f"    -H 'Authorization: Bearer {first_token}' \\",
            "    -H 'Content-Type: application/json' \\",
            f"    -d '{body}'",
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


# ---- its processes


def run_gateway(settings: Settings) -> None:
    """Serve HTTP until told to stop."""
    from filmgate.supervisor.parent import end_with_supervisor

    _set_up_logs(settings)
    end_with_supervisor(limit_s=GATEWAY_END_S)
    _run(_gateway(settings))


async def _gateway(settings: Settings) -> None:
    import uvicorn

    from filmgate.gateway.app import build_app
    from filmgate.gateway.door import DoorSettings
    from filmgate.service.watch import TaskWatch
    from filmgate.supervisor.supervisor import listen

    store = await _open_store(settings, connections_max=16)
    deps = await build_deps(settings, store)
    door = DoorSettings(
        version=__version__,
        public_url=settings.public_url.rstrip("/"),
        trusted_networks=split_list(settings.trusted_proxies),
        cors_origins=split_list(settings.cors_origins),
        body_bytes_max=settings.body_bytes_max,
        large_bodies_max=settings.large_bodies_max,
        model_aliases=settings.model_names,
        image_bytes_max=settings.image_bytes_max,
        audio_bytes_max=settings.audio_bytes_max,
    )
    app = build_app(deps, door, TaskWatch(store))
    descriptor = os.environ.get("FILMGATE_LISTEN_FD")
    listener = (
        socket.socket(fileno=int(descriptor))
        if descriptor
        else listen(settings.host, settings.port)
    )
    server = uvicorn.Server(
        uvicorn.Config(
            _noting_requests(app, data_path(settings) / "last-request"),
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
            limit_concurrency=None,
        )
    )
    try:
        await server.serve(sockets=[listener])
    finally:
        await store.close()


def run_worker(settings: Settings) -> None:
    """Make films until told to stop."""
    from filmgate.supervisor.parent import end_with_supervisor
    from filmgate.worker.scratch import own_scratch

    _set_up_logs(settings)
    end_with_supervisor(limit_s=settings.drain_s + WORKER_END_S)
    with own_scratch(data_path(settings) / "scratch"):
        _run(_worker(settings))


async def _worker(settings: Settings) -> None:
    from filmgate.worker.studio import ChildStudio
    from filmgate.worker.worker import Worker, WorkerSettings

    stop = _stop_on_signals()
    store = await _open_store(settings, connections_max=4 + 2 * settings.slots)
    deps = replace(await build_deps(settings, store), credential=signing_credential(settings))
    worker = Worker(
        deps=deps,
        studios=[ChildStudio(environment=_studio_environment()) for _ in range(settings.slots)],
        settings=WorkerSettings(
            name=worker_name(os.getpid()),
            database_url=settings.database_url,
            sweep_s=settings.sweep_s,
            drain_s=settings.drain_s,
        ),
    )
    webhooks = _webhook_loop(settings, deps)
    try:
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(webhooks.run())
            await worker.run(stop)
            delivering.cancel()
    finally:
        await store.close()


def _studio_environment() -> dict[str, str]:
    """Our own environment without what a child that decodes strangers' files has no need to know."""
    secret = {f.name for f in fields(Settings) if f.metadata["is_secret"]} | {"database_url"}
    withheld = {f"{PREFIX}{name.upper()}" for name in secret}
    return {name: value for name, value in os.environ.items() if name not in withheld}


def _webhook_loop(settings: Settings, deps: Deps) -> WebhookLoop:
    """The bodies are what the API shows, so they are made by the gateway's own conversion."""
    from filmgate.gateway.wire import encoded_task
    from filmgate.inputs.guard import Guard
    from filmgate.inputs.poster import GuardedPoster
    from filmgate.service.deliver_webhook import Postman
    from filmgate.supervisor.supervisor import url_at
    from filmgate.worker.webhooks import WebhookLimits, WebhookLoop

    base_url = settings.public_url.rstrip("/") or url_at(settings.host, settings.port)
    timeout_s = settings.webhook_timeout_s
    allowed, resolver = _address_rules(settings)
    guard = Guard(
        allowed,
        resolver,
        settings.fetch_ca_file or None,
        connect_s=min(timeout_s, 5.0),
        read_s=timeout_s,
    )

    def link_of(key: str, expires_at: datetime) -> str:
        return base_url + deps.links.path(key, expires_at=expires_at)

    postman = Postman(
        deps=deps,
        sender=GuardedPoster(guard, total_s=timeout_s),
        render=lambda view: encoded_task(view, link_of=link_of),
        first_retry_s=settings.webhook_first_retry_s,
    )
    return WebhookLoop(postman, WebhookLimits(lease_s=2 * timeout_s + 1))


def _address_rules(settings: Settings) -> tuple[AllowedHosts, Resolver]:
    """Which addresses may be connected to, and who knows them."""
    from filmgate.inputs.addresses import AllowedHosts
    from filmgate.inputs.resolver import StaticResolver, SystemResolver

    return (
        AllowedHosts.parse(split_list(settings.fetch_allowed)),
        StaticResolver.parse(split_list(settings.fetch_resolve), SystemResolver()),
    )


def run_studio() -> None:
    """Decode, draw and encode for the worker that started this process."""
    from filmgate.worker.studio_child import serve as serve_orders
    from filmgate.worker.workshop import StudioWorkshop

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides
    serve_orders(StudioWorkshop(load_engine))


def worker_name(pid: int) -> str:
    """Return the name under which a worker process holds its leases."""
    return f"{socket.gethostname()}-{pid}"


def load_engine(name: str) -> Engine:
    """Load one engine by its entry point; nothing else is imported. Raises ConfigError."""
    from importlib.metadata import entry_points

    found = entry_points(group="filmgate.engines", name=name)
    if not found:
        known = ", ".join(sorted(e.name for e in entry_points(group="filmgate.engines")))
        raise ConfigError(f"no engine is named {name!r}; installed are {known}")
    return next(iter(found)).load()()


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


# ---- verbs without HTTP


class Operator:
    """The verbs that commands use without a server's API."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    @property
    def deps(self) -> Deps:
        """What verbs are given, for commands that call one themselves."""
        return self._deps

    async def create_key(self, name: str, *, account: str) -> tuple[ApiKey, str]:
        """See service/manage_keys.py."""
        from filmgate.service.manage_keys import create_key

        return await create_key(name, deps=self._deps, account=account)

    async def list_keys(self) -> list[ApiKey]:
        """See service/manage_keys.py."""
        from filmgate.service.manage_keys import list_keys

        return await list_keys(deps=self._deps)

    async def revoke_key(self, id_or_name: str) -> ApiKey:
        """See service/manage_keys.py."""
        from filmgate.service.manage_keys import revoke_key

        return await revoke_key(id_or_name, deps=self._deps)

    async def list_deliveries(
        self, *, task_id: str | None, state: str | None, limit: int
    ) -> list[Delivery]:
        """See service/manage_webhooks.py."""
        from filmgate.service.manage_webhooks import list_deliveries

        return await list_deliveries(
            key=None, task_id=task_id, state=state, before=None, limit=limit, deps=self._deps
        )

    async def redeliver(self, delivery_id: str) -> Delivery:
        """See service/manage_webhooks.py."""
        from filmgate.service.manage_webhooks import redeliver

        return await redeliver(delivery_id, deps=self._deps)

    async def webhook_secret(self, id_or_name: str, *, is_rotated: bool) -> WebhookSecret:
        """See service/manage_webhooks.py."""
        from filmgate.service.manage_keys import find_key
        from filmgate.service.manage_webhooks import rotate_webhook_secret, webhook_secret

        key = await find_key(id_or_name, deps=self._deps)
        hand_out = rotate_webhook_secret if is_rotated else webhook_secret
        return await hand_out(key.id, deps=self._deps)

    async def check_storage(self, *, may_repair: bool) -> StorageReport:
        """See service/check_storage.py."""
        from filmgate.service.check_storage import check_storage

        return await check_storage(may_repair=may_repair, deps=self._deps)


@asynccontextmanager
async def operator(settings: Settings) -> AsyncGenerator[Operator]:
    """Lend the verbs over the data folder's database, which is started for the while if no
    server runs.
    """
    from filmgate.store.migrate import migrate
    from filmgate.store.store import PostgresStore
    from filmgate.supervisor.data_folder import DataFolder

    folder = DataFolder(data_path(settings))
    embedded = _embedded(settings, folder)
    is_mine = embedded is not None and folder.lock()
    url = embedded.url if embedded is not None else settings.database_url
    try:
        if embedded is not None and is_mine:
            await embedded.start()
        if embedded is None or is_mine:
            await migrate(url)
        store = PostgresStore(url, connections_max=2)
        await store.open()
        try:
            yield Operator(await build_deps(settings, store))
        finally:
            await store.close()
    finally:
        if embedded is not None and is_mine:
            await embedded.stop()
            folder.unlock()


# ---- adapters


async def build_deps(settings: Settings, store: Store) -> Deps:
    """Put an adapter behind every port."""
    from filmgate.catalogue import load_models
    from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
    from filmgate.service.deps import Deps, Limits
    from filmgate.storage.links import SignedLinks
    from filmgate.storage.local import LocalStorage
    from filmgate.store.sealing import sealer_in_force

    secret = await store.ensure_secret("links", secrets.token_bytes(LINK_SECRET_BYTES))
    allowed, resolver = _address_rules(settings)
    return Deps(
        store=store,
        storage=LocalStorage(data_path(settings) / "files"),
        links=SignedLinks(secret),
        fetcher=GuardedFetcher(
            FetchLimits(
                total_s=settings.fetch_timeout_s,
                redirects_max=settings.fetch_redirects_max,
                concurrent_max=FETCH_CONCURRENT_MAX,
            ),
            allowed,
            resolver,
            settings.fetch_ca_file or None,
        ),
        rewriter=_rewriter(settings),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        models=load_models(),
        sealer=sealer_in_force(data_path(settings) / "seal.key", key=settings.seal_key),
        limits=Limits(**{f.name: getattr(settings, f.name) for f in fields(Limits)}),
        engine=settings.engine,
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


def _embedded(settings: Settings, folder: DataFolder) -> EmbeddedPostgres | None:
    if settings.database_url:
        return None
    from filmgate.store.embedded import EmbeddedPostgres

    return EmbeddedPostgres(folder.path, password=folder.database_password())


async def _open_store(settings: Settings, *, connections_max: int) -> PostgresStore:
    from filmgate.store.store import PostgresStore

    if not settings.database_url:
        raise ConfigError(
            "FILMGATE_DATABASE_URL is needed to run this process alone; `filmgate serve` runs all"
        )
    store = PostgresStore(settings.database_url, connections_max=connections_max)
    await store.open()
    return store


def _environment(settings: Settings, folder: DataFolder, *, database_url: str) -> Mapping[str, str]:
    """What children are given: our own environment, and every setting as it is in force here."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    in_force = {
        f"{PREFIX}{f.name.upper()}": str(getattr(settings, f.name)) for f in fields(settings)
    }
    in_force[f"{PREFIX}DATA"] = str(folder.path)
    in_force[f"{PREFIX}DATABASE_URL"] = database_url
    return {**inherited, **in_force}


def _noting_requests(app: Any, mark: Path) -> Any:
    """Wrap an ASGI app so that the time of the latest request is on disk, to the second."""
    noted_s = 0.0
    mark.touch(mode=0o600)
    descriptor = os.open(mark, os.O_WRONLY)

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        nonlocal noted_s
        if scope["type"] == "http" and scope["path"] not in {"/readyz", "/healthz"}:
            now_s = asyncio.get_running_loop().time()
            if now_s - noted_s > 1:
                noted_s = now_s
                os.utime(descriptor)
        await app(scope, receive, send)

    return noting


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    return stop


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


def _set_up_logs(settings: Settings) -> None:
    import logging

    import structlog

    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


async def _nothing() -> None:
    """There is nothing to start or stop: the database is somebody else's."""
