"""LTX-2's pipelines: picture and sound together, in both modes from one folder.

    one stage                words, picture -> film
    two, with an upsampler   words, picture -> latents of half the size -> ×2 -> film

What readies the second stage stands in second_stage.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from PIL import Image

from filmgate.engines.ltx2.second_stage import SCALE, Upsampler, load_lora, with_lora
from filmgate.engines.ltx2.sharing import share_video
from filmgate.engines.neural.engine import NeuralEngine
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import Mode, Model
from filmgate.engines.neural.profile import Profile
from filmgate.engines.neural.sampler import unshifted
from filmgate.engines.neural.shot import OnStep, Shot, Take, frames_of
from filmgate.engines.neural.weights import read_json
from filmgate.ports.engine import SOUND_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LTX2Engine(NeuralEngine):
    """LTX-2, LTX-2.3 and LTX-2.5, in one stage or two."""

    name = "ltx2"

    def modes(self, pipeline: Any) -> Mapping[Mode, Any]:
        """See NeuralEngine."""
        from_image = library("diffusers").LTX2ImageToVideoPipeline(**pipeline.components)
        from_image.register_to_config(_name_or_path=pipeline.config._name_or_path)
        return {Mode.TEXT: pipeline, Mode.IMAGE: from_image}

    def encoded(self, pipeline: Any, picture: Any) -> Any:
        """See NeuralEngine."""
        vae = pipeline.vae
        latents = vae.encode(picture).latent_dist.mode()
        return pipeline._normalize_latents(
            latents, vae.latents_mean, vae.latents_std, vae.config.scaling_factor
        )

    def beside(self, pipeline: Any, profile: Profile, levers: Levers) -> Upsampler | None:
        """See NeuralEngine."""
        second = profile.second_stage
        if second is None:
            return None
        if second.lora:
            load_lora(pipeline, self._options.second_stage_lora, wanted=second.lora)
        return Upsampler.loaded(self._options.upsampler, levers)

    def share(self, transformer: Any, config: Any) -> None:
        """See NeuralEngine."""
        share_video(transformer, config)

    def shoot(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """See NeuralEngine."""
        pipeline, second = model.pipeline(mode), model.profile.second_stage
        sigmas = model.profile.sampling.sigmas[: shot.steps]
        given = {
            **model.words(pipeline, shot.prompt, shot.negative_prompt or _default_negative()),
            **({} if shot.image is None else _start(pipeline, Image.fromarray(shot.image))),
            **model.profile.call,
            "generator": shot.noise(),  # one for both stages: the second goes on drawing from it
        }
        if second is None:
            video, sound = _called(pipeline, shot, on_step, sigmas, output_type="pt", **given)
        else:
            small = replace(
                shot, width_px=shot.width_px // SCALE, height_px=shot.height_px // SCALE
            )
            rough = _called(pipeline, small, on_step, sigmas, output_type="latent", **given)
            video, sound = _refined(pipeline, model, shot, on_step, rough, given)
        rate_hz = int(pipeline.vocoder.config.output_sampling_rate)
        return Take(frames=frames_of(video[0]), sound=_at_48_khz(_stereo(sound[0]), rate_hz))


def _refined(
    pipeline: Any,
    model: Model,
    shot: Shot,
    on_step: OnStep,
    rough: tuple[Any, Any],
    given: Mapping[str, Any],
) -> tuple[Any, Any]:
    """Return picture and sound of the second stage, both begun on the first one's latents."""
    second = model.profile.second_stage
    assert second is not None  # noqa: S101 - asked for by the caller
    latents, sound_latents = model.beside.enlarged(rough[0]), rough[1]
    if shot.image is not None:  # sharper than what was made of it at half the size
        latents[:, :, :1] = _start_latents(pipeline, shot, given)

    def heard(index: int, shown: Any) -> None:
        on_step(shot.steps + index, shown)

    with with_lora(pipeline, is_on=bool(second.lora)):
        return _called(
            pipeline,
            replace(shot, steps=len(second.sigmas)),
            heard,
            second.sigmas,
            output_type="pt",
            latents=latents,
            audio_latents=sound_latents,
            noise_scale=second.sigmas[0],
            **{**given, **second.call},
        )


def _called(
    pipeline: Any, shot: Shot, on_step: OnStep, sigmas: tuple[float, ...], **given: Any
) -> tuple[Any, Any]:
    """Call the pipeline. Without noise levels the scheduler spaces them; given, they are exact."""

    def heard(_: Any, index: int, __: Any, state: dict[str, Any]) -> dict[str, Any]:
        latents = _unpacked(pipeline, state["latents"], shot)
        on_step(index, latents[0, :, latents.shape[2] // 2])
        return state

    own = pipeline.scheduler
    if sigmas:
        pipeline.scheduler = unshifted(own)
    try:
        return pipeline(
            width=shot.width_px,
            height=shot.height_px,
            num_frames=shot.frame_count,  # always: without it the model chooses the length
            frame_rate=float(shot.fps),
            num_inference_steps=shot.steps,
            sigmas=list(sigmas) or None,
            return_dict=False,
            callback_on_step_end=heard,
            **given,
        )
    finally:
        pipeline.scheduler = own


def _default_negative() -> str:
    return library("diffusers.pipelines.ltx2.utils").DEFAULT_NEGATIVE_PROMPT


def _start(pipeline: Any, image: Image.Image) -> dict[str, Any]:
    """Return a start image, and how strongly it is compressed first, as in training.

    The pipeline tells that by its text encoder, which may be in another process.
    """
    config = read_json(Path(pipeline.config._name_or_path) / "text_encoder" / "config.json")
    encoder = SimpleNamespace(config=SimpleNamespace(model_type=config.get("model_type")))
    crf = library("diffusers.pipelines.ltx2.utils").resolve_default_image_crf(encoder)
    return {"image": image, "image_crf": crf}


def _start_latents(pipeline: Any, shot: Shot, given: Mapping[str, Any]) -> Any:
    """Return the start image as latents [1, channels, 1, height, width], not normalised."""
    tools, there = library("diffusers.pipelines.ltx2.utils"), pipeline._execution_device
    pixels = tools.apply_image_conditioning_crf(shot.image, given["image_crf"])
    picture = pipeline.video_processor.preprocess(
        Image.fromarray(pixels), height=shot.height_px, width=shot.width_px
    )
    with library("torch").no_grad():
        encoded = pipeline.vae.encode(picture[:, :, None].to(there, pipeline.vae.dtype))
    return encoded.latent_dist.mode().float()


def _unpacked(pipeline: Any, latents: Any, shot: Shot) -> Any:
    """Return latents [1, tokens, channels] as [1, channels, frames, height, width]."""
    side = pipeline.vae_spatial_compression_ratio
    return pipeline._unpack_latents(
        latents,
        (shot.frame_count - 1) // pipeline.vae_temporal_compression_ratio + 1,
        shot.height_px // side,
        shot.width_px // side,
        pipeline.transformer_spatial_patch_size,
        pipeline.transformer_temporal_patch_size,
    )


def _stereo(sound: Any) -> NDArray[np.float32]:
    track: NDArray[np.float32] = np.atleast_2d(sound.detach().float().cpu().numpy())
    return track if track.shape[0] == 2 else np.repeat(track[:1], 2, axis=0)


def _at_48_khz(sound: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    if rate_hz == SOUND_RATE_HZ:
        return sound
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
    frame.sample_rate = rate_hz
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND_RATE_HZ)
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray() for piece in pieces], axis=1).astype(np.float32)
