"""Show the beginning of a finished film as a small moving picture, made when first asked for. Of
films in the making: service/previews.py.

    asked ── kept beside the film? ──→ yes: that one
                     │ no
                     ▼
    wait for the one place (16 may) ── kept by now? ── draw it in a child ── record, store ──→ it

It needs no worker, so that no request waits behind a film: a gateway has a child of its own, which
never loads an engine.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import structlog

from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import Asset, AssetKind
from filmgate.domain.errors import (
    EngineCrashed,
    EngineFailed,
    FileNotFound,
    Unavailable,
)
from filmgate.ports.studio import Animator
from filmgate.service.deps import Deps
from filmgate.service.open_file import OpenFile
from filmgate.service.open_result import open_result

log = structlog.get_logger()

CONTENT_TYPES = {"preview.webp": "image/webp", "preview.gif": "image/gif"}
WAITING_MAX = 16
LIMIT_S = 20.0
"""Longest time that one request waits for its picture."""


class MovingPreviews:
    """The moving pictures of all films, drawn one at a time."""

    def __init__(self, *, deps: Deps, animator: Animator) -> None:
        self._deps = deps
        self._animator = animator
        self._place = asyncio.Lock()
        self._waiting = 0

    async def open(self, task_id: str, *, name: str, key: ApiKey) -> OpenFile:
        """Return the picture of one of the names in CONTENT_TYPES.

        Raises InvalidTaskId, FileNotFound while there is no film, FileGone when its time is over,
        Unavailable when too many wait or it cannot be drawn.
        """
        film = await open_result(task_id, name=None, key=key, deps=self._deps)
        try:
            return await open_result(task_id, name=name, key=key, deps=self._deps)
        except FileNotFound:
            log.debug("preview.to_be_drawn", task_id=film.asset.task_id)
        if self._waiting >= WAITING_MAX:
            raise Unavailable(f"{WAITING_MAX} previews wait to be drawn already", retry_after_s=5)
        self._waiting += 1
        try:
            async with asyncio.timeout(LIMIT_S), self._place:
                return await self._drawn(film, task_id, name, key)
        except (TimeoutError, EngineFailed, EngineCrashed) as error:
            log.warning("preview.not_drawn", task_id=task_id, error=type(error).__name__)
            raise Unavailable("the preview could not be drawn", retry_after_s=30) from error
        finally:
            self._waiting -= 1

    async def _drawn(self, film: OpenFile, task_id: str, name: str, key: ApiKey) -> OpenFile:
        deps = self._deps
        try:  # whoever had the place before may have drawn this very picture
            return await open_result(task_id, name=name, key=key, deps=deps)
        except FileNotFound:
            with tempfile.TemporaryDirectory(prefix=f"{task_id}-") as scratch:
                source, target = Path(scratch) / "film.mp4", Path(scratch) / name
                await deps.storage.fetch_to(film.stored.key, source)
                size_bytes = await self._animator.animate(source, target)
                record = _record(film.asset, name, size_bytes, deps)
                await deps.store.add_asset(record)
                await deps.storage.put_file(record.key, target)
        return await open_result(task_id, name=name, key=key, deps=deps)


def _record(film: Asset, name: str, size_bytes: int, deps: Deps) -> Asset:
    """It lies beside the film and expires with it."""
    return Asset(
        key=f"{film.key.rpartition('/')[0]}/{name}",
        kind=AssetKind.RESULT,
        account_id=film.account_id,
        task_id=film.task_id,
        content_type=CONTENT_TYPES[name],
        size_bytes=size_bytes,
        filename=f"{film.task_id}-{name}",
        created_at=deps.clock.now(),
        expires_at=film.expires_at,
    )
