"""What a studio child can do: inspect inputs with media, and have an engine's footage written as
a film.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filmgate.domain.asset import SPRITES, THUMBNAIL
from filmgate.media.film import write_film
from filmgate.media.picture import inspect_picture, prepare_picture
from filmgate.media.provenance import sign_film
from filmgate.media.sound import inspect_sound, read_sound
from filmgate.media.stills import Stills
from filmgate.ports.engine import Brief, Engine, Unobserved
from filmgate.ports.studio import (
    FilmFacts,
    FilmOrder,
    PictureFacts,
    Progress,
    SoundFacts,
    Stage,
    Still,
)


class StudioWorkshop:
    """Engines by name, loaded when first asked for and kept."""

    def __init__(self, load_engine: Callable[[str], Engine]) -> None:
        self._load_engine = load_engine
        self._engines: dict[str, Engine] = {}

    def inspect_picture(self, path: str, param: str) -> PictureFacts:
        """Decode a picture. Raises InputRejected."""
        return inspect_picture(Path(path), param=param)

    def inspect_sound(self, path: str, param: str) -> SoundFacts:
        """Decode a sound file. Raises InputRejected."""
        return inspect_sound(Path(path), param=param)

    def make(self, order: FilmOrder, on_progress: Progress) -> FilmFacts:
        """Make a film, whole or not at all. Raises InputRejected, EngineFailed."""
        engine = self._engine(order.engine)
        brief = self._brief(order)
        stills = Stills(brief.frame_count)
        facts = {**order.metadata, "engine": engine.name, "engine_version": engine.version}
        sound = None
        if order.sound_path is not None:
            sound = read_sound(order.sound_path, sample_count=brief.sample_count)
        write_film(
            order.target,
            engine.make(brief, Unobserved()),
            width_px=order.width_px,
            height_px=order.height_px,
            fps=order.fps,
            duration_s=order.duration_s,
            sound=sound,
            has_watermark=order.has_watermark,
            metadata={**facts, "digital_source_type": engine.source.value},
            on_frame=lambda done: on_progress(Stage.MAKE, done / brief.frame_count),
            stills=stills,
        )
        if order.credential is not None:
            sign_film(order.target, order.credential, source=engine.source, facts=facts)
        return FilmFacts(
            size_bytes=order.target.stat().st_size,
            engine=engine.name,
            engine_version=engine.version,
            source=engine.source.value,
            stills=_written(stills, order.target.parent),
        )

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            self._engines[name] = self._load_engine(name)
        return self._engines[name]

    def _brief(self, order: FilmOrder) -> Brief:
        picture = None
        if order.image_path is not None:
            picture = order.target.with_name("picture.png")
            prepare_picture(
                order.image_path,
                picture,
                width_px=order.width_px,
                height_px=order.height_px,
                param="image_urls",
            )
        return Brief(
            prompt=order.prompt,
            negative_prompt=order.negative_prompt,
            width_px=order.width_px,
            height_px=order.height_px,
            fps=order.fps,
            duration_s=order.duration_s,
            seed=order.seed,
            image_path=picture,
        )


def _written(stills: Stills, folder: Path) -> tuple[Still, ...]:
    paths = [folder / THUMBNAIL, folder / SPRITES]
    stills.write(thumbnail=paths[0], sprites=paths[1])
    return tuple(Still(name=path.name, path=path, size_bytes=path.stat().st_size) for path in paths)
