"""The true architectures of open weights, as their makers publish them, filled with random numbers.

A pipeline made here does a real one's work on whatever device it is put; it shows nothing. It has
no text encoder: prompts are random numbers too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.neural.levers import Levers, Offload, Quantization, place, pull
from filmgate.engines.neural.profile import Profile
from filmgate.engines.wan import WanEngine

Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An architecture at a size."""

    profile: str
    distilled: str
    """The profile of its distilled form."""
    width_px: int
    height_px: int
    frame_count: int
    transformer: Config
    vae: Config
    connectors: Config | None = None
    """LTX-2's, between text encoder and transformer. None: Wan, which has none."""
    has_two: bool = False
    text_tokens: int = 512

    @property
    def label(self) -> str:
        """Profile and size."""
        return f"{self.profile} {self.width_px}×{self.height_px}×{self.frame_count}"


def profile_named(name: str) -> Profile:
    """Return one of ours."""
    return next(p for p in [*WanEngine.profiles(), *LTX2Engine.profiles()] if p.name == name)


WAN = {"patch_size": (1, 2, 2), "attention_head_dim": 128, "freq_dim": 256} | {
    "text_dim": 4096,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
    "rope_max_seq_len": 1024,
}
WAN_TI2V_VAE = {"base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4]} | {
    "temperal_downsample": [False, True, True],
    "in_channels": 12,
    "out_channels": 12,
    "is_residual": True,
    "patch_size": 2,
    "scale_factor_spatial": 16,
    "latents_mean": [0.0] * 48,
    "latents_std": [1.0] * 48,
}
# What LTX-2.3 has otherwise than diffusers' classes have by default, which are LTX-2's.
LTX_2_3 = {"gated_attn": True, "cross_attn_mod": True, "audio_gated_attn": True} | {
    "audio_cross_attn_mod": True,
    "rope_type": "split",
    "use_prompt_embeddings": False,
    "perturbed_attn": True,
}
LTX_2_3_CONNECTORS = {"video_connector_num_attention_heads": 32, "video_gated_attn": True} | {
    "video_connector_num_layers": 8,
    "audio_connector_num_attention_heads": 32,
    "audio_connector_attention_head_dim": 64,
    "audio_connector_num_layers": 8,
    "audio_gated_attn": True,
    "rope_type": "split",
    "per_modality_projections": True,
    "proj_bias": True,
}
LTX_2_3_VAE = {
    "block_out_channels": (256, 512, 1024, 1024),
    "layers_per_block": (4, 6, 4, 2, 2),
} | {
    "decoder_block_out_channels": (256, 512, 512, 1024),
    "decoder_layers_per_block": (4, 6, 4, 2, 2),
    "decoder_spatio_temporal_scaling": (True,) * 4,
    "decoder_inject_noise": (False,) * 5,
    "upsample_type": ("spatiotemporal", "spatiotemporal", "temporal", "spatial"),
    "upsample_residual": (False,) * 4,
    "upsample_factor": (2, 2, 1, 2),
    "timestep_conditioning": False,
    "decoder_causal": False,
    "decoder_spatial_padding_mode": "zeros",
    "spatial_compression_ratio": 32,
    "temporal_compression_ratio": 8,
}
SUBJECTS = {
    "ti2v-5b": Subject(
        profile="wan2.2-ti2v-5b",
        distilled="fastwan2.2-ti2v-5b",
        width_px=1280,
        height_px=704,
        frame_count=121,
        transformer=WAN
        | {"num_attention_heads": 24, "num_layers": 30, "ffn_dim": 14336}
        | {"in_channels": 48, "out_channels": 48},
        vae=WAN_TI2V_VAE,
    ),
    "a14b": Subject(
        profile="wan2.2-t2v-a14b",
        distilled="wan2.2-a14b-4-steps",
        width_px=832,
        height_px=480,
        frame_count=81,
        transformer=WAN
        | {"num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824}
        | {"in_channels": 16, "out_channels": 16},
        vae={},
        has_two=True,
    ),
    "ltx-2.3": Subject(
        profile="ltx-2.3",
        distilled="ltx-2.3-distilled",
        width_px=1280,
        height_px=704,
        frame_count=121,
        transformer=LTX_2_3,
        vae=LTX_2_3_VAE,
        connectors=LTX_2_3_CONNECTORS,
        text_tokens=1024,
    ),
}


def shrunk(subject: Subject) -> Subject:
    """Return it with small widths, depths and size, and every ratio kept."""
    small = {"num_attention_heads": 2, "num_layers": 2}
    subject = replace(subject, width_px=64, height_px=64, frame_count=9, text_tokens=16)
    if subject.connectors is None:
        vae = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
        vae |= {"decoder_base_dim": 4} if "decoder_base_dim" in subject.vae else {}
        small |= {"attention_head_dim": 12, "ffn_dim": 16, "text_dim": 16}
        return replace(
            subject, transformer={**subject.transformer, **small}, vae={**subject.vae, **vae}
        )
    small |= {"attention_head_dim": 8, "cross_attention_dim": 16, "audio_num_attention_heads": 2}
    small |= {"audio_attention_head_dim": 4, "audio_cross_attention_dim": 8}
    connectors = {"caption_channels": 16, "text_proj_in_factor": 2}
    connectors |= {"video_hidden_dim": 16, "audio_hidden_dim": 8}
    for side, width in (("video", 8), ("audio", 4)):
        connectors |= {
            f"{side}_connector_num_layers": 1,
            f"{side}_connector_num_attention_heads": 2,
        }
        connectors |= {f"{side}_connector_attention_head_dim": width}
        connectors |= {f"{side}_connector_num_learnable_registers": 8}
    vae = {"block_out_channels": (8, 16, 32, 32), "layers_per_block": (1,) * 5}
    vae |= {"decoder_block_out_channels": (8, 16, 16, 32), "decoder_layers_per_block": (1,) * 5}
    return replace(
        subject,
        transformer={**subject.transformer, **small},
        vae={**subject.vae, **vae},
        connectors={**subject.connectors, **connectors},
    )


def pipeline_of(subject: Subject, levers: Levers, profile: Profile) -> Any:
    """Return its pipeline, with every lever pulled, where it computes."""
    import torch

    torch.manual_seed(0)
    build = _wan if subject.connectors is None else _ltx2
    pipeline = build(subject, levers, profile)
    pipeline.set_progress_bar_config(disable=True)
    pull(pipeline, levers, profile)
    place(pipeline, levers)
    return pipeline


def words_for(subject: Subject, levers: Levers, *, count: int) -> dict[str, Any]:
    """Return the arguments that stand for so many prompts."""
    import torch

    width = subject.transformer.get("text_dim", 0)
    if subject.connectors is not None:
        layers = subject.connectors.get("text_proj_in_factor", 49)
        width = layers * subject.connectors.get("caption_channels", 3840)
    dtype = getattr(torch, levers.dtype)
    words = torch.randn(count, subject.text_tokens, width).to(levers.device, dtype)
    given = {"prompt_embeds": words, "negative_prompt_embeds": words}
    if subject.connectors is not None:
        mask = torch.ones(count, subject.text_tokens, dtype=torch.long, device=levers.device)
        given |= {"prompt_attention_mask": mask, "negative_prompt_attention_mask": mask}
    return given


def _wan(subject: Subject, levers: Levers, profile: Profile) -> Any:
    import diffusers

    kind = diffusers.WanTransformer3DModel
    return diffusers.WanPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=_made(diffusers.AutoencoderKLWan, subject.vae, levers, dtype="float32"),
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=profile.sampling.flow_shift or 1.0,
        ),
        transformer=_transformer(kind, subject, levers),
        transformer_2=_transformer(kind, subject, levers) if subject.has_two else None,
        boundary_ratio=0.875 if subject.has_two else None,
        expand_timesteps=not subject.has_two,
    )


def _ltx2(subject: Subject, levers: Levers, _: Profile) -> Any:
    import diffusers
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    return diffusers.LTX2Pipeline(
        tokenizer=None,
        text_encoder=None,
        vocoder=None,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, shift_terminal=0.1
        ),
        vae=_made(diffusers.AutoencoderKLLTX2Video, subject.vae, levers),
        audio_vae=_made(diffusers.AutoencoderKLLTX2Audio, {}, levers),
        connectors=_made(LTX2TextConnectors, subject.connectors or {}, levers),
        transformer=_transformer(diffusers.LTX2VideoTransformer3DModel, subject, levers),
    )


def _transformer(kind: Any, subject: Subject, levers: Levers) -> Any:
    made = _made(kind, subject.transformer, levers)
    if levers.quantization in {Quantization.INT8, Quantization.FP8}:
        from torchao import quantization

        is_int8 = levers.quantization is Quantization.INT8
        name = "Int8WeightOnlyConfig" if is_int8 else "Float8WeightOnlyConfig"
        quantization.quantize_(made, getattr(quantization, name)())
    return made


def _made(kind: Any, config: Config, levers: Levers, *, dtype: str = "") -> Any:
    import torch

    where = "cpu" if levers.offload is not Offload.OFF else levers.device
    torch.set_default_dtype(getattr(torch, dtype or levers.dtype))
    try:
        with torch.device(where):
            return kind(**config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(torch.float32)
