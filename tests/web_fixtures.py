"""A fetcher with a test server to fetch from, and a throwaway certificate authority for it."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import trustme

from filmgate.domain.errors import InputRejected, InputUnreachable, TaskFailure
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.testing.web import FakeResolver, WebServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayAuthority:
    """Signs certificates for any names."""

    authority: trustme.CA

    def serving(self, *names: str) -> ssl.SSLContext:
        """Return a server's TLS context with a certificate for these names or addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context

    def ca_file(self, folder: Path) -> str:
        """Write the authority's certificate as PEM and return where."""
        path = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return str(path)


@cache
def throwaway_authority() -> ThrowawayAuthority:
    """Return this run's authority."""
    return ThrowawayAuthority(authority=trustme.CA())


BODY = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
QUICK = FetchLimits(total_s=20, connect_s=5, read_s=10, retry_delay_s=0.001)
HOST = "files.test"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Desk:
    """A fetcher that may reach the test server as files.test, and one target file."""

    def __init__(self, web: WebServer, folder: Path, limits: FetchLimits, **options) -> None:
        self.web = web
        self.folder = folder
        self.target = folder / "input"
        self.resolver = FakeResolver({HOST: ["127.0.0.1"]})
        self.fetcher = GuardedFetcher(
            limits,
            options.get("allowed", AllowedHosts.parse([HOST])),
            self.resolver,
            options.get("ca_file"),
        )

    async def fetch(self, url: str, *, size_bytes_max: int = 100_000, to: Path | None = None):
        return await self.fetcher.fetch(
            url, to or self.target, size_bytes_max=size_bytes_max, param="image_urls"
        )

    async def refused(self, url: str, **options) -> TaskFailure:
        """Fetch what must fail; nothing may be left in the folder."""
        with pytest.raises(TaskFailure) as caught:
            await self.fetch(url, **options)
        assert caught.value.param == "image_urls"
        assert caught.value.message.startswith("image_urls must ")
        assert "127.0.0.1" not in caught.value.message
        assert [name for name in names_in(self.folder) if name != "authority.pem"] == []
        return caught.value

    async def reason(self, path: str, **options) -> str:
        failure = await self.refused(self.web.url(path, host=HOST), **options)
        assert isinstance(failure, InputRejected | InputUnreachable)
        return failure.reason


@asynccontextmanager
async def desk(folder: Path, limits: FetchLimits = QUICK, *, tls=None, **options):
    async with WebServer(tls=tls) as web:
        yield Desk(web, folder, limits, **options)


@contextmanager
def web_in_a_thread() -> Iterator[WebServer]:
    """A web server on a loop of its own, so that a test may wait for other things meanwhile."""
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    web = WebServer()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with web:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(10)
    try:
        yield web
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)
