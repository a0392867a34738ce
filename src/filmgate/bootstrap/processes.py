"""The processes below a supervisor: gateway, worker, and the worker's studio child."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmgate import __version__
from filmgate.bootstrap.adapters import (
    address_rules,
    build_deps,
    data_path,
    load_engine,
    open_store,
    resident_engines,
    signing_credential,
)
from filmgate.bootstrap.process import (
    raise_file_limit,
    run_loop,
    set_up_logs,
    stop_on_signals,
    worker_name,
)
from filmgate.bootstrap.routes import key_variables
from filmgate.config import PREFIX, Settings, split_list

if TYPE_CHECKING:
    from filmgate.service.deps import Deps
    from filmgate.worker.resident_studio import ResidentStudio
    from filmgate.worker.studio import ChildStudio
    from filmgate.worker.webhooks import WebhookLoop

GATEWAY_END_S = 15.0
WORKER_END_S = 15.0
"""How long a process whose supervisor died may take to end; for a worker, after draining."""


def run_gateway(settings: Settings) -> None:
    """Serve HTTP until told to stop."""
    from filmgate.supervisor.parent import end_with_supervisor
    from filmgate.worker.scratch import own_scratch

    set_up_logs(settings)
    end_with_supervisor(limit_s=GATEWAY_END_S)
    raise_file_limit()
    with own_scratch(data_path(settings) / "scratch"):
        run_loop(_gateway(settings))


async def _gateway(settings: Settings) -> None:
    import uvicorn

    from filmgate.gateway.app import build_app
    from filmgate.gateway.door import DoorSettings
    from filmgate.service.watch import TaskWatch
    from filmgate.supervisor.supervisor import listen

    store = await open_store(settings, connections_max=16)
    animator = _child_studio(settings)
    deps = replace(await build_deps(settings, store), animator=animator)
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
        else listen(settings.host, settings.port, slow_reader_s=settings.slow_reader_s)
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
        await animator.close()
        await store.close()


def run_worker(settings: Settings) -> None:
    """Make films until told to stop."""
    from filmgate.supervisor.parent import end_with_supervisor
    from filmgate.worker.scratch import own_scratch

    set_up_logs(settings)
    end_with_supervisor(limit_s=settings.drain_s + WORKER_END_S)
    with own_scratch(data_path(settings) / "scratch"):
        # Not on uvloop, which reads up to 8 MB of a fetched file before its reader can say stop.
        asyncio.run(_worker(settings))


async def _worker(settings: Settings) -> None:
    from filmgate.service.end_loops import end_loops
    from filmgate.worker.resident_studio import ResidentStudio
    from filmgate.worker.worker import Worker, WorkerSettings

    stop = stop_on_signals()
    store = await open_store(settings, connections_max=4 + 2 * settings.slots)
    deps = replace(await build_deps(settings, store), credential=signing_credential(settings))
    studios = [_studio(settings) for _ in range(settings.slots)]

    async def warm() -> None:
        await asyncio.gather(*(s.warm() for s in studios if isinstance(s, ResidentStudio)))

    worker = Worker(
        deps=deps,
        get_ready=warm,
        studios=studios,
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
            await end_loops([delivering])
    finally:
        await deps.routes.close()
        await store.close()


def _studio(settings: Settings) -> ChildStudio | ResidentStudio:
    """Return the studio of one slot."""
    from filmgate.worker.resident_studio import ResidentStudio

    engines = resident_engines(settings)
    if not engines:
        return _child_studio(settings)
    return ResidentStudio(
        engines=engines,
        engine_child=_child_studio(settings, is_resident=True),
        desk=_child_studio(settings),
        cutting_child=_child_studio(settings),
    )


def _child_studio(settings: Settings, *, is_resident: bool = False) -> ChildStudio:
    from filmgate.worker.studio import ChildStudio

    return ChildStudio(
        environment=_studio_environment(settings),
        memory_bytes_max=0 if is_resident else settings.studio_memory_bytes_max,
        is_resident=is_resident,
    )


def _studio_environment(settings: Settings) -> dict[str, str]:
    """Our own environment without what a child that decodes strangers' files has no need to
    know.
    """
    secret = {f.name for f in fields(Settings) if f.metadata["is_secret"]} | {"database_url"}
    withheld = {f"{PREFIX}{name.upper()}" for name in secret}
    withheld |= key_variables(settings, data_path(settings))
    in_force = {
        f"{PREFIX}{f.name.upper()}": str(getattr(settings, f.name)) for f in fields(Settings)
    }
    ours = {n: v for n, v in os.environ.items() if n != f"{PREFIX}CONFIG"} | in_force
    return {name: value for name, value in ours.items() if name not in withheld}


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
    allowed, resolver = address_rules(settings)
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


def run_studio(settings: Settings, *, is_resident: bool) -> None:
    """Decode, draw and encode for the worker that started this process.

    A resident one gets the engines ready whose weights the operator named, before any order.
    """
    from filmgate.worker.studio_child import serve as serve_orders
    from filmgate.worker.workshop import StudioWorkshop

    set_up_logs(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides
    workshop = StudioWorkshop(
        lambda name: load_engine(name, settings),
        residents=resident_engines(settings) if is_resident else (),
        sound_engine=settings.sound_engine,
    )
    serve_orders(workshop)


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
