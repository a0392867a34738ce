"""A gateway over a real database, for tests of keys and of those who manage them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from filmgate.gateway.app import build_app
from filmgate.service.manage_keys import create_first_key
from filmgate.service.watch import TaskWatch
from filmgate.store.store import PostgresStore
from gateway_room import SIMPLE, Room

ADMIN = "/v1/admin"


class Chance:
    """Real entropy: tokens and ids must differ."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


class AdminRoom(Room):
    """A room whose store is PostgreSQL. Its clock begins now and stands still."""

    def __init__(self, folder: Path, store: PostgresStore, **limits: Any) -> None:
        super().__init__(folder)
        self.clock.at = datetime.now(UTC)
        self.limits = limits
        self.database = store
        self.trust()

    def trust(self, *networks: str) -> None:
        """Build the gateway anew, behind these proxies."""
        self.deps = replace(
            self.deps,
            store=self.database,
            entropy=Chance(),
            limits=replace(self.deps.limits, **self.limits),
            known_keys={},
            animator=object(),  # type: ignore[arg-type] - some are there; none is asked to draw
        )
        settings = replace(self.settings, trusted_networks=networks)
        self.watch = TaskWatch(self.database)
        self.app = build_app(self.deps, settings, self.watch)

    async def begin(self) -> str:
        """Make the first key, which may do everything; return its token."""
        return await create_first_key("first", deps=self.deps)

    async def new_key(self, root: str, **fields: Any) -> tuple[dict[str, Any], str]:
        """Make a key by the API; return it and its token."""
        self.clock.at += timedelta(milliseconds=1)  # ids rise, so lists have an order
        async with self.client(token=root) as http:
            answer = await http.post(f"{ADMIN}/keys", json={"name": "k", **fields})
        assert answer.status_code == 200, answer.text
        key = answer.json()["data"]
        return key, key.pop("token")

    async def new_account(self, root: str, name: str, **fields: Any) -> dict[str, Any]:
        """Make an account by the API."""
        async with self.client(token=root) as http:
            answer = await http.post(f"{ADMIN}/accounts", json={"name": name, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def submit(self, token: str, **body: Any) -> httpx.Response:
        """Ask for a film."""
        async with self.client(token=token) as http:
            return await http.post("/v1/videos/generations", json={**SIMPLE, **body})
