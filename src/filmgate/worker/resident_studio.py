"""A studio for engines that keep models in memory: three children, which it is given.

    desk            decodes users' files                       |
    engine child    holds the models, makes footage            |  film 1  |  film 2  |  film 3
    cutting child   fits, encodes and signs that footage       |          |  film 1  |  film 2

The engine never waits for an encoder, and never touches what a stranger sent. Footage crosses over
in files of the film's scratch folder, so a film that is made survives the engine's next crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from filmgate.ports.studio import (
    FilmFacts,
    FilmOrder,
    PictureFacts,
    Progress,
    ShowPreview,
    SoundFacts,
    Stage,
)
from filmgate.worker.studio import ChildStudio

ENCODED_SHARE = 0.5
"""Of finishing; the rest is storing, which is not done here."""


class ResidentStudio:
    """The Studio port. Two films may be under way: one that is made, one that is finished."""

    def __init__(
        self,
        *,
        engines: Collection[str],
        engine_child: ChildStudio,
        desk: ChildStudio,
        cutting_child: ChildStudio,
    ) -> None:
        """`engines` are those that the engine child keeps; films of others are made in one go."""
        self._engines = frozenset(engines)
        self._engine_child, self._desk, self._cutting_child = engine_child, desk, cutting_child

    async def warm(self) -> None:
        """Return when the engines are ready."""
        await self._engine_child.warm()

    async def inspect_picture(self, path: Path, *, param: str) -> PictureFacts:
        """See the port."""
        return await self._desk.inspect_picture(path, param=param)

    async def inspect_sound(self, path: Path, *, param: str) -> SoundFacts:
        """See the port."""
        return await self._desk.inspect_sound(path, param=param)

    async def prepare_picture(
        self, path: Path, target: Path, *, width_px: int, height_px: int, param: str
    ) -> None:
        """See the port."""
        await self._desk.prepare_picture(
            path, target, width_px=width_px, height_px=height_px, param=param
        )

    async def make(
        self, order: FilmOrder, on_progress: Progress, on_preview: ShowPreview
    ) -> FilmFacts:
        """See the port."""
        if order.footage_path is not None or order.engine not in self._engines:
            return await self._cutting_child.make(order, on_progress, on_preview)
        if order.image_path is not None:
            order = await self._with_picture(order, order.image_path)
        rushes = order.target.with_name("rushes")
        await asyncio.to_thread(rushes.mkdir)
        await self._engine_child.shoot(order, rushes, on_progress, on_preview)

        def finishing(_: Stage, share: float) -> None:
            on_progress(Stage.FINISH, ENCODED_SHARE * share)

        return await self._cutting_child.finish(order, rushes, finishing)

    async def close(self) -> None:
        """See the port."""
        for child in (self._engine_child, self._desk, self._cutting_child):
            await child.close()

    async def _with_picture(self, order: FilmOrder, given: Path) -> FilmOrder:
        prepared = order.target.with_name("start.png")
        await self._desk.prepare_picture(
            given,
            prepared,
            width_px=order.width_px,
            height_px=order.height_px,
            param="image_urls",
        )
        return replace(order, image_path=prepared)
