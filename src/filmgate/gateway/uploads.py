"""Uploads ahead of a task: one multipart file in, a signed link out. The verb judges the content.

POST /v1/uploads/images          POST /v1/uploads/audios
"""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

from filmgate.domain.asset import Asset
from filmgate.domain.errors import StorageFailed, Unavailable
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.auth import caller
from filmgate.gateway.door import DoorSettings, origin_of
from filmgate.gateway.multipart import FormFile
from filmgate.gateway.wire import UploadObject
from filmgate.service.deps import Deps
from filmgate.service.keep_upload import keep_upload

UPLOADS_AT_ONCE_MAX = 32


class Uploads:
    """The handlers of /v1/uploads."""

    def __init__(self, *, deps: Deps, settings: DoorSettings) -> None:
        self._deps = deps
        self._settings = settings
        self._open = 0

    async def keep_image(self, request: Request) -> Answer:
        """Keep a picture."""
        return await self._keep(request, "image", self._settings.image_bytes_max)

    async def keep_audio(self, request: Request) -> Answer:
        """Keep a sound file."""
        return await self._keep(request, "audio", self._settings.audio_bytes_max)

    async def _keep(
        self, request: Request, kind: Literal["image", "audio"], size_bytes_max: int
    ) -> Answer:
        key = await caller(request, self._deps)
        if self._open >= UPLOADS_AT_ONCE_MAX:
            raise Unavailable(f"{self._open} uploads are running already; try again soon")
        self._open += 1
        try:
            form = FormFile(request, size_bytes_max=size_bytes_max)
            filename = await form.filename()
            asset = await keep_upload(
                form.chunks(), kind=kind, filename=filename, key=key, deps=self._deps
            )
        finally:
            self._open -= 1
        return json_answer(upload_object(asset, request, deps=self._deps, settings=self._settings))


def upload_object(
    asset: Asset, request: Request, *, deps: Deps, settings: DoorSettings
) -> UploadObject:
    """Return a kept file's wire form, with a link as this caller reaches the server."""
    if asset.expires_at is None:
        raise StorageFailed("the upload was kept without an end, so it has no link")
    path = deps.links.path(asset.key, expires_at=asset.expires_at)
    return UploadObject(
        url=origin_of(request, settings) + path,
        filename=asset.filename,
        content_type=asset.content_type,
        bytes=asset.size_bytes,
        created_at=int(asset.created_at.timestamp()),
    )
