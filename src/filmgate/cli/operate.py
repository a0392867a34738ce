"""Runs one verb over the database of a data folder, for the commands of operators.

Knows no command. A folder that filmgate never used is most often a mistyped one: it is refused,
except for verbs that may come before the first server.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filmgate.cli.options import data_folder, settings_with
from filmgate.config import Settings

if TYPE_CHECKING:
    from filmgate.service.deps import Deps

T = TypeVar("T")


def run(
    data: str | None, verb: Callable[[Deps], Awaitable[T]], *, may_come_first: bool = False
) -> T:
    """Run a verb over the data folder's database and return what it gives.

    With `may_come_first` a new folder is made and told of, else it is refused. Raises ConfigError.
    """
    from filmgate.bootstrap import silent_logs

    settings = settings_with(data=data)
    checked_folder(data, may_come_first=may_come_first)
    with silent_logs():
        return asyncio.run(_run(settings, verb))


def checked_folder(data: str | None, *, may_come_first: bool = False) -> Path:
    """Return the data folder in force, which filmgate has used before; else see run().

    Raises ConfigError.
    """
    from filmgate.supervisor.data_folder import holds_data, must_hold_data

    folder = data_folder(data)
    if not may_come_first:
        must_hold_data(folder)
    elif not holds_data(folder):
        print(f"{folder} is a new data folder; no server has used it yet.", file=sys.stderr)
    return folder


async def _run(settings: Settings, verb: Callable[[Deps], Awaitable[T]]) -> T:
    from filmgate.bootstrap import operator

    async with operator(settings) as deps:
        return await verb(deps)
