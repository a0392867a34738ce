"""A data folder as one file and back: the embedded database, stored files, keys and certificates.
A database of the operator's own is never touched here.

    FILE.tar
      database.dump          made by pg_dump, of one moment; left out if the database is yours
      seal.key  client.key  filmgate.toml  certs/…      those that there are
      files/…                as they were copied, after that moment
      manifest.json          last: a file without it was cut off

Files are copied after the database, so that every film that the dump knows was there when the
copying began. Those that end meanwhile are skipped and named; those that are new have no record
and go with the next sweep of files without records.
"""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import shutil
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from filmgate.domain.errors import ConfigError, DatabaseAway, StorageFailed
from filmgate.store.dump import Contents, dump_database, load_database
from filmgate.store.embedded import EmbeddedPostgres
from filmgate.store.migrate import newest_migration
from filmgate.supervisor.data_folder import (
    UNFINISHED,
    DataFolder,
    must_hold_data,
    write_private,
)

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 64 * 2**20
DUMP = "database.dump"
FILES = "files"
CERTIFICATES = "certs"
SINGLE_FILES = ("seal.key", "client.key", "filmgate.toml")
INCOMING = ".incoming"
"""Below files/: what is still being written."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `database` is None if the database is the operator's own."""

    format: int
    version: str
    made_at: datetime
    database: Contents | None
    files: int
    files_bytes: int
    skipped: tuple[str, ...]
    """Stored files that ended while they were being copied."""


def backup(
    data: Path, target: Path, *, is_database_ours: bool, version: str, now: datetime
) -> Manifest:
    """Write a data folder to one file, whole or not at all, 0600; a server may run meanwhile.

    Raises ConfigError, DatabaseAway, StorageFailed.
    """
    must_hold_data(data)
    if (data / FILES).resolve() in target.resolve().parents:
        raise ConfigError(f"a backup cannot stand among the stored files, got {target}")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    dump = part.with_suffix(".dump")
    try:
        contents = _dump_embedded(data, dump) if is_database_ours else None
        manifest = _pack(data, part, dump, contents, version=version, now=now)
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageFailed(f"{target} could not be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
        dump.unlink(missing_ok=True)
    return manifest


def restore(source: Path, data: Path, *, is_database_ours: bool) -> Manifest:
    """Make a new data folder of a backup; no server starts on it before all is there.

    Raises ConfigError if the folder is not empty or the backup is cut off, of a newer release or
    not to be restored here; nothing is changed then. Raises DatabaseAway, StorageFailed.
    """
    try:
        with _opened(source) as archive:
            manifest, members = _checked(archive, source)
            if manifest.database is not None and not is_database_ours:
                raise ConfigError(
                    "this backup has a database of its own, but FILMGATE_DATABASE_URL names"
                    f" yours; unset it, or load {DUMP} from the file with pg_restore"
                )
            _refuse_used(data)
            folder = DataFolder(data)
            if not folder.lock():
                raise ConfigError(f"another command works on {data}")
            try:
                write_private(data / UNFINISHED, f"from {source}")
                _unpack(archive, members, folder, manifest)
                os.sync()
                (data / UNFINISHED).unlink()
            finally:
                folder.unlock()
    except (OSError, tarfile.TarError) as error:
        raise StorageFailed(
            f"{source} could not be restored to {data}: {error}; remove the folder and try again"
        ) from error
    return manifest


# ---------------------------------------------------------------- writing
def _dump_embedded(data: Path, dump: Path) -> Contents:
    """Dump the embedded database, which is started for the while if no server runs."""
    folder = DataFolder(data)
    embedded = EmbeddedPostgres(data, password=folder.database_password())
    is_mine = folder.lock()
    try:
        if is_mine:
            asyncio.run(embedded.start())
        return dump_database(embedded.url, dump)
    finally:
        if is_mine:
            asyncio.run(embedded.stop())
            folder.unlock()


def _pack(
    data: Path, part: Path, dump: Path, contents: Contents | None, *, version: str, now: datetime
) -> Manifest:
    skipped: list[str] = []
    count = size_bytes = 0
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            if contents is not None:
                _add(archive, DUMP, dump)
            for name in _private_files(data):
                _add(archive, name, data / name)
            for name in _stored_files(data):
                added_bytes = _add(archive, name, data / name)
                if added_bytes is None:
                    skipped.append(name)
                else:
                    count, size_bytes = count + 1, size_bytes + added_bytes
            manifest = Manifest(
                format=FORMAT,
                version=version,
                made_at=now,
                database=contents,
                files=count,
                files_bytes=size_bytes,
                skipped=tuple(skipped),
            )
            said = msgspec.json.format(msgspec.json.encode(manifest))
            archive.addfile(_member(MANIFEST, len(said), now.timestamp()), io.BytesIO(said))
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _private_files(data: Path) -> Iterator[str]:
    yield from (name for name in SINGLE_FILES if (data / name).is_file())
    for path in sorted((data / CERTIFICATES).rglob("*")):
        if path.is_file():
            yield path.relative_to(data).as_posix()


def _stored_files(data: Path) -> Iterator[str]:
    for folder, inside, names in os.walk(data / FILES):
        if INCOMING in inside:
            inside.remove(INCOMING)
        for name in sorted(names):
            yield (Path(folder) / name).relative_to(data).as_posix()


def _add(archive: tarfile.TarFile, name: str, path: Path) -> int | None:
    """Add one file and return its length in bytes; None if it is gone."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        facts = os.fstat(file.fileno())
        archive.addfile(_member(name, facts.st_size, facts.st_mtime), file)
    return facts.st_size


def _member(name: str, size_bytes: int, modified_at_s: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size_bytes, modified_at_s, 0o600
    return member


# ---------------------------------------------------------------- reading
@contextmanager
def _opened(source: Path) -> Generator[tarfile.TarFile]:
    try:
        archive = tarfile.open(source, "r:")  # noqa: SIM115 - closed below
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {source}") from error
    except tarfile.TarError as error:
        raise ConfigError(f"{source} is not a backup of filmgate: {error}") from error
    with archive:
        yield archive


def _checked(archive: tarfile.TarFile, source: Path) -> tuple[Manifest, list[tarfile.TarInfo]]:
    """Return the manifest and all other members, once they may all be taken."""
    try:
        *members, last = archive.getmembers()
        manifest = _manifest(archive, last)
    except (tarfile.TarError, msgspec.DecodeError, ValueError) as error:
        raise ConfigError(
            f"{source} is not a backup of filmgate, or was cut off: it does not end with {MANIFEST}"
        ) from error
    if manifest.format > FORMAT:
        raise ConfigError(
            f"{source} was made by filmgate {manifest.version}; restore it with that release"
        )
    if manifest.database is not None and manifest.database.schema > newest_migration():
        raise ConfigError(
            f"{source} has schema {manifest.database.schema}, this release of filmgate knows up to"
            f" {newest_migration()}; restore it with filmgate {manifest.version} or newer"
        )
    strange = [member.name for member in members if not _may_be_taken(member)]
    if strange:
        raise ConfigError(f"{source} holds what no backup does: {strange[0]!r}")
    names = {member.name for member in members}
    stored = sum(name.startswith(f"{FILES}/") for name in names)
    if stored != manifest.files or (DUMP in names) != (manifest.database is not None):
        raise ConfigError(f"{source} does not hold what its {MANIFEST} says")
    return manifest, members


def _manifest(archive: tarfile.TarFile, last: tarfile.TarInfo) -> Manifest:
    file = archive.extractfile(last) if last.name == MANIFEST else None
    if file is None or last.size > MANIFEST_BYTES_MAX:
        raise ValueError(last.name)
    return msgspec.json.decode(file.read(), type=Manifest)


def _may_be_taken(member: tarfile.TarInfo) -> bool:
    path = PurePosixPath(member.name)
    if not member.isreg() or path.is_absolute() or ".." in path.parts:
        return False
    return member.name in {DUMP, *SINGLE_FILES} or (
        len(path.parts) > 1 and path.parts[0] in {FILES, CERTIFICATES}
    )


def _refuse_used(data: Path) -> None:
    if not data.exists():
        return
    if not data.is_dir():
        raise ConfigError(f"{data} is not a folder")
    if not any(data.iterdir()):
        return
    if _is_locked(data / "server.lock"):
        raise ConfigError(f"a server runs on {data}; restore to a new folder")
    raise ConfigError(f"{data} is not empty; restore to a new folder")


def _is_locked(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _unpack(
    archive: tarfile.TarFile, members: list[tarfile.TarInfo], folder: DataFolder, manifest: Manifest
) -> None:
    for member in members:
        file = archive.extractfile(member)
        assert file is not None  # noqa: S101 - a regular member, checked
        _write(folder.path / member.name, file, member)
    folder.files.mkdir(exist_ok=True, mode=0o700)
    if manifest.database is not None:
        dump = folder.path / DUMP
        _load_embedded(folder, dump, manifest.database)
        dump.unlink()


def _write(path: Path, file: IO[bytes], member: tarfile.TarInfo) -> None:
    os.makedirs(path.parent, mode=0o700, exist_ok=True)  # noqa: PTH103 - path's parents as well
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as kept:
        shutil.copyfileobj(file, kept, 2**20)
    if path.stat().st_size != member.size:
        raise StorageFailed(f"{member.name} is cut off in the backup")
    os.utime(path, (member.mtime, member.mtime))


def _load_embedded(folder: DataFolder, dump: Path, expected: Contents) -> None:
    embedded = EmbeddedPostgres(folder.path, password=folder.database_password())
    asyncio.run(embedded.start())
    try:
        loaded = load_database(embedded.url, dump)
    finally:
        asyncio.run(embedded.stop())
    if loaded != expected:
        raise DatabaseAway(f"the restored database holds {loaded}, the backup had {expected}")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
