"""The data folder: who holds it, its secrets, and what its server says of itself. One server at a
time.

server.lock        flock'ed by the server for its life
server.json        pid, url, version of the server that is ready
client.key         token for commands of this machine's user
postgres.password  of the embedded database's role
seal.key           what stored secrets are encrypted with: not in the database, so back it up
last-request       its modification time is that of the latest request
files/             stored files          postgres/  embedded database          logs/
scratch/           what workers make on their way: of no worth once they ended
restore-unfinished while a restore makes the folder: until it is done, nothing else may use it
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import IO

import msgspec

from filmgate.domain.errors import ConfigError

PASSWORD_BYTES = 24
LOCK_TRIES_S = 1.0
UNFINISHED = "restore-unfinished"


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a ready server says of itself."""

    pid: int
    url: str
    version: str
    is_private: bool
    started_at: float


class DataFolder:
    """One data folder, made if need be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o755 if os.geteuid() == 0 else 0o700)
        self.logs = path / "logs"
        self.logs.mkdir(exist_ok=True, mode=0o700)
        self.files = path / "files"
        self.client_key = path / "client.key"
        self.last_request = path / "last-request"
        self._lock_file: IO[str] | None = None

    def lock(self) -> bool:
        """Take the folder for this process's life; False if another server has it.

        Raises ConfigError if a restore did not come to its end here.
        """
        lock_file = (self.path / "server.lock").open("a")
        deadline = time.monotonic() + LOCK_TRIES_S
        while True:
            try:
                fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # a server, or a command that only looks for an instant
                if time.monotonic() > deadline:
                    lock_file.close()
                    return False
                time.sleep(0.05)
        if (self.path / UNFINISHED).exists():
            lock_file.close()
            raise ConfigError(
                f"a restore to {self.path} did not end; remove the folder and restore again"
            )
        self._lock_file = lock_file
        (self.path / "server.json").unlink(missing_ok=True)
        return True

    def unlock(self) -> None:
        """Let go of the folder."""
        (self.path / "server.json").unlink(missing_ok=True)
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def announce(self, facts: ServerFacts) -> None:
        """Say that the server is ready."""
        write_private(self.path / "server.json", msgspec.json.encode(facts).decode())

    def database_password(self) -> str:
        """Return the embedded database's password, drawn at first."""
        path = self.path / "postgres.password"
        if not path.is_file():
            write_private(path, secrets.token_urlsafe(PASSWORD_BYTES))
        return path.read_text(encoding="ascii").strip()

    def seconds_since_request(self, now_s: float) -> float:
        """Return how long ago the latest request was; the folder's own age if there was none."""
        try:
            return now_s - self.last_request.stat().st_mtime
        except FileNotFoundError:
            return now_s - (self.path / "server.json").stat().st_mtime


def holds_data(path: Path) -> bool:
    """Whether a server, or a command that may come first, has made this data folder."""
    return (path / "files").is_dir()


def must_hold_data(path: Path) -> None:
    """Refuse a folder that filmgate never used, such as a mistyped one. Raises ConfigError."""
    if not holds_data(path):
        raise ConfigError(
            f"there is no filmgate data in {path}; name its folder with --data or FILMGATE_DATA,"
            " or start a server there with `filmgate serve`"
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all. Raises ConfigError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        part.rename(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
