"""The verbs for commands that need no HTTP, over a data folder's database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from filmgate.bootstrap.adapters import build_deps, data_path, embedded_postgres
from filmgate.config import Settings

if TYPE_CHECKING:
    from filmgate.domain.purchase import Purchase
    from filmgate.domain.webhook import Delivery, WebhookSecret
    from filmgate.service.check_storage import StorageReport
    from filmgate.service.deps import Deps


class Operator:
    """The verbs that commands use without a server's API."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    @property
    def deps(self) -> Deps:
        """What verbs are given, for commands that call one themselves."""
        return self._deps

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

        return await redeliver(delivery_id, key=None, deps=self._deps)

    async def webhook_secret(self, id_or_name: str, *, is_rotated: bool) -> WebhookSecret:
        """See service/manage_webhooks.py."""
        from filmgate.service.manage_keys import find_key
        from filmgate.service.manage_webhooks import rotate_webhook_secret, webhook_secret

        key = await find_key(id_or_name, deps=self._deps)
        hand_out = rotate_webhook_secret if is_rotated else webhook_secret
        return await hand_out(key.id, deps=self._deps)

    async def latest_purchases(self, upstream: str | None, *, limit: int) -> list[Purchase]:
        """Return the latest purchases at one upstream, or at all."""
        return await self._deps.store.latest_purchases(upstream, limit=limit)

    async def check_storage(self, *, may_repair: bool) -> StorageReport:
        """See service/check_storage.py."""
        from filmgate.service.check_storage import check_storage

        return await check_storage(may_repair=may_repair, deps=self._deps)


@asynccontextmanager
async def operator(settings: Settings) -> AsyncGenerator[Operator]:
    """Lend the verbs over the data folder's database, which is started for the while if no
    server runs.
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
            yield Operator(await build_deps(settings, store, routes=Routes.to(DRAFT)))
        finally:
            await store.close()
    finally:
        if embedded is not None and is_mine:
            await embedded.stop()
            folder.unlock()
