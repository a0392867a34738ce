"""filmgate stop: end the server of a data folder, and wait until it has ended."""

from __future__ import annotations

import sys

from filmgate.cli.failure import CommandFailed
from filmgate.cli.options import DataOption, data_folder


def stop(data: DataOption = None) -> None:
    """End the server of the data folder. Running tasks finish or go on with the next server.

    \b
    Examples:
      filmgate stop
      filmgate stop --data /srv/filmgate
    """
    from filmgate.cli.server import end_server, is_locked, look

    folder = data_folder(data)
    running = look(folder) if is_locked(folder) else None
    if running is None:
        print(f"No server runs on {folder}.")
        return
    print(f"Stopping the server on {folder}; running tasks may finish first.", file=sys.stderr)
    if not end_server(folder, running.pid):
        raise CommandFailed(
            f"The server (process {running.pid}) is still finishing its tasks.",
            advice="Run `filmgate stop` again to go on waiting.",
        )
    print("Stopped.")
