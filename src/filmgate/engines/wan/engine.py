"""Wan's pipelines: which modes a folder has, its latents, and its call. It has no sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from filmgate.engines.neural.engine import NeuralEngine
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import Mode, Model
from filmgate.engines.neural.sampler import steer
from filmgate.engines.neural.shot import OnStep, Shot, Take, frames_of

IMAGE_PIPELINE = "WanImageToVideoPipeline"


class WanEngine(NeuralEngine):
    """Wan2.1-T2V, Wan2.2-TI2V, Wan2.2-T2V and -I2V, and what was distilled from them."""

    name = "wan"
    float32_parts = ("vae",)

    def modes(self, pipeline: Any) -> Mapping[Mode, Any]:
        """See NeuralEngine. Weights with timesteps for each token (TI2V) know both modes."""
        diffusers = library("diffusers")
        is_image = type(pipeline).__name__ == IMAGE_PIPELINE
        own, other = (Mode.IMAGE, Mode.TEXT) if is_image else (Mode.TEXT, Mode.IMAGE)
        if not pipeline.config.expand_timesteps:
            return {own: pipeline}
        kind = diffusers.WanPipeline if is_image else diffusers.WanImageToVideoPipeline
        parts = {n: p for n, p in pipeline.components.items() if not n.startswith("image_")}
        # Not `from_pipe`, which casts the shared parts to float32.
        return {own: pipeline, other: kind(**parts, expand_timesteps=True)}

    def encoded(self, pipeline: Any, picture: Any) -> Any:
        """See NeuralEngine."""
        vae = pipeline.vae
        latents = vae.encode(picture).latent_dist.mode()
        mean, std = (
            latents.new_tensor(values).view(1, -1, 1, 1, 1)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        return (latents - mean) / std

    def shoot(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """See NeuralEngine."""
        pipeline, noise = model.pipeline(mode), shot.noise()
        steer(pipeline, model.profile.sampling, noise)

        def heard(_: Any, index: int, __: Any, given: dict[str, Any]) -> dict[str, Any]:
            latents = given["latents"][0]
            on_step(index, latents[:, latents.shape[1] // 2])
            return given

        image = {} if shot.image is None else {"image": Image.fromarray(shot.image)}
        video = pipeline(
            **model.words(pipeline, shot.prompt, shot.negative_prompt),
            width=shot.width_px,
            height=shot.height_px,
            num_frames=shot.frame_count,
            num_inference_steps=shot.steps,
            generator=noise,
            output_type="pt",
            return_dict=False,
            callback_on_step_end=heard,
            **image,
            **model.profile.call,
        )[0]
        return Take(frames=frames_of(video[0]))
