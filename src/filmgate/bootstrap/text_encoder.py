"""The process of `filmgate text-encoder`: reads the prompts of all workers of a machine."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from filmgate.bootstrap.adapters import configured_engines
from filmgate.bootstrap.process import set_up_logs, stop_on_signals
from filmgate.config import Settings
from filmgate.domain.errors import ConfigError

if TYPE_CHECKING:
    from filmgate.engines.neural.text_server import TextServer


def run_text_encoder(settings: Settings, *, on_ready: Callable[[Path], None]) -> None:
    """Load the text encoders of the weights that settings name, and answer until told to stop.

    `on_ready` hears at which socket. Raises ConfigError, EngineFailed.
    """
    from filmgate.engines.neural.options import options_from
    from filmgate.engines.neural.text_server import TextServer, load_encoders

    set_up_logs(settings)
    path = _free_place(settings.neural_text_encoder_socket)
    engines = configured_engines(settings)
    if not engines:
        raise ConfigError("wan_model, wan_image_model or ltx2_model must name weights; none does")
    encoders = [
        encoder
        for engine in engines
        for encoder in load_encoders(engine, options_from(engine, asdict(settings)))
    ]
    asyncio.run(_answer(TextServer(encoders), path, on_ready))


async def _answer(server: TextServer, path: Path, on_ready: Callable[[Path], None]) -> None:
    stop = stop_on_signals()
    with listening(path) as listener:
        on_ready(path)
        await server.serve(listener, stop)


@contextmanager
def listening(path: Path) -> Generator[socket.socket]:
    """Lend a Unix socket that only this user may connect to; it is removed at the end.

    One that nobody listens at is replaced. Raises ConfigError.
    """
    _free_place(str(path)).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError as error:
            raise ConfigError(
                f"neural_text_encoder_socket {str(path)!r}: {error.strerror or error}"
            ) from error
        finally:
            os.umask(mask)
        try:
            listener.listen()
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _free_place(named: str) -> Path:
    """Return where a socket may be made: nobody else can put another in its place."""
    from filmgate.engines.neural.shared_reader import is_listening

    setting = "neural_text_encoder_socket"
    if not named:
        raise ConfigError(f"{setting} must name a Unix socket, and is not set")
    path = Path(named).expanduser().absolute()
    if not path.parent.is_dir():
        raise ConfigError(f"{setting} must lie in a folder, and {str(path.parent)!r} is none")
    folder = path.parent.stat()
    if folder.st_uid not in {0, os.geteuid()} or folder.st_mode & 0o022:
        raise ConfigError(
            f"{setting} must lie in a folder that only you may write to; others may write to"
            f" {str(path.parent)!r}"
        )
    if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
        raise ConfigError(f"{setting} must name a socket, and {str(path)!r} is something else")
    if is_listening(path):
        raise ConfigError(f"a text encoder listens at {str(path)!r} already")
    return path
