"""Runs a whole server in one data folder: database, gateway, worker; restarts what dies; ends in
order.

    start  lock → database → migrations → first keys → socket → gateway, worker → ready →
    server.json end    worker drains → gateway → database → unlock

The listening socket is made here and handed to the gateway, so that callers wait rather than fail
while a gateway is being restarted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from filmgate.domain.errors import DatabaseAway
from filmgate.ports.store import Store
from filmgate.service.end_loops import end_loops
from filmgate.supervisor.child import Child, ChildSpec
from filmgate.supervisor.data_folder import DataFolder, ServerFacts

log = structlog.get_logger()

READY_S_MAX = 60.0
IDLE_CHECK_S = 5.0
LISTEN_BACKLOG = 2048
GATEWAY_STOP_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run, and how."""

    version: str
    is_private: bool
    environment: Mapping[str, str]
    drain_s: float
    idle_exit_s: float
    worker_name: Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The database as the supervisor sees it: something that may die and be started again."""

    start: Callable[[], Awaitable[None]]
    wait_dead: Callable[[], Awaitable[None]] | None
    stop: Callable[[], Awaitable[None]]


class Supervisor:
    """One server's processes."""

    def __init__(
        self,
        plan: Plan,
        *,
        folder: DataFolder,
        listener: socket.socket,
        url: str,
        store: Store,
        database: Database,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._listener = listener
        self._url = url
        self._store = store
        self._database = database
        environment = {**plan.environment, "FILMGATE_LISTEN_FD": str(listener.fileno())}
        self._gateway = Child(
            ChildSpec(
                name="gateway",
                arguments=["gateway"],
                environment=environment,
                stop_s=GATEWAY_STOP_S,
                descriptors=(listener.fileno(),),
            ),
            on_death=self._ignore_death,
        )
        self._worker = Child(
            ChildSpec(
                name="worker",
                arguments=["worker"],
                environment=plan.environment,
                stop_s=plan.drain_s + 15,
            ),
            on_death=self._release,
        )

    async def run(self, stop: asyncio.Event, *, on_ready: Callable[[], None]) -> None:
        """Serve until `stop` is set or the server has been idle for its limit."""
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(self._gateway.run()),
                group.create_task(self._worker.run()),
                group.create_task(self._keep_database()),
                group.create_task(self._announce(on_ready)),
                group.create_task(self._stop_when_idle(stop)),
            ]
            await stop.wait()
            log.info("server.ending")
            await self._worker.end()
            await self._gateway.end()
            await end_loops(running)

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        """Wait until the gateway answers that it is ready, then say so."""
        deadline = time.monotonic() + READY_S_MAX
        while not await is_ready(self._listener):
            if time.monotonic() > deadline:
                log.error("server.not_ready", seconds=READY_S_MAX)
                return
            await asyncio.sleep(0.05)
        self._folder.announce(
            ServerFacts(
                pid=os.getpid(),
                url=self._url,
                version=self._plan.version,
                is_private=self._plan.is_private,
                started_at=time.time(),
            )
        )
        log.info("server.ready", url=self._url)
        on_ready()

    async def _keep_database(self) -> None:
        if self._database.wait_dead is None:
            return
        while True:
            await self._database.wait_dead()
            log.warning("postgres.died")
            try:
                await self._database.start()
            except DatabaseAway as error:
                log.error("postgres.not_restarted", message=error.message)  # noqa: TRY400
                await asyncio.sleep(1)

    async def _release(self, pid: int) -> None:
        """A worker that is known to be dead holds nothing: its tasks need not wait for
        their leases to run out.
        """
        try:
            freed = await self._store.release_worker(self._plan.worker_name(pid))
        except DatabaseAway:
            return
        if freed:
            log.warning("tasks.released", tasks=len(freed))

    async def _ignore_death(self, pid: int) -> None:
        """A gateway holds nothing that must be released."""

    async def _stop_when_idle(self, stop: asyncio.Event) -> None:
        if self._plan.idle_exit_s <= 0:
            return
        while True:
            await asyncio.sleep(min(IDLE_CHECK_S, self._plan.idle_exit_s))
            try:
                if self._folder.seconds_since_request(time.time()) < self._plan.idle_exit_s:
                    continue
                unfinished = await self._store.count_unfinished()
            except (DatabaseAway, FileNotFoundError):
                continue
            if unfinished == 0:
                log.info("server.idle", seconds=self._plan.idle_exit_s)
                stop.set()
                return


def listen(host: str, port: int, *, slow_reader_s: float) -> socket.socket:
    """Open the listening socket. Raises OSError.

    Who takes nothing of an answer for `slow_reader_s` loses the connection, where the system can
    do that by itself (Linux): no task of ours could drop what is buffered already.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":
        slow_reader_ms = round(slow_reader_s * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, slow_reader_ms)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(LISTEN_BACKLOG)
    listener.set_inheritable(True)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address under which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    return url_at(host, port)


def url_at(host: str, port: int) -> str:
    """Return the address under which this machine reaches a server that listens there."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def is_ready(listener: socket.socket) -> bool:
    """Ask the gateway's readiness over its own socket, without an HTTP library in this small
    process.
    """
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: filmgate\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status
