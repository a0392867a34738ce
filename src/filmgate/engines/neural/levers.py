"""What makes a model faster or smaller, as plain choices; docs/guides/open-weights.md has effects.

Each choice is applied by diffusers itself; what its release refuses is told with its own reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library
from filmgate.engines.neural.profile import Profile
from filmgate.engines.neural.sampler import steps_of_each
from filmgate.engines.neural.weights import read_json

TRANSFORMERS = ("transformer", "transformer_2")
MAGCACHE_THRESHOLD = 0.06
MAGCACHE_SKIPPED_MAX = 2
"""Steps in a row. Both are what its authors took for Wan2.2 (Zehong-Ma/MagCache)."""
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
    text_encoder_socket: str = ""
    """Where `filmgate text-encoder` listens. Empty: each pipeline has its own encoder."""
    lora: tuple[str, ...] = ()
    """Files: the first for `transformer`, the second for `transformer_2`."""
    gguf: tuple[str, ...] = ()
    """Files, likewise."""
    gpus: int = 1
    """That make one film together."""

    def settled(self) -> Levers:
        """Return the same choices with device and dtype decided for this machine.

        Raises EngineFailed with what it cannot do.
        """
        device = self.device
        if device == "auto":
            device = "cuda" if library("torch").cuda.is_available() else "cpu"
        if device == "cpu" and self.offload is Offload.SEQUENTIAL:
            raise EngineFailed(
                "neural_offload sequential needs a GPU, and films are made on the CPU"
            )
        dtype = self.dtype
        if dtype == "auto":
            dtype = "float32" if device == "cpu" else "bfloat16"
        return replace(self, device=device, dtype=dtype)

    @property
    def has_hooks_in_blocks(self) -> bool:
        """Whether Python decides or moves something within a block: it is no whole graph then."""
        is_widened = self.quantization is Quantization.FP8_STORAGE
        return is_widened or self.cache is not Cache.OFF or self.offload is Offload.GROUP

    def frugal(self) -> Levers:
        """Return the choices that need least memory: for the second try after it ran out."""
        may_offload = self.device != "cpu" and self.offload in {Offload.OFF, Offload.MODEL}
        offload = Offload.GROUP if may_offload else self.offload
        return replace(self, offload=offload, has_vae_tiling=True)


def loading(
    levers: Levers, folder: Path, profile: Profile, *, float32: tuple[str, ...]
) -> dict[str, Any]:
    """Return the arguments for loading a pipeline. `float32` names parts that need it."""
    torch = library("torch")
    dtype = getattr(torch, levers.dtype)
    dtypes = {"default": dtype} | dict.fromkeys(float32, torch.float32)
    arguments: dict[str, Any] = {"dtype": dtypes, "local_files_only": True}
    if levers.text_encoder_socket:
        arguments |= {"text_encoder": None, "tokenizer": None}
    quantization = _quantization(levers.quantization)
    first = profile.transformer or TRANSFORMERS[0]
    if profile.transformer and not levers.gguf:  # given, the folder's own is not loaded
        arguments[TRANSFORMERS[0]] = _kind_of(folder / first).from_pretrained(
            str(folder), subfolder=first, quantization_config=quantization, dtype=dtype,
            local_files_only=True,
        )  # fmt: skip
    for name, part, file in zip(
        TRANSFORMERS, (first, *TRANSFORMERS[1:]), levers.gguf, strict=False
    ):
        arguments[name] = _from_gguf(file, folder, part, dtype)
    rest = [n for n in TRANSFORMERS if (folder / n).is_dir() and n not in arguments]
    if quantization is not None and rest:
        arguments["quantization_config"] = library("diffusers").PipelineQuantizationConfig(
            quant_mapping=dict.fromkeys(rest, quantization)
        )
    return arguments


def _quantization(chosen: Quantization) -> Any:
    """Return how torchao keeps a transformer; None if it does not."""
    if chosen not in {Quantization.INT8, Quantization.FP8}:
        return None
    diffusers, torchao = library("diffusers"), library("torchao.quantization")
    kinds = {
        Quantization.INT8: torchao.Int8WeightOnlyConfig,
        Quantization.FP8: torchao.Float8WeightOnlyConfig,
    }
    return diffusers.TorchAoConfig(kinds[chosen]())


def _from_gguf(file: str, folder: Path, part: str, dtype: Any) -> Any:
    library("gguf")
    config = library("diffusers").GGUFQuantizationConfig(compute_dtype=dtype)
    return _kind_of(folder / part).from_single_file(
        here(file), quantization_config=config, config=str(folder), subfolder=part, dtype=dtype
    )


def _kind_of(part: Path) -> Any:
    """Return the class of a transformer. Raises EngineFailed."""
    name = read_json(part / "config.json").get("_class_name", "")
    kind = getattr(library("diffusers"), str(name), None)
    if kind is None:
        raise EngineFailed(f"the weights have no readable {part.name}/config.json")
    return kind


def here(file: str) -> str:
    """Return the path of a file that a setting names; a name that is none would be fetched."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise EngineFailed(f"the weights file {path.name!r} is not a file")
    return str(path)


def load_loras(pipeline: Any, levers: Levers) -> None:
    """Load the operator's LoRAs; to be called before `pull`, which may make the weights coarser.

    Raises EngineFailed.
    """
    for number, file in enumerate(levers.lora):
        path, into_second = here(file), {"load_into_transformer_2": True} if number else {}
        library("peft")
        pipeline.load_lora_weights(path, adapter_name=f"lora_{number}", **into_second)


def pull(pipeline: Any, levers: Levers, profile: Profile) -> None:
    """Apply all choices that concern the parts of a loaded pipeline; `offload` of whole models is
    left to `place`. Raises EngineFailed with what is not possible.
    """
    for transformer in transformers_of(pipeline):
        if levers.quantization is Quantization.FP8_STORAGE:
            torch = library("torch")
            transformer.enable_layerwise_casting(
                storage_dtype=torch.float8_e4m3fn, compute_dtype=getattr(torch, levers.dtype)
            )
        if levers.attention:
            _set_attention(transformer, levers.attention)
    if levers.cache is not Cache.OFF:
        _set_caches(pipeline, levers, profile)
    if levers.has_vae_tiling:
        pipeline.vae.enable_tiling()


def _set_attention(transformer: Any, name: str) -> None:
    try:
        transformer.set_attention_backend(name)
    except (ValueError, RuntimeError, ImportError) as error:
        raise EngineFailed(f"neural_attention {name!r} cannot be used: {error}") from error


def _set_caches(pipeline: Any, levers: Levers, profile: Profile) -> None:
    for transformer, config in zip(
        transformers_of(pipeline), _cache_configs(pipeline, levers, profile), strict=True
    ):
        try:
            transformer.enable_cache(config)
        except (ValueError, KeyError) as error:
            raise EngineFailed(
                f"neural_cache {levers.cache} does not suit these weights"
            ) from error


def _cache_configs(pipeline: Any, levers: Levers, profile: Profile) -> list[Any]:
    """Return one for each transformer; MagCache's knows the steps that its transformer makes."""
    diffusers, sampling = library("diffusers"), profile.sampling
    if levers.cache is Cache.FIRST_BLOCK:
        threshold = levers.cache_threshold or FIRST_BLOCK_THRESHOLD
        config = diffusers.FirstBlockCacheConfig(threshold=threshold)
        return [config] * len(transformers_of(pipeline))
    if not sampling.mag_ratios:
        raise EngineFailed(
            f"neural_cache magcache needs mag_ratios in the profile {profile.name!r}"
        )
    ratios, configs = spread(sampling.mag_ratios, sampling.steps), list[Any]()
    for count in steps_of_each(pipeline, sampling):
        config = diffusers.MagCacheConfig(
            threshold=levers.cache_threshold or MAGCACHE_THRESHOLD,
            max_skip_steps=MAGCACHE_SKIPPED_MAX,
            retention_ratio=sampling.mag_retention,
            num_inference_steps=count,
            mag_ratios=ratios[:count],
        )
        configs.append(config)
        ratios = ratios[count:]
    return configs


def spread(ratios: Sequence[float], count: int) -> list[float]:
    """Return so many of them, each the nearest: for films of other steps than were measured."""
    last = len(ratios) - 1
    return [ratios[round(step * last / max(count - 1, 1))] for step in range(count)]


def place(pipeline: Any, levers: Levers) -> None:
    """Put a pipeline where it computes, and compile it if so chosen. To be called once a pipeline;
    a second one that shares the parts calls `take_over`.
    """
    torch = library("torch")
    device = torch.device(levers.device)
    stays = levers.text_encoder_on_cpu and not levers.text_encoder_socket
    kept = {"text_encoder"} if stays else set[str]()
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
            transformer.compile_repeated_blocks(fullgraph=not levers.has_hooks_in_blocks)


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
