"""LTX-2's pipelines: picture and sound together, in both modes from one folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from PIL import Image

from filmgate.engines.neural.engine import NeuralEngine
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import Mode, Model
from filmgate.engines.neural.shot import OnStep, Shot, Take, frames_of
from filmgate.ports.engine import SOUND_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LTX2Engine(NeuralEngine):
    """LTX-2, LTX-2.3 and LTX-2.5, one stage."""

    name = "ltx2"

    def modes(self, pipeline: Any) -> Mapping[Mode, Any]:
        """See NeuralEngine."""
        from_image = library("diffusers").LTX2ImageToVideoPipeline
        return {Mode.TEXT: pipeline, Mode.IMAGE: from_image(**pipeline.components)}

    def encoded(self, pipeline: Any, picture: Any) -> Any:
        """See NeuralEngine."""
        vae = pipeline.vae
        latents = vae.encode(picture).latent_dist.mode()
        return pipeline._normalize_latents(
            latents, vae.latents_mean, vae.latents_std, vae.config.scaling_factor
        )

    def shoot(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """See NeuralEngine."""
        pipeline = model.pipeline(mode)

        def heard(_: Any, index: int, __: Any, given: dict[str, Any]) -> dict[str, Any]:
            latents = _unpacked(pipeline, given["latents"], shot)
            on_step(index, latents[0, :, latents.shape[2] // 2])
            return given

        image = {} if shot.image is None else {"image": Image.fromarray(shot.image)}
        video, sound = pipeline(
            **self._words(pipeline, model, shot),
            width=shot.width_px,
            height=shot.height_px,
            num_frames=shot.frame_count,  # always: without it the model chooses the length
            frame_rate=float(shot.fps),
            num_inference_steps=shot.steps,
            generator=shot.noise(),
            output_type="pt",
            return_dict=False,
            callback_on_step_end=heard,
            **image,
            **model.profile.call,
        )
        rate_hz = int(pipeline.vocoder.config.output_sampling_rate)
        return Take(frames=frames_of(video[0]), sound=_at_48_khz(_stereo(sound[0]), rate_hz))

    def _words(self, pipeline: Any, model: Model, shot: Shot) -> dict[str, Any]:
        """Return the prompts; read beforehand if their reader stays on the CPU."""
        negative = shot.negative_prompt
        if not negative and model.profile.has_guidance:
            negative = library("diffusers.pipelines.ltx2.utils").DEFAULT_NEGATIVE_PROMPT
        if not model.levers.text_encoder_on_cpu:
            return {"prompt": shot.prompt, "negative_prompt": negative}
        names = ("prompt_embeds", "prompt_attention_mask")
        names += tuple(f"negative_{name}" for name in names)
        with library("torch").no_grad():
            read = pipeline.encode_prompt(
                shot.prompt,
                negative,
                do_classifier_free_guidance=model.profile.has_guidance,
                device="cpu",
            )
        there = pipeline._execution_device
        return {
            name: None if tensor is None else tensor.to(there)
            for name, tensor in zip(names, read, strict=True)
        }


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
