"""filmgate: one gate for every video request, any engine behind it, no accepted task ever lost.

The Python client stands here as filmgate.Client and filmgate.AsyncClient; it is loaded when asked
for, because every process of the server imports this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filmgate.client import AsyncClient, Client

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "__version__"]

_OF_CLIENT = frozenset({"AsyncClient", "Client"})


def __getattr__(name: str) -> object:
    if name not in _OF_CLIENT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("filmgate.client"), name)
