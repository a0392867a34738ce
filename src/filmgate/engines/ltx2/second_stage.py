"""What LTX-2's second stage needs: latents made twice as wide and high, and the LoRA that lets
weights which are not distilled take its few steps. The calls themselves stand in engine.py.

The recipe is diffusers' own (its page on LTX-2, "Two-stage generation"): picture and sound of the
first stage get noise up to the second one's first level, and are refined together.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Self

import structlog

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Levers, Offload, here
from filmgate.engines.neural.library import library
from filmgate.engines.neural.weights import find_part

log = structlog.get_logger()

PART = "latent_upsampler"
SCALE = 2
"""How much wider and higher the second stage's latents are."""
ADAPTER = "second_stage"


class Upsampler:
    """Makes latents larger. It is on the GPU only while it does, if anything is offloaded."""

    def __init__(self, model: Any, levers: Levers) -> None:
        self._model, self._levers = model, levers
        self._waits = levers.offload is not Offload.OFF
        model.to("cpu" if self._waits else levers.device)

    @classmethod
    def loaded(cls, source: str, levers: Levers) -> Self:
        """Load the upsampler that a setting names. Raises EngineFailed."""
        folder = find_part(source, PART)
        kind = library("diffusers.pipelines.ltx2.latent_upsampler").LTX2LatentUpsamplerModel
        dtype = getattr(library("torch"), levers.dtype)
        try:
            model = kind.from_pretrained(str(folder), dtype=dtype, local_files_only=True)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            log.warning("model.not_loaded", engine="ltx2", error=str(error))
            raise EngineFailed("the upsampler cannot be loaded; `filmgate models check`") from error
        config = model.config
        is_rational = config.use_rational_resampler and config.rational_spatial_scale != SCALE
        if config.temporal_upsample or not config.spatial_upsample or is_rational:
            raise EngineFailed(
                f"the upsampler must make latents {SCALE} times as wide and high, and change no"
                " frame count; these weights do something else"
            )
        return cls(model, levers)

    def enlarged(self, latents: Any) -> Any:
        """Return latents [1, c, frames, h, w], not normalised, as [1, c, frames, 2h, 2w]."""
        model, there = self._model, self._levers.device
        with library("torch").no_grad():
            larger = model.to(there)(latents.to(there, model.dtype)).float()
        if self._waits:
            model.to("cpu")
        return larger


def load_lora(pipeline: Any, file: str, *, wanted: str) -> None:
    """Load the LoRA of the second stage; it is off until then. Raises EngineFailed."""
    if not file:
        raise EngineFailed(
            f"the second stage of these weights needs the LoRA {wanted}:"
            " ltx2_second_stage_lora names the file"
        )
    library("peft")
    pipeline.load_lora_weights(here(file), adapter_name=ADAPTER)
    _use(pipeline, is_on=False)


@contextmanager
def with_lora(pipeline: Any, *, is_on: bool) -> Generator[None]:
    """Use the second stage's LoRA besides the operator's own, until the end."""
    if not is_on:
        yield
        return
    _use(pipeline, is_on=True)
    try:
        yield
    finally:
        _use(pipeline, is_on=False)


def _use(pipeline: Any, *, is_on: bool) -> None:
    parts = pipeline.get_list_adapters().values()
    others = sorted({name for names in parts for name in names} - {ADAPTER})
    used = [*others, *([ADAPTER] if is_on else [])]
    if used:
        pipeline.enable_lora()
        pipeline.set_adapters(used)
    else:
        pipeline.disable_lora()
