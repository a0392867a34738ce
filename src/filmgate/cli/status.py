"""filmgate status: whether a server runs on a data folder, where, and whether it is ready.

Starts none.
"""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from filmgate.cli.failure import EXIT_FAILED, EXIT_NOT_RUNNING
from filmgate.cli.options import DataOption, data_folder


def status(data: DataOption = None) -> None:
    """Say whether a server runs. Exit status 0: it is ready; 1: not ready; 3: none runs.

    \b
    Examples:
      filmgate status
      filmgate status --data /srv/filmgate
    """
    from filmgate.cli.server import is_locked, is_ready, read_running
    from filmgate.cli.table import print_facts

    folder = data_folder(data)
    if not is_locked(folder):
        print_facts([("server", "not running"), ("data", str(folder))], title="filmgate")
        raise typer.Exit(EXIT_NOT_RUNNING)
    running = read_running(folder)
    if running is None:
        print_facts([("server", "starting"), ("data", str(folder))], title="filmgate")
        raise typer.Exit(EXIT_FAILED)
    is_serving = is_ready(running.url)
    kind = "private, ends when idle" if running.is_private else "serves until it is stopped"
    print_facts(
        [
            ("server", "ready" if is_serving else "not ready"),
            ("url", running.url),
            ("kind", kind),
            ("version", running.version),
            ("process", str(running.pid)),
            ("since", _since(running.started_at)),
            ("data", str(folder)),
        ],
        title="filmgate",
    )
    raise typer.Exit(0 if is_serving else EXIT_FAILED)


def _since(started_at: str | float) -> str:
    if isinstance(started_at, str):
        return started_at
    return f"{datetime.fromtimestamp(started_at, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
