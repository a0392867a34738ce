"""What makes a model faster or smaller, as plain choices; docs/guides/open-weights.md has effects.

Each choice is applied by diffusers itself; what its release refuses is told with its own reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library
from filmgate.engines.neural.profile import Profile
from filmgate.engines.neural.weights import read_json

TRANSFORMERS = ("transformer", "transformer_2")
MAGCACHE_THRESHOLD = 0.06
FIRST_BLOCK_THRESHOLD = 0.05


class Cache(StrEnum):
    """What is reused between sampling steps."""

    OFF = "off"
    FIRST_BLOCK = "first_block"
    MAGCACHE = "magcache"


class Quantization(StrEnum):
    """How the transformer's weights are kept."""

    OFF = "off"
    FP8_STORAGE = "fp8_storage"
    INT8 = "int8"
    FP8 = "fp8"


class Offload(StrEnum):
    """What waits in the machine's memory while it is not computed with."""

    OFF = "off"
    MODEL = "model"
    GROUP = "group"
    SEQUENTIAL = "sequential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levers:
    """The operator's choices for one pipeline."""

    device: str = "auto"
    dtype: str = "auto"
    attention: str = ""
    is_compiled: bool = False
    cache: Cache = Cache.OFF
    cache_threshold: float = 0.0
    """0: the method's own."""
    quantization: Quantization = Quantization.OFF
    offload: Offload = Offload.OFF
    has_vae_tiling: bool = False
    text_encoder_on_cpu: bool = False
    lora: tuple[str, ...] = ()
    """Files: the first for `transformer`, the second for `transformer_2`."""
    gguf: tuple[str, ...] = ()
    """Files, likewise."""

    def settled(self) -> Levers:
        """Return the same choices with device and dtype decided for this machine."""
        device = self.device
        if device == "auto":
            device = "cuda" if library("torch").cuda.is_available() else "cpu"
        dtype = self.dtype
        if dtype == "auto":
            dtype = "float32" if device == "cpu" else "bfloat16"
        return replace(self, device=device, dtype=dtype)

    def frugal(self) -> Levers:
        """Return the choices that need least memory: for the second try after it ran out."""
        may_offload = self.device != "cpu" and self.offload in {Offload.OFF, Offload.MODEL}
        offload = Offload.GROUP if may_offload else self.offload
        return replace(self, offload=offload, has_vae_tiling=True)


def loading(levers: Levers, folder: Path, *, float32: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments for loading a pipeline. `float32` names parts that need it."""
    torch = library("torch")
    dtype = getattr(torch, levers.dtype)
    dtypes = {"default": dtype} | dict.fromkeys(float32, torch.float32)
    arguments: dict[str, Any] = {"dtype": dtypes, "local_files_only": True}
    if levers.quantization in {Quantization.INT8, Quantization.FP8}:
        there = [name for name in TRANSFORMERS if (folder / name).is_dir()]
        arguments["quantization_config"] = _quantization(levers.quantization, there)
    for name, file in zip(TRANSFORMERS, levers.gguf, strict=False):
        arguments[name] = _from_gguf(file, folder, name, dtype)
    return arguments


def _quantization(chosen: Quantization, names: list[str]) -> Any:
    diffusers, torchao = library("diffusers"), library("torchao.quantization")
    kinds = {
        Quantization.INT8: torchao.Int8WeightOnlyConfig,
        Quantization.FP8: torchao.Float8WeightOnlyConfig,
    }
    config = diffusers.TorchAoConfig(kinds[chosen]())
    return diffusers.PipelineQuantizationConfig(quant_mapping=dict.fromkeys(names, config))


def _from_gguf(file: str, folder: Path, name: str, dtype: Any) -> Any:
    diffusers = library("diffusers")
    library("gguf")
    config = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
    kind = read_json(folder / name / "config.json").get("_class_name", "")
    return getattr(diffusers, kind).from_single_file(
        _here(file), quantization_config=config, config=str(folder), subfolder=name, dtype=dtype
    )


def _here(file: str) -> str:
    """Return the path of a file that a setting names; a name that is none would be fetched."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise EngineFailed(f"the weights file {path.name!r} is not a file")
    return str(path)


def pull(pipeline: Any, levers: Levers, profile: Profile) -> None:
    """Apply all choices that concern the parts of a loaded pipeline; `offload` of whole models is
    left to `place`. Raises EngineFailed with what is not possible.
    """
    for number, file in enumerate(levers.lora):
        path, into_second = _here(file), {"load_into_transformer_2": True} if number else {}
        library("peft")
        pipeline.load_lora_weights(path, adapter_name=f"lora_{number}", **into_second)
    for transformer in transformers_of(pipeline):
        if levers.quantization is Quantization.FP8_STORAGE:
            torch = library("torch")
            transformer.enable_layerwise_casting(
                storage_dtype=torch.float8_e4m3fn, compute_dtype=getattr(torch, levers.dtype)
            )
        if levers.attention:
            _set_attention(transformer, levers.attention)
        if levers.cache is not Cache.OFF:
            _set_cache(transformer, levers, profile, count=len(transformers_of(pipeline)))
    if levers.has_vae_tiling:
        pipeline.vae.enable_tiling()


def _set_attention(transformer: Any, name: str) -> None:
    try:
        transformer.set_attention_backend(name)
    except (ValueError, RuntimeError, ImportError) as error:
        raise EngineFailed(f"neural_attention {name!r} cannot be used: {error}") from error


def _set_cache(transformer: Any, levers: Levers, profile: Profile, *, count: int) -> None:
    diffusers, ratios = library("diffusers"), profile.sampling.mag_ratios
    if levers.cache is Cache.MAGCACHE:
        if count > 1:  # each sees only some of the steps, and it counts all
            raise EngineFailed("neural_cache magcache does not suit weights of two transformers")
        if not ratios:
            raise EngineFailed(
                f"neural_cache magcache needs mag_ratios in the profile {profile.name!r}"
            )
        config = diffusers.MagCacheConfig(
            threshold=levers.cache_threshold or MAGCACHE_THRESHOLD,
            num_inference_steps=profile.sampling.steps,
            mag_ratios=list(ratios),
        )
    else:
        threshold = levers.cache_threshold or FIRST_BLOCK_THRESHOLD
        config = diffusers.FirstBlockCacheConfig(threshold=threshold)
    try:
        transformer.enable_cache(config)
    except (ValueError, KeyError) as error:
        raise EngineFailed(f"neural_cache {levers.cache} does not suit these weights") from error


def place(pipeline: Any, levers: Levers) -> None:
    """Put a pipeline where it computes, and compile it if so chosen. To be called once a pipeline;
    a second one that shares the parts calls `take_over`.
    """
    torch = library("torch")
    device = torch.device(levers.device)
    kept = {"text_encoder"} if levers.text_encoder_on_cpu else set[str]()
    match levers.offload:
        case Offload.GROUP:
            pipeline.enable_group_offload(
                onload_device=device, offload_type="leaf_level", use_stream=device.type == "cuda",
                exclude_modules=sorted(kept),
            )  # fmt: skip
            for name in kept:  # what is excluded is put on the device otherwise
                getattr(pipeline, name).to("cpu")
        case Offload.OFF:
            for name, part in pipeline.components.items():
                if isinstance(part, torch.nn.Module) and name not in kept:
                    part.to(device)
        case _:
            take_over(pipeline, levers)
    if levers.is_compiled:
        for transformer in transformers_of(pipeline):
            # A cache decides in Python what it skips, so a whole graph is not to be had with one.
            transformer.compile_repeated_blocks(fullgraph=levers.cache is Cache.OFF)


def take_over(pipeline: Any, levers: Levers) -> None:
    """Let this pipeline move its parts to and fro, after another one that shares them."""
    if levers.offload is Offload.MODEL:
        pipeline.enable_model_cpu_offload(device=levers.device)
    elif levers.offload is Offload.SEQUENTIAL:
        pipeline.enable_sequential_cpu_offload(device=levers.device)


def transformers_of(pipeline: Any) -> list[Any]:
    """Return a pipeline's one or two transformers."""
    found = [getattr(pipeline, name, None) for name in TRANSFORMERS]
    return [transformer for transformer in found if transformer is not None]
