"""Every setting: its name, type, default and meaning. They are read in config/reading.py."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from filmgate.domain.errors import ConfigError

HOUR_S = 3600
DAY_S = 24 * HOUR_S


def _setting(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    is_secret: bool = False,
) -> Any:
    rule = {"doc": doc, "low": low, "high": high, "is_secret": is_secret}
    return field(default=default, repr=not is_secret, metadata=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, frozen. Units are in the names."""

    data: str = _setting("", "Folder for everything that is kept. Empty: the user's data folder.")
    database_url: str = _setting(
        "", "PostgreSQL to use. Empty: an embedded one in the data folder."
    )
    host: str = _setting("127.0.0.1", "Address the gateway listens on.")
    port: int = _setting(
        8700, "Port the gateway listens on; 0 picks a free one.", low=0, high=65535
    )
    public_url: str = _setting(
        "", "How callers reach this server; used in file links. Empty: as the request says."
    )
    trusted_proxies: str = _setting(
        "", "Comma-separated addresses or networks whose X-Forwarded-* headers are believed."
    )
    cors_origins: str = _setting(
        "", "Comma-separated origins that browsers may call from; * for all."
    )
    engine: str = _setting(
        "auto",
        "What makes the films that no route takes: an engine or upstream by name, or auto: the"
        " upstreams of routes.toml and the engines whose weights are named, in that order; draft"
        " only where there is none of them.",
    )
    routes_file: str = _setting(
        "", "TOML file of upstreams and routes. Empty: `routes.toml` in the data folder, if any."
    )
    engine_wait_s: int = _setting(
        3600,
        "How long a task waits for an engine that takes it, when its route's are busy or down.",
        low=1,
        high=30 * DAY_S,
    )
    upstream_timeout_s: int = _setting(
        3600, "Longest time that an upstream may take for one film.", low=5, high=DAY_S
    )
    upstream_film_bytes_max: int = _setting(
        2**30, "Largest film that is fetched from an upstream.", low=2**20
    )
    wan_model: str = _setting(
        "",
        "Wan weights in diffusers' layout: a folder, or a repository that `filmgate models pull`"
        " got. Empty: the engine wan is not set up. docs/guides/open-weights.md",
    )
    wan_image_model: str = _setting(
        "", "Wan weights for films that start from a picture. Empty: those of wan_model."
    )
    wan_profile: str = _setting(
        "", "Profile of the Wan weights: a name or a TOML file. Empty: told by the weights."
    )
    wan_lora: str = _setting(
        "", "LoRA file for Wan; a second one, after a comma, for its second transformer."
    )
    wan_gguf: str = _setting(
        "", "GGUF file with Wan's transformer; a second one, after a comma, for its second."
    )
    ltx2_model: str = _setting(
        "", "LTX-2 weights in diffusers' layout: a folder, or a repository, as with wan_model."
    )
    ltx2_profile: str = _setting(
        "", "Profile of the LTX-2 weights: a name or a TOML file. Empty: told by the weights."
    )
    ltx2_lora: str = _setting("", "LoRA file for LTX-2.")
    ltx2_gguf: str = _setting("", "GGUF file with LTX-2's transformer.")
    ltx2_upsampler: str = _setting(
        "",
        "Latent upsampler for LTX-2's second stage: a folder, or a repository that has it as"
        " latent_upsampler. Empty: one stage.",
    )
    ltx2_second_stage_lora: str = _setting(
        "", "LoRA file for the second stage of LTX-2 weights that are not distilled."
    )
    neural_device: str = _setting(
        "auto", "Where open weights compute: cuda, cuda:1, cpu; auto: a GPU if there is one."
    )
    neural_dtype: str = _setting(
        "auto",
        "Numbers they compute with: bfloat16, float16, float32; auto: bfloat16 on a GPU.",
    )
    neural_attention: str = _setting(
        "", "diffusers' attention to use, such as _flash_3_hub or sage_hub. Empty: torch's own."
    )
    neural_compile: bool = _setting(
        False, "Whether the transformer's blocks are compiled; each new size compiles again."
    )
    neural_cache: str = _setting(
        "off", "What is reused between sampling steps: off, first_block or magcache."
    )
    neural_cache_threshold: float = _setting(
        0.0, "How much may differ and still be reused; 0: the method's own.", low=0.0, high=1.0
    )
    neural_quantization: str = _setting(
        "off", "How the transformer's weights are kept: off, fp8_storage, int8 or fp8."
    )
    neural_offload: str = _setting(
        "off",
        "What waits in the machine's memory while it is not computed with: off, model, group or"
        " sequential; each needs less of the GPU's memory than the one before, and more time.",
    )
    neural_vae_tiling: bool = _setting(
        False, "Whether frames are decoded in tiles: less memory, and slightly other frames."
    )
    neural_text_encoder_on_cpu: bool = _setting(
        False, "Whether prompts are read by the CPU, so that the GPU need not hold the encoder."
    )
    neural_text_encoder_socket: str = _setting(
        "",
        "Unix socket of `filmgate text-encoder`, which reads the prompts of all workers of a"
        " machine. Empty: every worker loads a text encoder of its own.",
    )
    neural_models_max: int = _setting(
        1, "Models of open weights in memory at a time; the longest unused leaves.", low=1, high=16
    )
    neural_gpus: int = _setting(
        1,
        "GPUs that make one film together, from the first visible one on; they must divide the"
        " transformer's attention heads. One worker a GPU makes more films an hour.",
        low=1,
        high=16,
    )
    neural_motion: str = _setting(
        "flow",
        "What stands between two frames of a model that makes fewer a second than are delivered:"
        " flow, blend or repeat. Speed never changes.",
    )
    neural_warm_sizes: str = _setting(
        "",
        "Comma-separated sizes, such as 1280x720, at which one sampling step is made before the"
        " first task is taken.",
    )
    sound_engine: str = _setting(
        "draft",
        "Engine whose sound goes with films of engines that make none; empty: they are silent."
        " A caller's own sound always wins.",
    )
    slots: int = _setting(1, "Films that one worker makes at a time.", low=1, high=64)
    studio_memory_bytes_max: int = _setting(
        4 * 2**30,
        "Memory that a process which decodes, draws and encodes may take; 0: no limit. Engines with"
        " trained weights are not held to it.",
        low=0,
    )
    lease_s: float = _setting(15.0, "How long a silent worker keeps a task.", low=0.5, high=3600)
    sweep_s: float = _setting(5.0, "How often lost tasks are looked for.", low=0.2, high=600)
    crashes_max: int = _setting(
        3, "Deaths of a worker or engine that one task may cause.", low=1, high=100
    )
    make_timeout_s: int = _setting(
        1800, "Longest time that making one film may take.", low=5, high=DAY_S
    )
    finish_timeout_s: int = _setting(
        300, "Longest time that storing a finished film may take.", low=1, high=3600
    )
    inputs_timeout_s: int = _setting(
        120, "Longest time that getting all inputs of a task may take.", low=1, high=3600
    )
    queue_timeout_s: int = _setting(
        DAY_S, "Longest time that a task may wait to be started.", low=1, high=30 * DAY_S
    )
    drain_s: int = _setting(
        60, "How long running tasks may finish after SIGTERM.", low=0, high=3600
    )
    queue_length_max: int = _setting(10_000, "Unfinished tasks of the whole server.", low=1)
    key_queue_length_max: int = _setting(
        1_000, "Unfinished tasks of one key that has no limit of its own.", low=1
    )
    key_concurrent_tasks_max: int = _setting(
        0,
        "Tasks of one key under way at a time, for keys without a limit of their own; 0: no limit.",
        low=0,
    )
    key_requests_per_minute: int = _setting(
        0, "Requests a minute of a key that has no limit of its own; 0: no limit.", low=0
    )
    address_requests_per_minute: int = _setting(
        0, "Requests a minute without a key from one address; 0: no limit.", low=0
    )
    failed_logins_per_minute: int = _setting(
        30,
        "Wrong keys a minute from one address; after them the answer is 429. 0: no limit.",
        low=0,
    )
    body_bytes_max: int = _setting(28 * 2**20, "Longest request body.", low=1024)
    large_bodies_max: int = _setting(
        4, "Request bodies over 1 MiB that are read at a time.", low=1, high=1000
    )
    image_bytes_max: int = _setting(20 * 2**20, "Largest image file.", low=1024)
    audio_bytes_max: int = _setting(15 * 2**20, "Largest audio file.", low=1024)
    fetch_timeout_s: float = _setting(
        30.0, "Longest time that fetching one input may take.", low=0.1, high=600
    )
    fetch_redirects_max: int = _setting(
        5, "Redirects followed while fetching an input.", low=0, high=20
    )
    fetch_allowed: str = _setting(
        "",
        "Comma-separated hosts or networks that inputs may come from, and webhooks go to, although"
        " they are not public.",
    )
    fetch_ca_file: str = _setting(
        "", "PEM file with further certificate authorities for fetching inputs."
    )
    fetch_resolve: str = _setting(
        "",
        "Comma-separated host=address pairs that replace DNS for fetching inputs.",
    )
    rewriter_url: str = _setting(
        "",
        "Base URL of an OpenAI-compatible chat API that rewrites prompts, such as"
        " http://127.0.0.1:8000/v1. Empty: the built-in rewriter.",
    )
    rewriter_key: str = _setting("", "Key for that API. Empty: none is sent.", is_secret=True)
    rewriter_model: str = _setting("", "Model that API is asked for; needed with rewriter_url.")
    rewriter_timeout_s: float = _setting(
        15.0,
        "Longest time that rewriting one prompt may take; after it the prompt stays as it is.",
        low=0.1,
        high=600,
    )
    provenance: bool = _setting(
        True, "Whether films carry a signed C2PA manifest that says how they were made."
    )
    provenance_certificate: str = _setting(
        "",
        "PEM file of the certificate that signs films, and of those up to its authority."
        " Empty: one is made in the data folder.",
    )
    provenance_key: str = _setting("", "PEM file of the key to `provenance_certificate`.")
    webhook_timeout_s: float = _setting(
        10.0, "Longest time that a webhook's receiver may take to answer.", low=0.1, high=120
    )
    webhook_first_retry_s: float = _setting(
        5.0,
        "Wait before a failed webhook is tried again the first time; it scales all further waits.",
        low=0.05,
        high=3600,
    )
    seal_key: str = _setting(
        "",
        "Base64 of the 32 bytes that stored webhook secrets are encrypted with; the same for all"
        " processes of one database. Empty: `seal.key` in the data folder, made at first.",
        is_secret=True,
    )
    model_aliases: str = _setting(
        "sora-2=wan2.5-preview,sora-2-pro=wan2.5-preview",
        "Comma-separated name=model pairs: other names for models at POST /v1/videos.",
    )
    model_prices: str = _setting(
        "",
        "Comma-separated model=USD or model/resolution=USD pairs: what a second of video costs, in"
        " place of the catalogue's price.",
    )
    result_ttl_s: int = _setting(DAY_S, "How long a finished film can be downloaded.", low=1)
    upload_ttl_s: int = _setting(72 * HOUR_S, "How long an uploaded file is kept.", low=1)
    task_ttl_d: int = _setting(90, "Days that an ended task is kept.", low=1)
    slow_reader_s: float = _setting(
        60.0,
        "A caller who takes nothing of an answer for so long loses the connection.",
        low=1,
        high=3600,
    )
    idle_exit_s: int = _setting(
        0, "The server ends after so long without work or requests; 0: never.", low=0
    )
    log_level: str = _setting("info", "debug, info, warning or error.")

    def __post_init__(self) -> None:
        if self.log_level not in {"debug", "info", "warning", "error"}:
            raise ConfigError(
                f"log_level must be debug, info, warning or error, got {self.log_level!r}"
            )
        if self.public_url and urlsplit(self.public_url).scheme not in {"http", "https"}:
            raise ConfigError(f"public_url must be an http(s) URL, got {self.public_url!r}")
        for entry in self.trusted_networks_text:
            _network("trusted_proxies", entry)
        _pairs("fetch_resolve", self.fetch_resolve, "host=address")
        _pairs("model_aliases", self.model_aliases, "name=model")
        _pairs("model_prices", self.model_prices, "model=USD")
        if self.rewriter_url and not self.rewriter_model:
            raise ConfigError("rewriter_model must name a model where rewriter_url is set")
        if bool(self.provenance_certificate) != bool(self.provenance_key):
            raise ConfigError("provenance_certificate and provenance_key must be given together")
        if self.lease_s < 2 * self.sweep_s and self.lease_s < 1:
            raise ConfigError(f"lease_s must be at least 1 second, got {self.lease_s}")

    @property
    def prices(self) -> dict[str, str]:
        """The pairs of `model_prices`."""
        return _pairs("model_prices", self.model_prices, "model=USD")

    @property
    def model_names(self) -> dict[str, str]:
        """The pairs of `model_aliases`."""
        return _pairs("model_aliases", self.model_aliases, "name=model")

    @property
    def trusted_networks_text(self) -> tuple[str, ...]:
        """The entries of `trusted_proxies`."""
        return split_list(self.trusted_proxies)


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated setting."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(name: str, text: str, form: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for entry in split_list(text):
        left, _, right = (part.strip() for part in entry.partition("="))
        if not left or not right:
            raise ConfigError(f"{name} needs {form} pairs, got {entry!r}")
        pairs[left] = right
    return pairs


def _network(name: str, text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigError(f"{name} needs addresses or networks, got {text!r}") from error
