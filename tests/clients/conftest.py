"""One real server for all clients, and what the tests of more than one of them share.

A client's package is somebody else's: its own warnings do not fail the tests here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PIL import Image

from serving import ServerUnderTest, serving

HOOKS_HOST = "hooks.example"
"""Stands for this machine, where webhooks may go."""


@dataclass(frozen=True)
class Site:
    """A running server and a key to it."""

    server: ServerUnderTest
    url: str
    token: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("clients") / "data"
    with serving(
        data,
        engine="testcard",
        fetch_allowed=HOOKS_HOST,
        fetch_resolve=f"{HOOKS_HOST}=127.0.0.1",
        webhook_first_retry_s="0.1",
    ) as server:
        token = (data / "client.key").read_text().strip()
        yield Site(server=server, url=server.facts["url"], token=token)


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A wide PNG."""
    file = io.BytesIO()
    Image.new("RGB", (640, 360), (200, 120, 40)).save(file, "PNG")
    return file.getvalue()
