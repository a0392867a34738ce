"""HTTP with an upstream: one client an account, faults translated, films fetched to files.

It knows no upstream's wire: what a status means is each provider's own business.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import msgspec

from filmgate.domain.errors import ConfigError, InputRejected, InputUnreachable, UpstreamFailed
from filmgate.domain.upstream_fault import UpstreamAway, UpstreamSilent
from filmgate.ports.fetcher import Fetcher
from filmgate.ports.provider import Account

ANSWER_BYTES_MAX = 4 * 2**20
CONNECTIONS_MAX = 64
CHUNK_BYTES = 2**18
RETRY_AFTER_S_MAX = 3600

Json = Mapping[str, Any]


class Answer:
    """One answer: its status, and its body as JSON where it is that."""

    def __init__(self, status: int, headers: httpx.Headers, body: bytes) -> None:
        self.status, self._headers, self._body = status, headers, body

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Json | None:
        """The body, if it is a JSON object."""
        try:
            value = msgspec.json.decode(self._body)
        except msgspec.DecodeError:
            return None
        return cast("Json", value) if isinstance(value, dict) else None

    @property
    def retry_after_s(self) -> int | None:
        """What Retry-After asks for, in seconds."""
        text = self._headers.get("retry-after", "")
        return min(int(text), RETRY_AFTER_S_MAX) if text.isdecimal() else None

    def header(self, name: str) -> str | None:
        """Return a header, or None."""
        return self._headers.get(name)


class Exchange:
    """Requests to one account's server."""

    def __init__(self, account: Account, headers: Mapping[str, str], fetcher: Fetcher) -> None:
        """Raises ConfigError for a URL that is none."""
        if urlsplit(account.url).scheme not in {"http", "https"}:
            raise ConfigError(f"the url of {account.name} must be http(s), got {account.url!r}")
        self._account = account
        self._fetcher = fetcher
        self._client = httpx.AsyncClient(
            headers={"User-Agent": "filmgate", **headers},
            timeout=httpx.Timeout(account.timeout_s, connect=min(10.0, account.timeout_s)),
            limits=httpx.Limits(
                max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX
            ),
            verify=_trusted(),
            trust_env=False,
        )

    async def ask(self, method: str, path: str, **content: Any) -> Answer:
        """Send a request and read its answer whole; `content` as for httpx.

        Raises UpstreamAway if it cannot have been taken, UpstreamSilent if that is not known.
        """
        name = self._account.name
        url = path if "://" in path else self._account.url + path
        try:
            async with (
                asyncio.timeout(4 * self._account.timeout_s),
                self._client.stream(method, url, **content) as answer,
            ):
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        raise UpstreamSilent(
                            f"{name} answers with more than {ANSWER_BYTES_MAX} bytes"
                        )
                return Answer(answer.status_code, answer.headers, bytes(body))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UpstreamAway(f"{name} takes no connection") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise UpstreamSilent(f"{name} gave no whole answer ({type(error).__name__})") from error

    async def download(self, url: str, target: Path, *, size_bytes_max: int) -> None:
        """Fetch a film: from the account's own host directly, from any other as guardedly as a
        caller's URL.

        Raises UpstreamFault (again may help), UpstreamFailed (too large, or refused by its host).
        """
        if self._is_own(url):
            await self._download_own(url, target, size_bytes_max)
            return
        try:
            await self._fetcher.fetch(url, target, size_bytes_max=size_bytes_max, param="film_url")
        except (InputUnreachable, InputRejected) as error:
            raise UpstreamSilent(error.message) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _is_own(self, url: str) -> bool:
        return urlsplit(url)[:2] == urlsplit(self._account.url)[:2]

    async def _download_own(self, url: str, target: Path, size_bytes_max: int) -> None:
        name = self._account.name
        try:
            async with self._client.stream("GET", url, follow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise UpstreamSilent(f"{name} answered {answer.status_code} for the film")
                received = 0
                with target.open("wb") as file:
                    async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                        received += len(chunk)
                        if received > size_bytes_max:
                            raise UpstreamFailed(f"the film has more than {size_bytes_max} bytes")
                        await asyncio.to_thread(file.write, chunk)
        except httpx.HTTPError as error:
            raise UpstreamSilent(f"{name} ended the film early ({type(error).__name__})") from error


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted: read once, for all accounts."""
    return httpx.create_ssl_context()


def said(answer: Answer, *keys: str) -> str:
    """Return the upstream's own words: the first text under one of the keys, or the status."""
    body = answer.json or {}
    error = body.get("error")
    for place in (body, cast("Json", error) if isinstance(error, dict) else {}):
        for key in keys:
            value = place.get(key)
            if isinstance(value, str) and value:
                return value[:500]
    return f"HTTP {answer.status}"


def only_options(account: Account, known: frozenset[str]) -> None:
    """Refuse options that the provider doesn't know. Raises ConfigError."""
    for name in account.options:
        if name not in known:
            names = ", ".join(sorted(known))
            raise ConfigError(f"{account.name} has no option {name!r}; it may have {names}")


def whole_option(account: Account, name: str, default: int) -> int:
    """Return an option that must be a whole number above 0. Raises ConfigError."""
    value = account.options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{account.name}: {name} must be a whole number above 0, got {value!r}")
    return value


def table_option(account: Account, name: str) -> Mapping[str, Any]:
    """Return an option that must be a table, empty if it is not given. Raises ConfigError."""
    value = account.options.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{account.name}: {name} must be a table, got {value!r}")
    return cast("Mapping[str, Any]", value)
