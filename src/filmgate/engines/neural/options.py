"""What the operator set for an engine, checked. It reads no environment and no file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from filmgate.domain.errors import ConfigError
from filmgate.engines.neural.levers import Cache, Levers, Offload, Quantization
from filmgate.engines.neural.model import Mode
from filmgate.engines.neural.timing import Motion

Choice = TypeVar("Choice", bound=StrEnum)
DTYPES = ("auto", "bfloat16", "float16", "float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of one engine."""

    sources: Mapping[Mode, str]
    """Folder or repository of the weights for each mode; empty: those of the other mode."""
    profile: str = ""
    upsampler: str = ""
    """Folder or repository of what makes latents larger for a second stage; empty: one stage."""
    second_stage_lora: str = ""
    levers: Levers = field(default_factory=Levers)
    models_max: int = 1
    motion: Motion = Motion.FLOW
    warm_sizes_px: tuple[tuple[int, int], ...] = ()

    def source(self, mode: Mode) -> str:
        """Return where the weights for a mode are; empty if nowhere."""
        return self.sources.get(mode, "") or next(filter(None, self.sources.values()), "")


def options_from(name: str, settings: Mapping[str, object]) -> Options:
    """Read the options of the engine `name` from all settings. Raises ConfigError."""

    def text(setting: str) -> str:
        return str(settings.get(setting, "")).strip()

    def listed(setting: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text(setting).split(",") if part.strip())

    dtype = text("neural_dtype") or "auto"
    if dtype not in DTYPES:
        raise ConfigError(f"neural_dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    options = Options(
        sources={Mode.TEXT: text(f"{name}_model"), Mode.IMAGE: text(f"{name}_image_model")},
        profile=text(f"{name}_profile"),
        upsampler=text(f"{name}_upsampler"),
        second_stage_lora=text(f"{name}_second_stage_lora"),
        levers=Levers(
            device=text("neural_device") or "auto",
            dtype=dtype,
            attention=text("neural_attention"),
            is_compiled=bool(settings.get("neural_compile", False)),
            cache=_choice(Cache, "neural_cache", text("neural_cache")),
            cache_threshold=float(text("neural_cache_threshold") or 0),
            quantization=_choice(Quantization, "neural_quantization", text("neural_quantization")),
            offload=_choice(Offload, "neural_offload", text("neural_offload")),
            has_vae_tiling=bool(settings.get("neural_vae_tiling", False)),
            text_encoder_on_cpu=bool(settings.get("neural_text_encoder_on_cpu", False)),
            text_encoder_socket=text("neural_text_encoder_socket"),
            lora=listed(f"{name}_lora"),
            gguf=listed(f"{name}_gguf"),
            gpus=int(text("neural_gpus") or 1),
        ),
        models_max=int(text("neural_models_max") or 1),
        motion=_choice(Motion, "neural_motion", text("neural_motion") or Motion.FLOW),
        warm_sizes_px=tuple(_size(entry) for entry in listed("neural_warm_sizes")),
    )
    _refuse_what_is_not_shared(options.levers)
    return options


def _refuse_what_is_not_shared(levers: Levers) -> None:
    """Raise ConfigError for what does not go with several GPUs for one film."""
    if levers.gpus == 1:
        return
    if levers.device not in {"auto", "cuda", "cpu"}:
        raise ConfigError(
            f"neural_device must be auto, cuda or cpu with neural_gpus, got {levers.device!r}"
        )
    if levers.cache is Cache.FIRST_BLOCK:  # they would wait for one another in vain
        raise ConfigError(
            "neural_cache first_block is decided by each GPU for itself: not with neural_gpus"
        )
    if levers.is_compiled:
        raise ConfigError(
            "neural_compile must be off with neural_gpus: torch cannot compile what"
            " GPUs tell one another"
        )


def _choice(kind: type[Choice], setting: str, word: str) -> Choice:
    known = {choice.value: choice for choice in kind}
    chosen = word or "off"
    if chosen not in known:
        raise ConfigError(f"{setting} must be one of {', '.join(known)}, got {word!r}")
    return known[chosen]


def _size(entry: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[x×](\d+)", entry)
    if found is None:
        raise ConfigError(f"neural_warm_sizes needs sizes such as 1280x720, got {entry!r}")
    return int(found[1]), int(found[2])
