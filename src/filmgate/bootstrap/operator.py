"""What verbs are given by commands that need no HTTP: a data folder's database and files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from filmgate.bootstrap.adapters import build_deps, data_path, embedded_postgres
from filmgate.config import Settings

if TYPE_CHECKING:
    from filmgate.service.deps import Deps


@asynccontextmanager
async def operator(settings: Settings) -> AsyncGenerator[Deps]:
    """Lend what verbs are given over the data folder's database, which is started for the while if
    no server runs.
    """
    from filmgate.bootstrap.routes import DRAFT
    from filmgate.service.upstream import Routes
    from filmgate.store.migrate import migrate
    from filmgate.store.store import PostgresStore
    from filmgate.supervisor.data_folder import DataFolder

    folder = DataFolder(data_path(settings))
    embedded = embedded_postgres(settings, folder)
    is_mine = embedded is not None and folder.lock()
    url = embedded.url if embedded is not None else settings.database_url
    try:
        if embedded is not None and is_mine:
            await embedded.start()
        if embedded is None or is_mine:
            await migrate(url)
        store = PostgresStore(
            url, connections_max=2, key_concurrent_tasks_max=settings.key_concurrent_tasks_max
        )
        await store.open()
        try:
            yield await build_deps(settings, store, routes=Routes.to(DRAFT))
        finally:
            await store.close()
    finally:
        if embedded is not None and is_mine:
            await embedded.stop()
            folder.unlock()
