"""filmgate config: every setting in force, where its value came from, and what it means.

Changes nothing.
"""

from __future__ import annotations

import os
from dataclasses import asdict

import msgspec

from filmgate.cli.options import DataOption, JsonOption
from filmgate.config import read_settings


def config(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show every setting: its value, where the value came from, and its meaning.

    \b
    Examples:
      filmgate config
      FILMGATE_PORT=9000 filmgate config
      filmgate config --json
    """
    _, origins = read_settings(os.environ, overrides={"data": data})
    if as_json:
        print(msgspec.json.encode([asdict(origin) for origin in origins]).decode())
        return
    from filmgate.cli.table import print_table

    print_table(
        ["setting", "value", "from", "meaning"],
        [[o.name, o.value or "–", o.source, o.doc] for o in origins],
    )
