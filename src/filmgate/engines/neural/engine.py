"""An engine over a diffusers pipeline: a brief becomes takes, and the takes the promised film.

    brief -> size on the grid, plan of takes -> pipeline, take by take -> joined -> Footage
                                                   |
                          memory ran out: freed, once more with offload and tiling, then failed

What one family of pipelines does otherwise stands in its own package: engines/wan, engines/ltx2.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import structlog

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.framing import fitted, read_picture, size_to_make
from filmgate.engines.neural.latent_view import LatentView
from filmgate.engines.neural.levers import Levers, loading, place, pull
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import SHELF, Mode, Model, free_memory
from filmgate.engines.neural.options import Options, options_from
from filmgate.engines.neural.profile import Profile, chosen_profile, profiles_in
from filmgate.engines.neural.sampler import set_sampler
from filmgate.engines.neural.shot import OnStep, Shot, Take, Watcher, is_out_of_memory
from filmgate.engines.neural.timing import Motion, at_rate, continued, plan
from filmgate.engines.neural.weights import find_weights
from filmgate.ports.engine import Brief, Observer, PixelFormat, Source, Unobserved

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger()

WARM_S = 5


class NeuralEngine(ABC):
    """See `filmgate.ports.engine.Engine`."""

    name: ClassVar[str]
    version = __version__
    source = Source.TRAINED
    float32_parts: ClassVar[tuple[str, ...]] = ()
    """Parts whose numbers are too coarse in anything less."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._frugal_from: int | None = None
        """Pixels of the smallest shot that memory did not hold."""

    @classmethod
    def configured(cls, settings: Mapping[str, object]) -> Self:
        """Return the engine as the settings want it. Raises ConfigError."""
        return cls(options_from(cls.name, settings))

    @classmethod
    def profiles(cls) -> list[Profile]:
        """Return the profiles of this family."""
        return profiles_in(files(f"filmgate.engines.{cls.name}").joinpath("profiles"))

    # ---- what a family does its own way

    @abstractmethod
    def modes(self, pipeline: Any) -> Mapping[Mode, Any]:
        """Return the pipelines that the parts of this one make up, by mode."""

    @abstractmethod
    def encoded(self, pipeline: Any, picture: Any) -> Any:
        """Return a picture, a tensor [1, 3, 1, h, w] within -1..1, as normalised latents."""

    @abstractmethod
    def shoot(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """Call the pipeline."""

    # ---- the port

    def warm(self) -> None:
        """Load the weights, and make one step at each size to be warmed. Raises EngineFailed."""
        options = self._options
        sources = dict.fromkeys(options.source(mode) for mode in (Mode.TEXT, Mode.IMAGE))
        for source in list(sources)[: options.models_max]:
            self._model(source, self._levers(0))
        for width_px, height_px in options.warm_sizes_px if self._has(Mode.TEXT) else ():
            self.make(
                Brief(
                    prompt="", negative_prompt="", width_px=width_px, height_px=height_px, fps=24,
                    duration_s=WARM_S, seed=0,
                ),
                Unobserved(), steps=1,
            )  # fmt: skip
        log.info("engine.warm", engine=self.name, models=len(SHELF.models()))

    def make(self, brief: Brief, observer: Observer, *, steps: int | None = None) -> NeuralFootage:
        """Make all takes. See the port; `steps` is for warming."""
        first = Mode.IMAGE if brief.image_path is not None else Mode.TEXT
        profile = self._model(self._options.source(first), self._levers(0)).profile
        size_px = size_to_make(profile.picture, brief.width_px, brief.height_px)
        picture = None if brief.image_path is None else read_picture(brief.image_path, *size_px)
        film = plan(profile.time, duration_s=brief.duration_s, may_continue=self._has(Mode.IMAGE))
        if brief.negative_prompt and not profile.has_guidance:
            log.info("engine.negative_prompt_ignored", engine=self.name, profile=profile.name)
        steps = steps or profile.sampling.steps
        watcher = Watcher(observer, step_count=steps * len(film.takes))
        frames, sound = list["NDArray[np.uint8]"](), None
        for number, frame_count in enumerate(film.takes):
            shot = Shot(
                prompt=brief.prompt,
                negative_prompt=brief.negative_prompt,
                width_px=size_px[0],
                height_px=size_px[1],
                frame_count=frame_count,
                fps=profile.time.fps,
                seed=brief.seed + number,
                steps=steps,
                image=frames[-1] if frames else picture,
            )
            take = self._taken(shot, watcher, before=number * steps)
            frames = continued(frames, take.frames, fps=shot.fps) if frames else take.frames
            sound = take.sound if number == 0 else None  # two takes' sounds do not go together
        watcher.tell(0.95)
        return NeuralFootage(
            brief, frames[: film.kept], sound, watcher, made_fps=profile.time.fps,
            motion=self._options.motion,
        )  # fmt: skip

    # ---- takes

    def _taken(self, shot: Shot, watcher: Watcher, *, before: int) -> Take:
        """Make one take, a second time with less memory if it ran out. Raises EngineFailed."""
        mode = Mode.TEXT if shot.image is None else Mode.IMAGE
        source = self._options.source(mode)
        plain = self._levers(shot.pixel_count)
        for levers in dict.fromkeys((plain, plain.frugal())):
            try:
                model = self._model(source, levers)
                if not model.has(mode):
                    raise EngineFailed(self._no_mode(mode))
                return self.shoot(model, mode, shot, watcher.on_step(model.view, before=before))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                log.warning("engine.out_of_memory", engine=self.name, offload=levers.offload)
            model = None  # outside of `except`: the error's frames hold the memory
            SHELF.drop(self._key(source, levers))
            free_memory()
            self._frugal_from = min(shot.pixel_count, self._frugal_from or shot.pixel_count)
        raise EngineFailed(
            f"the memory does not hold {shot.frame_count} frames of {shot.width_px}×"
            f"{shot.height_px}, even with offload and tiling"
        )

    def _levers(self, pixel_count: int) -> Levers:
        settled = self._options.levers.settled()
        is_large = self._frugal_from is not None and pixel_count >= self._frugal_from
        return settled.frugal() if is_large else settled

    def _has(self, mode: Mode) -> bool:
        options = self._options
        if options.sources.get(mode):
            return True
        return self._model(options.source(mode), self._levers(0)).has(mode)

    def _no_mode(self, mode: Mode) -> str:
        wanted = {
            Mode.TEXT: f"these weights need a start image; {self.name}_model names others",
            Mode.IMAGE: f"these weights take no start image; {self.name}_image_model names others",
        }
        return wanted[mode]

    # ---- models

    def _key(self, source: str, levers: Levers) -> tuple[str, str, str, Levers]:
        return self.name, source, self._options.profile, levers

    def _model(self, source: str, levers: Levers) -> Model:
        if not source:
            raise EngineFailed(f"{self.name}_model is not set: it names the weights to use")
        return SHELF.get(
            self._key(source, levers),
            lambda: self._loaded(source, levers),
            most=self._options.models_max,
        )

    @cached_property
    def _known(self) -> list[Profile]:
        return self.profiles()

    def _loaded(self, source: str, levers: Levers) -> Model:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # equal seeds, equal bits
        torch, diffusers = library("torch"), library("diffusers")
        for speaker in ("diffusers.utils.logging", "transformers.utils.logging"):
            library(speaker).disable_progress_bar()
        torch.backends.cudnn.deterministic = True
        weights = find_weights(source)
        profile = chosen_profile(self._known, named=self._options.profile, facts=weights.facts)
        try:
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                str(weights.folder),
                **loading(levers, weights.folder, float32=self.float32_parts),
            )
        except (OSError, ValueError, KeyError, AttributeError) as error:
            log.warning("model.not_loaded", engine=self.name, error=str(error))
            raise EngineFailed("the weights cannot be loaded; `filmgate models check`") from error
        pull(pipeline, levers, profile)
        set_sampler(pipeline, profile.sampling)
        modes = self.modes(pipeline)
        for each in modes.values():
            each.set_progress_bar_config(disable=True)
        place(pipeline, levers)
        view = LatentView.fitted(
            lambda picture: self._latents_of(pipeline, picture),
            cell_px=pipeline.vae.spatial_compression_ratio,
        )
        self.version = f"{__version__}, {profile.name}"
        log.info("model.loaded", engine=self.name, profile=profile.name, device=levers.device)
        return Model(modes, profile=profile, levers=levers, view=view)

    def _latents_of(self, pipeline: Any, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        torch = library("torch")
        tensor = torch.from_numpy(picture * 2 - 1).permute(2, 0, 1)[None, :, None]
        there = pipeline._execution_device
        with torch.no_grad():
            latents = self.encoded(pipeline, tensor.to(device=there, dtype=pipeline.vae.dtype))
        return latents[0, :, 0].float().cpu().numpy()


class NeuralFootage:
    """See `filmgate.ports.engine.Footage`. All frames are made; they are fitted while read."""

    pixel_format = PixelFormat.RGB24

    def __init__(
        self,
        brief: Brief,
        frames: list[NDArray[np.uint8]],
        sound: NDArray[np.float32] | None,
        watcher: Watcher,
        *,
        made_fps: int,
        motion: Motion,
    ) -> None:
        self._brief, self._frames, self._sound = brief, frames, sound
        self._watcher, self._made_fps, self._motion = watcher, made_fps, motion

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames at the promised rate and size."""
        brief = self._brief
        count = brief.frame_count
        paced = at_rate(
            self._frames, made_fps=self._made_fps, fps=brief.fps, count=count, motion=self._motion
        )
        for done, frame in enumerate(paced, start=1):
            yield fitted(frame, brief.width_px, brief.height_px)
            self._watcher.tell(0.95 + 0.05 * done / count)

    def sound(self) -> NDArray[np.float32] | None:
        """Return the model's own sound, cut or filled with silence to the film's length."""
        if self._sound is None:
            return None
        track = np.zeros((2, self._brief.sample_count), np.float32)
        length = min(track.shape[1], self._sound.shape[1])
        track[:, :length] = np.clip(self._sound[:, :length], -1, 1)
        return track
