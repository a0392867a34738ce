"""An engine over a diffusers pipeline: a brief becomes takes, and the takes the promised film.

    brief -> size on the grid, plan of takes -> pipeline, take by take -> joined -> Footage
                                                   |
                          memory ran out: freed, once more with offload and tiling, then failed

What one family of pipelines does otherwise stands in its own package: engines/wan, engines/ltx2.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import structlog

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.crew import MUSTER
from filmgate.engines.neural.footage import NeuralFootage, Rushes
from filmgate.engines.neural.framing import read_picture, size_to_make
from filmgate.engines.neural.latent_view import LatentView
from filmgate.engines.neural.levers import (
    Levers,
    load_loras,
    loading,
    place,
    pull,
    transformers_of,
)
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import SHELF, Mode, Model, free_memory
from filmgate.engines.neural.options import Options, options_from
from filmgate.engines.neural.orders import Load, Shoot
from filmgate.engines.neural.profile import Profile, chosen_profile, profiles_in
from filmgate.engines.neural.ranks import countable_devices, sharing
from filmgate.engines.neural.sampler import set_sampler
from filmgate.engines.neural.shared_reader import reader_for
from filmgate.engines.neural.shot import OnStep, Shot, Take, Watcher, is_out_of_memory
from filmgate.engines.neural.timing import continued, plan
from filmgate.engines.neural.weights import find_weights
from filmgate.ports.engine import Brief, Footage, Observer, Source, Unobserved, Unwanted

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = structlog.get_logger()

WARM_S = 5


class NeuralEngine(ABC):
    """See `filmgate.ports.engine.Resident`."""

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

    def share(self, transformer: Any, config: Any) -> None:
        """Let a transformer share its work among several GPUs, as diffusers plans it."""
        transformer.enable_parallelism(config=config)

    @abstractmethod
    def shoot(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """Call the pipeline."""

    def beside(self, pipeline: Any, profile: Profile, levers: Levers) -> Any:  # noqa: ARG002
        """Return what a family keeps in memory beside its pipelines. Raises EngineFailed."""
        return None

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
        take_steps = profile.step_count(steps)
        watcher = Watcher(observer, step_count=take_steps * len(film.takes))
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
            take = self._taken(shot, watcher, before=number * take_steps)
            frames = continued(frames, take.frames, fps=shot.fps) if frames else take.frames
            sound = take.sound if number == 0 else None  # two takes' sounds do not go together
        watcher.tell(1.0)
        made = Rushes(made_fps=profile.time.fps, motion=self._options.motion, version=self.version)
        return NeuralFootage(brief, frames[: film.kept], sound, made)

    def lay_down(self, footage: Footage, folder: Path) -> None:
        """See the port."""
        assert isinstance(footage, NeuralFootage)  # noqa: S101 - made by this engine
        footage.lay_down(folder)

    def pick_up(self, folder: Path, brief: Brief) -> NeuralFootage:
        """See the port."""
        footage = NeuralFootage.picked_up(folder, brief)
        self.version = footage.made.version
        return footage

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
                order = Shoot(key=self._key(source, levers), mode=mode, shot=shot)
                on_step = watcher.on_step(model.view, before=before)
                with MUSTER.crew(levers).shooting(order, on_step) as heard:
                    return self.shoot_or_leave(model, mode, shot, heard)
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

    def shoot_or_leave(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """Shoot, and leave the pipeline fit for the next shot if `on_step` raises Unwanted."""
        try:
            return self.shoot(model, mode, shot, on_step)
        except Unwanted:  # the pipeline was left amid its steps
            model.pipeline(mode).maybe_free_model_hooks()
            raise

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

    def _key(self, source: str, levers: Levers) -> tuple[str | Levers, ...]:
        options = self._options
        second_stage = (options.upsampler, options.second_stage_lora)
        return self.name, source, options.profile, *second_stage, levers

    def _model(self, source: str, levers: Levers) -> Model:
        if not source:
            raise EngineFailed(f"{self.name}_model is not set: it names the weights to use")
        return SHELF.get(
            self._key(source, levers),
            lambda: self._loaded_by_all(source, levers),
            most=self._options.models_max,
        )

    @cached_property
    def _known(self) -> list[Profile]:
        return self.profiles()

    def _loaded_by_all(self, source: str, levers: Levers) -> Model:
        order = Load(
            key=self._key(source, levers), engine=type(self), options=self._options,
            source=source, levers=levers, kept=SHELF.keys(),
        )  # fmt: skip
        with MUSTER.crew(levers).loading(order):
            return self.loaded(source, levers)

    def loaded(self, source: str, levers: Levers) -> Model:
        """Return a model in this process's memory. Raises EngineFailed."""
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # equal seeds, equal bits
        torch, diffusers = library("torch"), library("diffusers")
        for speaker in ("diffusers.utils.logging", "transformers.utils.logging"):
            library(speaker).disable_progress_bar()
        torch.backends.cudnn.deterministic = True
        weights = find_weights(source)
        options = self._options
        profile = chosen_profile(self._known, named=options.profile, facts=weights.facts)
        profile = profile.staged(is_upsampled=bool(options.upsampler))
        try:
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                str(weights.folder),
                **loading(levers, weights.folder, profile, float32=self.float32_parts),
            )
        except (OSError, ValueError, KeyError, AttributeError) as error:
            log.warning("model.not_loaded", engine=self.name, error=str(error))
            raise EngineFailed("the weights cannot be loaded; `filmgate models check`") from error
        load_loras(pipeline, levers)
        beside = self.beside(pipeline, profile, levers)
        pull(pipeline, levers, profile)
        if levers.gpus > 1:
            self._share_out(pipeline, levers)
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
        reader = reader_for(levers, engine=self.name, folder=weights.folder)
        return Model(modes, profile=profile, levers=levers, view=view, reader=reader, beside=beside)

    def _share_out(self, pipeline: Any, levers: Levers) -> None:
        for transformer in transformers_of(pipeline):
            config = sharing(transformer, levers)
            try:
                with countable_devices():
                    self.share(transformer, config)
            except ValueError as error:
                raise EngineFailed(f"neural_gpus does not go with the rest: {error}") from error

    def _latents_of(self, pipeline: Any, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        torch = library("torch")
        tensor = torch.from_numpy(picture * 2 - 1).permute(2, 0, 1)[None, :, None]
        there = pipeline._execution_device
        with torch.no_grad():
            latents = self.encoded(pipeline, tensor.to(device=there, dtype=pipeline.vae.dtype))
        return latents[0, :, 0].float().cpu().numpy()
