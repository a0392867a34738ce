"""A ComfyUI workflow with placeholders: the operator's "Export (API)" file, filled for one film.

    "text": "{{prompt}}, film grain"   becomes a text
    "seed": "{{seed}}"                 a placeholder alone keeps its type: a number stays one

It asks no server. What nodes do is the operator's business; what must be in the file is checked
when the server starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from filmgate.domain.errors import ConfigError

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
NAMES = frozenset(
    {"prompt", "negative_prompt", "seed", "width", "height", "frames", "fps", "duration"}
    | {"image", "name"}
)
REQUIRED = frozenset({"prompt", "seed"})
"""Without the seed, ComfyUI gives the film that it remembers."""
IMAGE = "image"

Values = Mapping[str, str | int]


class Workflow:
    """One exported workflow."""

    def __init__(self, nodes: Mapping[str, Any]) -> None:
        self._nodes = nodes

    @classmethod
    def read(cls, path: Path, *, has_image: bool) -> Workflow:
        """Read and check a file. Raises ConfigError, which names the file and the rule."""
        try:
            nodes = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"the workflow {path} cannot be read: {error}") from error
        if not isinstance(nodes, dict) or not _are_nodes(cast("Mapping[str, Any]", nodes)):
            raise ConfigError(
                f"{path} is no workflow in API format: each node needs a class_type;"
                " choose Export (API) in ComfyUI"
            )
        _check(_placeholders(nodes), path, REQUIRED | {IMAGE} if has_image else REQUIRED)
        return cls(cast("Mapping[str, Any]", nodes))

    @property
    def node_count(self) -> int:
        """How many nodes it has."""
        return len(self._nodes)

    def filled(self, values: Values) -> Mapping[str, Any]:
        """Return the workflow with every placeholder filled. `values` has all of NAMES that it
        uses.
        """
        return _filled(self._nodes, values)


def _are_nodes(nodes: Mapping[str, Any]) -> bool:
    return bool(nodes) and all(
        isinstance(node, dict) and "class_type" in node for node in nodes.values()
    )


def _check(found: frozenset[str], path: Path, required: frozenset[str]) -> None:
    for name in sorted(found - NAMES):
        raise ConfigError(f"{path}: there is no {{{{{name}}}}}, only {', '.join(sorted(NAMES))}")
    for name in sorted(required - found):
        raise ConfigError(f"{path} needs the placeholder {{{{{name}}}}} somewhere")
    if IMAGE in found and IMAGE not in required:
        raise ConfigError(f"{path} has {{{{image}}}}: it is a workflow for image-to-video")


def _placeholders(value: Any) -> frozenset[str]:
    """Every name that stands in the texts of a JSON value."""
    if isinstance(value, str):
        return frozenset(PLACEHOLDER.findall(value))
    if isinstance(value, dict):
        value = list(cast("Mapping[str, Any]", value).values())
    if isinstance(value, list):
        return frozenset[str]().union(*map(_placeholders, cast("list[Any]", value)))
    return frozenset()


def _filled(value: Any, values: Values) -> Any:
    if isinstance(value, str):
        alone = PLACEHOLDER.fullmatch(value)
        if alone is not None:
            return values[alone[1]]
        return PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)
    if isinstance(value, dict):
        return {k: _filled(v, values) for k, v in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [_filled(entry, values) for entry in cast("list[Any]", value)]
    return value
