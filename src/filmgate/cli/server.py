"""Finds the server that a client command talks to, and starts a private one where none runs.

It speaks no API.

    FILMGATE_URL set ───────────────────────────────→ that server, with FILMGATE_API_KEY
    else, in the data folder, under DATA/start.lock:
      DATA/server.lock held, ready, same version ───→ that server, with the token in DATA/client.key
      held, ready, private, another version ────────→ SIGTERM, wait for the lock, start anew
      free ─────────────────────────────────────────→ start `filmgate serve --private`, wait for it

DATA/start.lock makes commands take turns, so that looking at server.lock never disturbs a server
that is about to take it, and of two first commands one starts the server while the other waits.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from filmgate import __version__
from filmgate.cli.failure import EXIT_USAGE, CommandFailed

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 120.0
STARTS_MAX = 3
POLL_S = 0.05
LOG_LINES_SHOWN = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where requests go, and the token they carry."""

    url: str
    token: str
    is_local: bool
    """Whether it is the server of a data folder on this machine."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a running server wrote about itself: DATA/server.json."""

    pid: int
    url: str
    version: str
    is_private: bool
    started_at: str | float


def chosen_server(
    environment: Mapping[str, str], data: Callable[[], Path], *, say: Callable[[str], None]
) -> tuple[Server, Callable[[], Server] | None]:
    """Return the server in force and, if it is this machine's own, how to get one again."""
    server = named_server(environment)
    if server is not None:
        return server, None
    folder = data()

    def revive() -> Server:
        return local_server(folder, say=say)

    return revive(), revive


def named_server(environment: Mapping[str, str]) -> Server | None:
    """Return the server that FILMGATE_URL names. Raises CommandFailed when its key is missing."""
    url = environment.get("FILMGATE_URL", "").rstrip("/").removesuffix("/v1")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise CommandFailed(
            f"FILMGATE_URL must begin with http:// or https://, got {url!r}", exit_code=EXIT_USAGE
        )
    token = environment.get("FILMGATE_API_KEY", "")
    if not token:
        raise CommandFailed(
            f"FILMGATE_URL is {url}, but FILMGATE_API_KEY is not set.",
            advice="Set it to a token of that server; its operator makes one with "
            "`filmgate keys create NAME`.",
            exit_code=EXIT_USAGE,
        )
    return Server(url=url, token=token, is_local=False)


def local_server(
    data: Path,
    *,
    say: Callable[[str], None],
    command: Sequence[str] = (sys.executable, "-m", "filmgate", "serve", "--private"),
) -> Server:
    """Return the data folder's server, started first if need be. `say` hears about every wait.

    `command` is what becomes the server; `--data DATA` is added to it.
    Raises CommandFailed when it does not become ready.
    """
    make_folder(data)
    with _turn(data, say):
        running = look(data)
        if running and running.version != __version__:
            _end_other_version(data, running, say)
            running = None
        if running is not None and not is_ready(running.url):
            say("waiting for the server to be ready")
            try:
                running = _wait_until_ready(data, None)
            except _Ended:
                running = None
        if running is None:
            running = _start(data, say, command)
    return Server(url=running.url.rstrip("/"), token=_client_token(data), is_local=True)


def make_folder(data: Path) -> None:
    """Make the data folder; an existing one keeps its mode.

    It is its owner's alone, except root's: the embedded database runs there as another user.
    """
    try:
        data.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        (data / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CommandFailed(
            f"The data folder {data} cannot be used: {error.strerror}.",
            advice="Name another one with --data DIR or FILMGATE_DATA.",
            exit_code=EXIT_USAGE,
        ) from error


def look(data: Path) -> Running | None:
    """Return what runs on this data folder; None when nothing does.

    A server that holds its lock but has no server.json yet is starting, and is waited for. Raises
    CommandFailed when that takes too long.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while is_locked(data):
        running = read_running(data)
        if running is not None:
            return running
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"A server holds {data / 'server.lock'} but does not say where it listens.",
                advice=f"Its log: {data / 'logs'}",
            )
        time.sleep(POLL_S)
    return None


def is_locked(data: Path) -> bool:
    """Whether a server lives on this data folder: it holds server.lock as long as it does."""
    try:
        with (data / "server.lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        pass
    except PermissionError as error:
        raise CommandFailed(
            f"{data / 'server.lock'} belongs to another user.",
            advice="Run the command as that user, or name another folder with --data.",
        ) from error
    return False


def read_running(data: Path) -> Running | None:
    """Return server.json, or None if it is missing or half written."""
    try:
        return msgspec.json.decode((data / "server.json").read_bytes(), type=Running)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def is_ready(url: str) -> bool:
    """Whether the server at `url` says that it can serve."""
    import httpx

    try:
        return httpx.get(f"{url.rstrip('/')}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def end_server(data: Path, pid: int, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Ask the server to end and wait until its lock is free.

    False if it is still there after `timeout_s`.
    """
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise CommandFailed(
            f"The server on {data} (process {pid}) belongs to another user.",
            advice="Run the command as that user.",
        ) from error
    deadline = time.monotonic() + timeout_s
    while is_locked(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


@contextmanager
def _turn(data: Path, say: Callable[[str], None]) -> Generator[None]:
    with (data / "start.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is starting the server; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _end_other_version(data: Path, running: Running, say: Callable[[str], None]) -> None:
    if not running.is_private:
        raise CommandFailed(
            f"A filmgate {running.version} server runs on {data}; this is filmgate {__version__}.",
            advice=f"It is no private server, so it is left alone. Restart process {running.pid}, "
            f"or talk to it as it is: FILMGATE_URL={running.url} with a key in FILMGATE_API_KEY.",
        )
    say(f"ending the server of filmgate {running.version}")
    if not end_server(data, running.pid):
        raise CommandFailed(
            f"The filmgate {running.version} server on {data} does not end.",
            advice=f"Process {running.pid} may be finishing a film. Try again in a minute.",
        )


def _start(data: Path, say: Callable[[str], None], command: Sequence[str]) -> Running:
    say("starting the server")
    log = data / "logs" / "server.log"
    for _ in range(STARTS_MAX):
        (data / "server.json").unlink(missing_ok=True)
        process = _spawn([*command, "--data", str(data)], log)
        try:
            return _wait_until_ready(data, process)
        except _Ended:
            continue
    raise CommandFailed(
        "The server ended while it was starting. The end of its log:\n" + _tail(log),
        advice=f"`filmgate doctor` may know why. The whole log: {log}",
    )


class _Ended(Exception):
    """The process that was to become the server has ended, and no other server is there."""


def _spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        log.chmod(0o600)
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )


def _wait_until_ready(data: Path, process: subprocess.Popen[bytes] | None) -> Running:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        running = read_running(data)
        if running and is_locked(data) and is_ready(running.url):
            return running
        has_ended = process is None or process.poll() is not None
        if has_ended and not is_locked(data):
            raise _Ended
        time.sleep(POLL_S)
    log = data / "logs" / "server.log"
    raise CommandFailed(
        f"The server was not ready after {START_TIMEOUT_S:.0f} s. Its log ends:\n{_tail(log)}",
        advice=f"`filmgate doctor` may know why. The whole log: {log}",
    )


def _client_token(data: Path) -> str:
    path = data / "client.key"
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise CommandFailed(
            f"The token for commands on this machine cannot be read from {path}: {error.strerror}.",
            advice="Set FILMGATE_URL and FILMGATE_API_KEY to use a key of your own.",
        ) from error


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:]) or "    (empty)"
