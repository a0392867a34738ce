"""SQL by name: each .sql file here holds statements, each under a line `-- name: …`."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import LiteralString, cast

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^--|\Z)", re.MULTILINE | re.DOTALL)


def load_queries(noun: str) -> dict[str, LiteralString]:
    """Return the statements of one file by name. They are ours, so they count as literals."""
    text = files("filmgate.store.queries").joinpath(f"{noun}.sql").read_text(encoding="utf-8")
    return {name: cast("LiteralString", body.strip()) for name, body in _NAMED.findall(text)}
