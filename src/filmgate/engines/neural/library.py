"""The one door to torch, diffusers and what comes with them, opened when first needed.

They are an extra, so nothing here is typed by them: what comes through this door is `Any`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from filmgate.domain.errors import EngineFailed

EXTRA = "filmgate[neural]"


def library(name: str) -> Any:
    """Return a module of the extra. Raises EngineFailed with what to install."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise EngineFailed(
            f"this engine needs the package {package}: pip install '{EXTRA}'"
        ) from error
