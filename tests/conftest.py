"""Fixtures that every test may use. Heavier ones stand in the folder that needs them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from databases import with_database
from filmgate.store.embedded import EmbeddedPostgres
from filmgate.store.migrate import migrate
from filmgate.store.store import PostgresStore

TEMPLATE = "filmgate_template"


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """One embedded PostgreSQL for the session; FILMGATE_TEST_DATABASE_URL names another one
    to use.
    """
    given = os.environ.get("FILMGATE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="filmgate-tests-") as folder:
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder), password="tests")
        asyncio.run(postgres.start())
        try:
            yield postgres.url
        finally:
            asyncio.run(postgres.stop())


@pytest.fixture(scope="session")
def template(cluster_url: str) -> str:
    """A migrated database that each test gets a copy of."""

    async def make() -> None:
        async with await psycopg.AsyncConnection.connect(cluster_url, autocommit=True) as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        await migrate(with_database(cluster_url, TEMPLATE))

    asyncio.run(make())
    return TEMPLATE


_count = 0


@pytest.fixture
async def database_url(cluster_url: str, template: str) -> AsyncIterator[str]:
    """A database of the test's own."""
    global _count
    _count += 1
    name = f"test_{os.getpid()}_{_count}"
    async with await psycopg.AsyncConnection.connect(cluster_url, autocommit=True) as admin:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield with_database(cluster_url, name)
    async with await psycopg.AsyncConnection.connect(cluster_url, autocommit=True) as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresStore]:
    """An open store on the test's own database."""
    store = PostgresStore(database_url, connections_max=8)
    await store.open()
    yield store
    await store.close()
