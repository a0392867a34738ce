"""The operator's weights: a folder, or a repository that was downloaded before. Fetches nothing."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library

INDEX = "model_index.json"
HEADER_BYTES_MAX = 100 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A folder in diffusers' layout, and what tells its model from others."""

    folder: Path
    facts: dict[str, Any]


def find_weights(source: str) -> Weights:
    """Return the weights that a setting names, without the network. Raises EngineFailed."""
    folder = _folder(source)
    index = read_json(folder / INDEX)
    if not index:
        raise EngineFailed(f"the weights {_shown(source)} have no readable {INDEX}")
    return Weights(folder=folder, facts=_facts(folder, index))


def find_part(source: str, name: str) -> Path:
    """Return the folder of one model that a setting names, or that stands as part `name` in what
    it names, with OWNER/NAME/PART for OWNER/NAME; without the network. Raises EngineFailed.
    """
    whole = _folder(re.sub(rf"/{name}(?=@|$)", "", source), f"{name}/config.json")
    folder = whole / name if (whole / name).is_dir() else whole
    if not (folder / "config.json").is_file() or (folder / INDEX).is_file():
        raise EngineFailed(f"the weights {_shown(source)} have no {name}/")
    return folder


def _folder(source: str, file: str = INDEX) -> Path:
    """Return the folder of the weights that have this file."""
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    name, _, revision = source.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or name.startswith("."):
        raise EngineFailed(f"the weights {_shown(source)} are no folder and no repository's id")
    # Not the whole snapshot: repositories hold other forms of the same weights, which nobody needs.
    found = library("huggingface_hub").try_to_load_from_cache(name, file, revision=revision or None)
    if not isinstance(found, str):
        part = "" if file == INDEX else f"/{Path(file).parent}"
        advice = f"`filmgate models pull {name}{part}{revision and f'@{revision}'}` gets them"
        raise EngineFailed(f"the weights {source} are not on this machine; {advice}")
    return Path(found.removesuffix(file))


def _shown(source: str) -> str:
    """Callers see messages, but need not learn where things lie on this machine."""
    return repr(Path(source).name or source)


def read_json(path: Path) -> dict[str, Any]:
    """Return an object of a JSON file; empty if it is none."""
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _facts(folder: Path, index: dict[str, Any]) -> dict[str, Any]:
    transformer = read_json(folder / "transformer" / "config.json")
    return {
        "pipeline": index.get("_class_name", ""),
        "expand_timesteps": bool(index.get("expand_timesteps", False)),
        "has_two_transformers": _is_there(index.get("transformer_2")),
        "has_duration_head": _is_there(index.get("duration_head")),
        "heads": transformer.get("num_attention_heads", 0),
        "channels": transformer.get("in_channels", 0),
        "has_prompt_modulation": bool(transformer.get("cross_attn_mod", False)),
    }


def _is_there(component: object) -> bool:
    return isinstance(component, list) and bool(cast("list[object]", component)[1:2] != [None])


def faults_of(folder: Path, *, transformer: str = "") -> Iterator[str]:
    """Yield what is missing or cut off in a folder of weights, one line each. `transformer` names
    the part that stands for the one of that name.
    """
    index = read_json(folder / INDEX)
    if not index:
        yield f"{INDEX} is missing or unreadable"
    for name, component in index.items():
        if name.startswith("_") or not _is_there(component):
            continue
        part = (transformer or name) if name == "transformer" else name
        if not (folder / part).is_dir():
            yield f"{part}/ is missing"
            continue
        yield from faults_in(folder / part)


def faults_in(folder: Path) -> Iterator[str]:
    """Yield what is missing or cut off in one part, one line each."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        shards = cast("dict[str, str]", read_json(index).get("weight_map", {}))
        for shard in sorted(set(shards.values())):
            if not (folder / shard).is_file():
                yield f"{folder.name}/{shard} is missing"
    for file in sorted(folder.glob("*.safetensors")):
        if is_cut_off(file):
            yield f"{folder.name}/{file.name} is cut off or damaged"
    is_model = (folder / "config.json").is_file()
    if is_model and not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        yield f"{folder.name}/ has no weights"


def is_cut_off(file: Path) -> bool:
    """Whether a safetensors file is not as long as it says."""
    return file.stat().st_size != _said_bytes(file)


def _said_bytes(file: Path) -> int:
    """Return how long a safetensors file says that it is; -1 if it says nothing readable."""
    with file.open("rb") as opened:
        start = opened.read(8)
        if len(start) < 8:
            return -1
        (header_bytes,) = struct.unpack("<Q", start)
        if header_bytes > HEADER_BYTES_MAX:
            return -1
        try:
            header: dict[str, Any] = json.loads(opened.read(header_bytes))
        except ValueError:
            return -1
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return 8 + header_bytes + max(ends, default=0)
