"""Builds tiny weights with random numbers, in the true classes, and lays them out as a user's
folder.

Compression ratios, channels in and out, and file layout are the real ones, so that sizes, frame
counts and modes come out as with the real weights; only widths and depths are shrunk.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.pipelines.ltx2 import LTX2DurationHead, LTX2TextConnectors
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    GemmaTokenizerFast,
    SiglipVisionConfig,
    T5TokenizerFast,
    UMT5Config,
    UMT5EncoderModel,
)
from transformers.models.gemma3.configuration_gemma3 import Gemma3TextConfig

SENTENCES = (
    "Sunset coastal highway, cinematic shot",
    "City night scene, neon lights and rain-soaked streets",
    "Person dancing to the music, cat running on the grass",
    "blurry, low quality, distorted",
)
TEXT_WIDTH = 16
GEMMA_LAYERS = 2


def build(kind: str, folder: Path) -> Path:
    """Build one of KINDS and save it as its pipeline does."""
    torch.manual_seed(0)
    KINDS[kind]().save_pretrained(folder)
    if kind == "ltx2.5":  # its repository has two, of which the index names the distilled one
        _ltx2_transformer(is_late=True).save_pretrained(folder / "transformer_full")
    return folder


# ---- Wan


def _t5_tokenizer() -> T5TokenizerFast:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=120,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    vocabulary = [tuple(entry) for entry in json.loads(tokenizer.to_str())["model"]["vocab"]]
    return T5TokenizerFast(vocab=vocabulary, extra_ids=0, model_max_length=512)


def _text_encoder(vocabulary_size: int) -> UMT5EncoderModel:
    config = UMT5Config(
        vocab_size=vocabulary_size,
        d_model=TEXT_WIDTH,
        d_kv=4,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
        pad_token_id=0,
        eos_token_id=1,
    )
    return UMT5EncoderModel(config).eval()


def _wan_vae(*, is_wide: bool) -> diffusers.AutoencoderKLWan:
    """8×8×4 with 16 channels, or 16×16×4 with 48; most of it by pixel patches, which is quick."""
    channels, patch, scale = (48, 4, 16) if is_wide else (16, 2, 8)
    return diffusers.AutoencoderKLWan(
        base_dim=2,
        decoder_base_dim=2,
        z_dim=channels,
        dim_mult=[1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        in_channels=3 * patch * patch,
        out_channels=3 * patch * patch,
        is_residual=is_wide,
        patch_size=patch,
        latents_mean=[0.0] * channels,
        latents_std=[1.0] * channels,
        scale_factor_spatial=scale,
        scale_factor_temporal=4,
    ).eval()


def _wan_transformer(channels_in: int, channels_out: int) -> diffusers.WanTransformer3DModel:
    return diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels_in,
        out_channels=channels_out,
        text_dim=TEXT_WIDTH,
        freq_dim=16,
        ffn_dim=16,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=1024,
    )


def _wan_parts(*, is_wide: bool) -> dict[str, Any]:
    tokenizer = _t5_tokenizer()
    return {
        "tokenizer": tokenizer,
        "text_encoder": _text_encoder(len(tokenizer)),
        "vae": _wan_vae(is_wide=is_wide),
        "scheduler": diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            num_train_timesteps=1000,
            flow_shift=3.0,
        ),
    }


def _wan_ti2v() -> Any:
    return diffusers.WanPipeline(
        **_wan_parts(is_wide=True), transformer=_wan_transformer(48, 48), expand_timesteps=True
    )


def _wan_t2v() -> Any:
    return diffusers.WanPipeline(**_wan_parts(is_wide=False), transformer=_wan_transformer(16, 16))


def _wan_t2v_two() -> Any:
    return diffusers.WanPipeline(
        **_wan_parts(is_wide=False),
        transformer=_wan_transformer(16, 16),
        transformer_2=_wan_transformer(16, 16),
        boundary_ratio=0.875,
    )


def _wan_i2v_two() -> Any:
    """Its transformers see noise (16), the picture's mask (4) and the picture (16)."""
    return diffusers.WanImageToVideoPipeline(
        **_wan_parts(is_wide=False),
        transformer=_wan_transformer(36, 16),
        transformer_2=_wan_transformer(36, 16),
        image_encoder=None,
        image_processor=None,
        boundary_ratio=0.9,
    )


# ---- LTX-2


def _gemma_tokenizer() -> GemmaTokenizerFast:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    special += [f"<0x{byte:02X}>" for byte in range(256)]
    special += ["<start_of_image>", "<end_of_image>", "<image_soft_token>"]
    special += ["<start_of_turn>", "<end_of_turn>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in trained["merges"]]
    made = GemmaTokenizerFast(vocab=trained["vocab"], merges=merges, model_max_length=1024)
    made.padding_side = "left"
    return made


def _gemma(vocabulary_size: int) -> Gemma3ForConditionalGeneration:
    text = Gemma3TextConfig(
        vocab_size=vocabulary_size,
        hidden_size=TEXT_WIDTH,
        intermediate_size=32,
        num_hidden_layers=GEMMA_LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=2048,
        sliding_window=256,
        query_pre_attn_scalar=8,
    )
    vision = SiglipVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    config = Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=4,
        boi_token_index=vocabulary_size - 1,
        eoi_token_index=vocabulary_size - 2,
        image_token_index=vocabulary_size - 3,
    )
    return Gemma3ForConditionalGeneration(config).eval()


def _ltx2_transformer(*, is_late: bool) -> Any:
    late = {
        "gated_attn": True,
        "cross_attn_mod": True,
        "audio_gated_attn": True,
        "audio_cross_attn_mod": True,
        "use_prompt_embeddings": False,
        "perturbed_attn": True,
        "ff_bias": False,
        "use_keyframes_abs_pos_embedding": True,
    }
    return diffusers.LTX2VideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        audio_in_channels=16,
        audio_out_channels=16,
        audio_num_attention_heads=2,
        audio_attention_head_dim=4,
        audio_cross_attention_dim=8,
        num_layers=2,
        caption_channels=TEXT_WIDTH,
        rope_double_precision=True,
        rope_type="split",
        **(late if is_late else {}),
    )


def _ltx2_connectors(*, is_late: bool) -> LTX2TextConnectors:
    late = {
        "video_hidden_dim": 16,
        "audio_hidden_dim": 8,
        "proj_bias": True,
        "video_gated_attn": True,
        "audio_gated_attn": True,
    }
    return LTX2TextConnectors(
        caption_channels=TEXT_WIDTH,
        text_proj_in_factor=GEMMA_LAYERS + 1,
        video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=8,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=8,
        audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=4 if is_late else 8,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=8,
        connector_rope_base_seq_len=4096,
        rope_theta=10000.0,
        rope_double_precision=True,
        causal_temporal_positioning=False,
        rope_type="split",
        per_modality_projections=is_late,
        **(late if is_late else {}),
    )


def _ltx2_vae() -> Any:
    return diffusers.AutoencoderKLLTX2Video(
        latent_channels=8,
        block_out_channels=(4, 8, 8, 8),
        decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        timestep_conditioning=False,
        decoder_causal=False,
        spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )


def _ltx2_sound_parts() -> dict[str, Any]:
    """64 mel bands, hop 160; the width of a buffer asks for base = latent channels × bands / 4."""
    return {
        "audio_vae": diffusers.AutoencoderKLLTX2Audio(
            base_channels=16,
            output_channels=2,
            ch_mult=(1, 1, 1),
            num_res_blocks=1,
            attn_resolutions=None,
            in_channels=2,
            resolution=256,
            latent_channels=1,
            norm_type="pixel",
            causality_axis="height",
            dropout=0.0,
            mid_block_add_attention=False,
            sample_rate=16000,
            mel_hop_length=160,
            is_causal=True,
            mel_bins=64,
        ),
        "vocoder": LTX2Vocoder(
            in_channels=128,
            hidden_channels=32,
            out_channels=2,
            upsample_kernel_sizes=[16, 15, 8, 4, 4],
            upsample_factors=[6, 5, 2, 2, 2],
            resnet_kernel_sizes=[3],
            resnet_dilations=[[1, 3, 5]],
            output_sampling_rate=24000,
        ),
    }


def _ltx2(*, is_late: bool) -> Any:
    tokenizer = _gemma_tokenizer()
    head = LTX2DurationHead(
        video_cross_attention_dim=16,
        audio_cross_attention_dim=8,
        pooler_hidden_dim=8,
        num_pooler_heads=2,
        mlp_hidden_dim=8,
    )
    return diffusers.LTX2Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=not is_late,
            base_shift=0.95,
            max_shift=2.05,
            base_image_seq_len=1024,
            max_image_seq_len=4096,
            shift_terminal=None if is_late else 0.1,
        ),
        vae=_ltx2_vae(),
        **_ltx2_sound_parts(),
        text_encoder=_gemma(len(tokenizer) + 3),
        tokenizer=tokenizer,
        connectors=_ltx2_connectors(is_late=is_late),
        transformer=_ltx2_transformer(is_late=is_late),
        processor=None,
        **({"duration_head": head} if is_late else {}),
    )


def _ltx2_upsampler() -> Any:
    """As it is published apart: with the VAE whose latents it makes larger."""
    upsampler = LTX2LatentUpsamplerModel(
        in_channels=8,
        mid_channels=32,
        num_blocks_per_stage=1,
        dims=3,
        rational_spatial_scale=2.0,
        use_rational_resampler=False,
    )
    return diffusers.LTX2LatentUpsamplePipeline(vae=_ltx2_vae(), latent_upsampler=upsampler)


KINDS = {
    "wan-ti2v": _wan_ti2v,
    "wan-t2v": _wan_t2v,
    "wan-t2v-two": _wan_t2v_two,
    "wan-i2v-two": _wan_i2v_two,
    "ltx2": lambda: _ltx2(is_late=False),
    "ltx2.5": lambda: _ltx2(is_late=True),
    "ltx2-upsampler": _ltx2_upsampler,
}
