"""What a studio child can do: inspect inputs with media, and have an engine's footage written as
a film.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from filmgate.domain.asset import SPRITES, THUMBNAIL
from filmgate.domain.errors import EngineFailed
from filmgate.media.film import write_film
from filmgate.media.footage import DeliveredFilm
from filmgate.media.moving_preview import write_moving_preview
from filmgate.media.picture import inspect_picture, prepare_picture
from filmgate.media.previews import Previews
from filmgate.media.provenance import sign_film
from filmgate.media.sound import inspect_sound, read_sound
from filmgate.media.stills import Stills
from filmgate.ports.engine import Brief, Engine, Footage, Observer, Resident, Source
from filmgate.ports.studio import (
    FilmFacts,
    FilmOrder,
    PictureFacts,
    Progress,
    ShowPreview,
    SoundFacts,
    Stage,
    Still,
)
from filmgate.worker.score import ScoredFootage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


log = structlog.get_logger()

WARM_LOOK_S = 0.5


class StudioWorkshop:
    """Engines by name, loaded when first asked for and kept.

    `residents` names those that `warm` gets ready ahead of the first film; `sound_engine` the one
    whose sound goes with films of engines that make none.
    """

    def __init__(
        self,
        load_engine: Callable[[str], Engine],
        *,
        residents: Sequence[str] = (),
        sound_engine: str = "",
    ) -> None:
        self._load_engine = load_engine
        self._engines: dict[str, Engine] = {}
        self._residents = residents
        self._sound_engine = sound_engine
        self._is_warm = threading.Event()

    def warm(self) -> None:
        """Get the residents ready. One that cannot be is told of in the log, and by its films."""
        try:
            for name in self._residents:
                engine = self._engine(name)
                if isinstance(engine, Resident):
                    engine.warm()
        except EngineFailed as error:
            log.warning("studio.not_warm", reason=error.message)
        finally:
            self._is_warm.set()

    def wait_warm(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Return once `warm` has; what `meanwhile` raises, called now and then, ends the wait."""
        while not self._is_warm.wait(WARM_LOOK_S):
            if meanwhile is not None:
                meanwhile()

    def inspect_picture(self, path: str, param: str) -> PictureFacts:
        """Decode a picture. Raises InputRejected."""
        return inspect_picture(Path(path), param=param)

    def inspect_sound(self, path: str, param: str) -> SoundFacts:
        """Decode a sound file. Raises InputRejected."""
        return inspect_sound(Path(path), param=param)

    def shoot(
        self, order: FilmOrder, rushes: str, on_progress: Progress, on_preview: ShowPreview
    ) -> None:
        """Make a film's footage and lay it down. Raises EngineFailed, Unwanted."""
        self.wait_warm(lambda: on_progress(Stage.MAKE, 0.0))
        engine = self._engine(order.engine)
        if not isinstance(engine, Resident):
            raise EngineFailed(f"the engine {engine.name} cannot lay its footage down")
        brief = self._brief(order)
        watch = _Watch(brief.frame_count, on_progress, Previews(on_preview))
        engine.lay_down(engine.make(brief, watch), Path(rushes))

    def make(
        self,
        order: FilmOrder,
        on_progress: Progress,
        on_preview: ShowPreview,
        *,
        rushes: str | None = None,
    ) -> FilmFacts:
        """Make a film, whole or not at all. Raises InputRejected, EngineFailed."""
        engine = self._engine_of(order, makes=rushes is None)
        brief = self._brief(order)
        stills, previews = Stills(brief.frame_count), Previews(on_preview)
        watch = _Watch(brief.frame_count, on_progress, previews)
        footage = self._footage(order, engine, brief, watch, rushes)
        facts = {**order.metadata, "engine": engine.name, "engine_version": engine.version}
        sound = None
        if order.sound_path is not None:
            sound = read_sound(order.sound_path, sample_count=brief.sample_count)
        write_film(
            order.target,
            footage,
            width_px=order.width_px,
            height_px=order.height_px,
            fps=order.fps,
            duration_s=order.duration_s,
            sound=sound,
            has_watermark=order.has_watermark,
            metadata={**facts, "digital_source_type": engine.source.value},
            on_frame=watch.frame_encoded,
            viewers=[stills, previews],
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

    def _footage(
        self, order: FilmOrder, engine: Engine, brief: Brief, watch: Observer, rushes: str | None
    ) -> Footage:
        if rushes is None:
            footage = engine.make(brief, watch)
        elif isinstance(engine, Resident):
            footage = engine.pick_up(Path(rushes), brief)
        else:
            raise EngineFailed(f"the engine {engine.name} cannot pick its footage up")
        if order.footage_path is not None or self._sound_engine in {"", engine.name}:
            return footage
        return ScoredFootage(footage, self._engine(self._sound_engine), brief)

    def prepare_picture(
        self, path: str, target: str, *, width_px: int, height_px: int, param: str
    ) -> None:
        """Write a picture of that size, as an upstream is given it. Raises InputRejected."""
        prepare_picture(
            Path(path), Path(target), width_px=width_px, height_px=height_px, param=param
        )

    def animate(self, film: str, target: str) -> int:
        """Draw a moving preview of a film. Raises EngineFailed."""
        return write_moving_preview(Path(film), Path(target))

    def _engine_of(self, order: FilmOrder, *, makes: bool) -> Engine:
        if order.footage_path is None:
            return self._engine(order.engine, makes=makes)
        source = Source(order.footage_source)
        return DeliveredFilm(order.footage_path, name=order.engine, source=source)

    def _engine(self, name: str, *, makes: bool = True) -> Engine:
        if name not in self._engines:
            self._engines[name] = self._load_engine(name)
        engine = self._engines[name]
        if makes and engine.source is Source.TRAINED:
            _lift_memory_limit()
        return engine

    def _brief(self, order: FilmOrder) -> Brief:
        picture = None
        if order.image_path is not None and order.footage_path is None:
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


def _lift_memory_limit() -> None:
    """Weights take what they take, and CUDA counts more than it uses."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


class _Watch:
    """The observer of one film: an engine's own word on its progress goes before counted frames."""

    def __init__(self, frame_count: int, on_progress: Progress, previews: Previews) -> None:
        self._frame_count = frame_count
        self._on_progress = on_progress
        self._previews = previews
        self._is_told = False

    def progress(self, share: float) -> None:
        """See ports.engine.Observer."""
        self._is_told = True
        self._on_progress(Stage.MAKE, share)

    def preview(self, picture: NDArray[np.uint8]) -> None:
        """See ports.engine.Observer."""
        self._previews.see_picture(picture)

    def frame_encoded(self, done: int) -> None:
        """Hear how many frames are in the file."""
        if not self._is_told:
            self._on_progress(Stage.MAKE, done / self._frame_count)


def _written(stills: Stills, folder: Path) -> tuple[Still, ...]:
    paths = [folder / THUMBNAIL, folder / SPRITES]
    stills.write(thumbnail=paths[0], sprites=paths[1])
    return tuple(Still(name=path.name, path=path, size_bytes=path.stat().st_size) for path in paths)
