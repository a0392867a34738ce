"""How long open weights take on this machine's GPU, without any weights: true architectures at true
sizes, filled with random numbers.

    python -m bench.neural [--model ti2v-5b] [--steps 3] [--levers plain,compile,…] [--tiny]

Prints a Markdown table: seconds a sampling step (with guidance: two forwards), seconds to decode,
a whole clip at the profile's number of steps, and the peak of the GPU's memory; plain diffusers
first, then each lever alone. The text encoder is left out: prompts are random numbers too. Caches
are left out: what they skip depends on the weights. `--tiny` shrinks all, to try this on a CPU.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import (
    Levers,
    Offload,
    Quantization,
    place,
    pull,
    transformers_of,
)
from filmgate.engines.neural.model import SHELF, Mode
from filmgate.engines.neural.profile import Profile
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Brief, Unobserved

TEXT_TOKENS, TEXT_WIDTH = 512, 4096


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured: an architecture at a size."""

    profile: str
    width_px: int
    height_px: int
    frame_count: int
    transformer: dict[str, Any]
    vae: dict[str, Any]
    has_two: bool = False

    @property
    def label(self) -> str:
        """Profile and size."""
        return f"{self.profile} {self.width_px}×{self.height_px}×{self.frame_count}"


COMMON = {"patch_size": (1, 2, 2), "attention_head_dim": 128, "freq_dim": 256} | {
    "text_dim": TEXT_WIDTH,
    "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads",
    "rope_max_seq_len": 1024,
}
SUBJECTS = {
    "ti2v-5b": Subject(
        profile="wan2.2-ti2v-5b",
        width_px=1280,
        height_px=704,
        frame_count=121,
        transformer=COMMON
        | {"num_attention_heads": 24, "num_layers": 30, "ffn_dim": 14336}
        | {"in_channels": 48, "out_channels": 48},
        vae={"base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4]}
        | {"temperal_downsample": [False, True, True], "in_channels": 12, "out_channels": 12}
        | {"is_residual": True, "patch_size": 2, "scale_factor_spatial": 16}
        | {"latents_mean": [0.0] * 48, "latents_std": [1.0] * 48},
    ),
    "a14b": Subject(
        profile="wan2.2-t2v-a14b",
        width_px=832,
        height_px=480,
        frame_count=81,
        transformer=COMMON
        | {"num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824}
        | {"in_channels": 16, "out_channels": 16},
        vae={},
        has_two=True,
    ),
}
LEVERS = {
    "plain": Levers(),
    "compile": Levers(is_compiled=True),
    "_native_cudnn": Levers(attention="_native_cudnn"),
    "_flash_3_hub": Levers(attention="_flash_3_hub"),
    "sage_hub": Levers(attention="sage_hub"),
    "fp8_storage": Levers(quantization=Quantization.FP8_STORAGE),
    "vae_tiling": Levers(has_vae_tiling=True),
    "group_offload": Levers(offload=Offload.GROUP),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One line of the table."""

    lever: str
    step_s: float
    decode_s: float
    clip_s: float
    peak_gb: float


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", choices=[*SUBJECTS, "all"], default="all")
    options.add_argument("--steps", type=int, default=3, help="timed, after one that warms up")
    options.add_argument("--levers", default=",".join(LEVERS))
    options.add_argument("--tiny", action="store_true")
    options.add_argument(
        "--calibrate", metavar="WEIGHTS", help="make one film of yours; print its mag_ratios"
    )
    chosen = options.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("This needs torch and diffusers: pip install 'filmgate[neural]'.")
    if chosen.calibrate:
        _calibrate(chosen.calibrate)
        return
    if not torch.cuda.is_available() and not chosen.tiny:
        sys.exit("No GPU is visible to torch here; `--tiny` tries this program on the CPU.")
    print(f"{_device_name()}, torch {torch.__version__}; random weights\n")
    for name, subject in SUBJECTS.items():
        if chosen.model in {name, "all"}:
            _table(_tiny(subject) if chosen.tiny else subject, chosen.levers.split(","), chosen)


def _calibrate(weights: str) -> None:
    """Let diffusers print what MagCache has to know: once with the prompt, once without."""
    import diffusers

    engine = WanEngine.configured({"wan_model": weights})
    engine.warm()
    (model,) = SHELF.models()
    config = diffusers.MagCacheConfig(
        calibrate=True, num_inference_steps=model.profile.sampling.steps
    )
    for transformer in transformers_of(model.pipeline(Mode.TEXT)):
        transformer.enable_cache(config)
    engine.make(
        Brief(
            prompt="A cat walks through tall grass, wind, evening light",
            negative_prompt="",
            width_px=1280,
            height_px=720,
            fps=24,
            duration_s=5,
            seed=0,
        ),
        Unobserved(),
    )


def _device_name() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def _tiny(subject: Subject) -> Subject:
    """Shrink widths, depths and size, and keep every ratio."""
    shrunk = {"num_attention_heads": 2, "attention_head_dim": 12, "num_layers": 2, "ffn_dim": 16}
    vae = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    vae |= {"decoder_base_dim": 4} if "decoder_base_dim" in subject.vae else {}
    return replace(
        subject,
        width_px=128,
        height_px=64,
        frame_count=9,
        transformer=subject.transformer | shrunk,
        vae=subject.vae | vae,
    )


def _table(subject: Subject, names: list[str], chosen: argparse.Namespace) -> None:
    profile = next(p for p in WanEngine.profiles() if p.name == subject.profile)
    print(f"### {subject.label}, {profile.sampling.steps} steps\n")
    print("| lever | s a step | s to decode | s a clip | × plain | peak GB |")
    print("|---|---:|---:|---:|---:|---:|")
    plain: Measured | None = None
    for name in names:
        try:
            found = _measured(subject, profile, name, steps=chosen.steps)
        except (EngineFailed, RuntimeError, ImportError) as error:
            print(f"| {name} | – | – | – | – | {str(error).splitlines()[0][:80]} |", flush=True)
            continue
        finally:
            _free()
        plain = plain or found
        print(
            f"| {name} | {found.step_s:.3f} | {found.decode_s:.2f} | {found.clip_s:.1f}"
            f" | {plain.clip_s / found.clip_s:.2f} | {found.peak_gb:.1f} |",
            flush=True,
        )
    print()


def _measured(subject: Subject, profile: Profile, name: str, *, steps: int) -> Measured:
    import torch

    levers = LEVERS[name].settled()
    pipeline = _pipeline(subject, levers, profile)
    words = torch.randn(1, TEXT_TOKENS, TEXT_WIDTH).to(levers.device, getattr(torch, levers.dtype))
    times: list[float] = []

    def heard(_: Any, __: int, ___: Any, given: dict[str, Any]) -> dict[str, Any]:
        times.append(_now_s())
        return given

    times.append(_now_s())
    latents = pipeline(
        prompt_embeds=words,
        negative_prompt_embeds=words,
        width=subject.width_px,
        height=subject.height_px,
        num_frames=subject.frame_count,
        num_inference_steps=steps + 1,
        generator=torch.Generator("cpu").manual_seed(0),
        output_type="latent",
        return_dict=False,
        callback_on_step_end=heard,
        **profile.call,
    )[0]
    step_s = statistics.median(later - earlier for earlier, later in pairwise(times[1:]))
    began_s = _now_s()
    with torch.no_grad():
        pipeline.vae.decode(latents.to(levers.device, pipeline.vae.dtype), return_dict=False)
    decode_s = _now_s() - began_s
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return Measured(
        lever=name,
        step_s=step_s,
        decode_s=decode_s,
        clip_s=step_s * profile.sampling.steps + decode_s,
        peak_gb=peak / 1e9,
    )


def _pipeline(subject: Subject, levers: Levers, profile: Profile) -> Any:
    import diffusers
    import torch

    where = "cpu" if levers.offload is not Offload.OFF else levers.device
    torch.manual_seed(0)

    def made(kind: Any, config: dict[str, Any], dtype: Any) -> Any:
        torch.set_default_dtype(dtype)
        try:
            with torch.device(where):
                return kind(**config).eval().requires_grad_(False)
        finally:
            torch.set_default_dtype(torch.float32)

    def transformer() -> Any:
        dtype = getattr(torch, levers.dtype)
        return made(diffusers.WanTransformer3DModel, subject.transformer, dtype)

    pipeline = diffusers.WanPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=made(diffusers.AutoencoderKLWan, subject.vae, torch.float32),
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=profile.sampling.flow_shift or 1.0,
        ),
        transformer=transformer(),
        transformer_2=transformer() if subject.has_two else None,
        boundary_ratio=0.875 if subject.has_two else None,
        expand_timesteps=not subject.has_two,
    )
    pipeline.set_progress_bar_config(disable=True)
    pull(pipeline, levers, profile)
    place(pipeline, levers)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    return pipeline


def _now_s() -> float:
    """The time, once the device has done all that it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _free() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
