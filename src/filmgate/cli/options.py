"""Options that several commands share, and the settings made of them. Knows no command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from filmgate.config import Settings, read_settings

DataOption = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="DIR", help="Data folder. Default: FILMGATE_DATA, or the user's."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


def settings_with(**overrides: Any) -> Settings:
    """Read all settings; what is given here and not None wins over environment and file.

    Raises ConfigError.
    """
    settings, _ = read_settings(os.environ, overrides=overrides)
    return settings


def data_folder(data: str | None) -> Path:
    """Return the data folder in force: --data, the setting, or the default of this user.

    Absolute.
    """
    named = settings_with(data=data).data
    if named:
        return Path(named).expanduser().absolute()
    from filmgate.bootstrap import default_data_folder

    return default_data_folder()
