"""Keeps files in a folder of this machine; it signs nothing and knows no expiry.

    <root>/results/task_…/3/film.mp4     the files, 0600, in folders 0700
    <root>/.incoming/<random>            files being written; leftovers of a crash go after a day

A file is written beside the others, fsynced, renamed and its folder fsynced: after a power cut it
is there complete or not at all. That is why this module does its own I/O, in threads: obstore's
local store promises neither the fsync nor the modes. A thread may outlive a cancelled call, so
writes open the file anew each time and share no handle; a reader's thread can only read in vain.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import secrets
import shutil
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

from filmgate.domain.errors import PayloadTooLarge, StorageFailed
from filmgate.ports.storage import Space, StoredFile
from filmgate.storage.keys import checked_key, checked_prefix

CHUNK_BYTES = 2**20
WRITTEN_AT_A_TIME_BYTES = 2**18
LISTED_AT_A_TIME = 500
LEFTOVER_S = 24 * 3600
PUBLISH_TRIES_MAX = 8
INCOMING = ".incoming"


class LocalStorage:
    """A ports.storage.Storage on a folder. ETags come unquoted and change with every write."""

    def __init__(self, root: Path) -> None:
        """Make the folder if need be; an existing one keeps its mode. Raises StorageFailed."""
        self._root = root.absolute()
        self._incoming = self._root / INCOMING
        try:
            _make_folder(self._incoming)
            _remove_leftovers(self._incoming)
        except OSError as error:
            raise _failed("opened", error) from error

    async def put_file(self, key: str, path: Path) -> StoredFile:
        """Store a copy of a local file."""
        target = self._path(key)
        part = self._part()
        try:
            await asyncio.to_thread(_copy, path, part)
            return await asyncio.to_thread(self._publish, part, key, target)
        except OSError as error:
            raise _failed("written", error) from error
        finally:
            part.unlink(missing_ok=True)

    async def put_stream(
        self, key: str, chunks: AsyncIterator[bytes], *, size_bytes_max: int
    ) -> StoredFile:
        """Store a stream, holding about a quarter of a MiB of it at a time."""
        target = self._path(key)
        part = self._part()
        try:
            await self._receive(chunks, part, size_bytes_max)
            return await asyncio.to_thread(self._publish, part, key, target)
        except OSError as error:
            raise _failed("written", error) from error
        finally:
            part.unlink(missing_ok=True)

    async def head(self, key: str) -> StoredFile | None:
        """Return what is known of a key, or None."""
        path = self._path(key)
        try:
            return await asyncio.to_thread(_stored, key, path)
        except OSError as error:
            if _is_missing(error):
                return None
            raise _failed("read", error) from error

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes. The file is opened once: deleting it does not disturb this reader."""
        path = self._path(key)
        try:
            file = await asyncio.to_thread(path.open, "rb", buffering=0)
        except OSError as error:
            raise _failed("read", error) from error
        try:
            place = start
            while end is None or place < end:
                wanted = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - place)
                chunk = await asyncio.to_thread(os.pread, file.fileno(), wanted, place)
                if not chunk:
                    return
                place += len(chunk)
                yield chunk
        except OSError as error:
            raise _failed("read", error) from error
        finally:
            file.close()

    async def fetch_to(self, key: str, path: Path) -> None:
        """Copy a stored file to a local path, whole or not at all."""
        source = self._path(key)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            _make_file(part)
            await asyncio.to_thread(_copy, source, part)
            await asyncio.to_thread(part.replace, path)
        except OSError as error:
            raise _failed("read", error) from error
        finally:
            part.unlink(missing_ok=True)

    async def delete(self, key: str) -> None:
        """Remove a key, and the folders that this leaves empty."""
        path = self._path(key)
        try:
            await asyncio.to_thread(self._remove, path)
        except OSError as error:
            if not _is_missing(error):
                raise _failed("deleted", error) from error

    async def space(self) -> Space | None:
        """Return how much room the folder's disk has."""
        try:
            usage = await asyncio.to_thread(shutil.disk_usage, self._root)
        except OSError as error:
            raise _failed("measured", error) from error
        return Space(free_bytes=usage.free, total_bytes=usage.total)

    async def tidy(self) -> None:
        """Remove what is in the way to being written since a day."""
        try:
            await asyncio.to_thread(_remove_leftovers, self._incoming)
        except OSError as error:
            raise _failed("opened", error) from error

    async def list_keys(self, prefix: str) -> AsyncIterator[StoredFile]:
        """Yield all files whose key starts with the prefix, in the order of their keys."""
        found = self._walk(checked_prefix(prefix))
        while True:
            try:
                some = await asyncio.to_thread(_some, found)
            except OSError as error:
                raise _failed("listed", error) from error
            for stored in some:
                yield stored
            if len(some) < LISTED_AT_A_TIME:
                return

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _part(self) -> Path:
        """Make a file to write to: at once, so that no thread makes it after it was removed."""
        part = self._incoming / secrets.token_hex(16)
        try:
            _make_folder(self._incoming)
            _make_file(part)
        except OSError as error:
            raise _failed("written", error) from error
        return part

    async def _receive(self, chunks: AsyncIterator[bytes], part: Path, size_bytes_max: int) -> None:
        waiting = bytearray()
        size_bytes = 0
        async for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > size_bytes_max:
                raise PayloadTooLarge(f"the file must be at most {size_bytes_max} bytes, got more")
            waiting += chunk
            if len(waiting) >= WRITTEN_AT_A_TIME_BYTES:
                await asyncio.to_thread(_append, part, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(_append, part, bytes(waiting))

    def _publish(self, part: Path, key: str, target: Path) -> StoredFile:
        """Make a written file visible. Its folder may be removed as empty meanwhile: then again."""
        _sync(part)
        stored = _stored(key, part)
        for tries_left in reversed(range(PUBLISH_TRIES_MAX)):
            try:
                _make_folder(target.parent)
                part.replace(target)
                break
            except FileNotFoundError:
                if not tries_left or not part.exists():
                    raise
        with suppress(FileNotFoundError):
            _sync(target.parent)
        return stored

    def _remove(self, path: Path) -> None:
        path.unlink()
        for folder in path.parents:
            if folder == self._root:
                return
            try:
                folder.rmdir()
            except OSError as error:
                if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                    return
                raise

    def _walk(self, prefix: str) -> Iterator[StoredFile]:
        folder, _, _ = prefix.rpartition("/")
        yield from self._walk_folder(self._root / folder, f"{folder}/" if folder else "", prefix)

    def _walk_folder(self, folder: Path, above: str, prefix: str) -> Iterator[StoredFile]:
        """Walk in the order of keys; what vanishes meanwhile is left out."""
        try:
            with os.scandir(folder) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            if _is_missing(error):
                return
            raise
        for name, is_folder in sorted((f"{n}/" if d else n, d) for n, d in found):
            key = above + name
            if name.startswith(".") or not (key.startswith(prefix) or prefix.startswith(key)):
                continue
            if is_folder:
                yield from self._walk_folder(folder / name, key, prefix)
                continue
            try:
                yield _stored(key, folder / name)
            except FileNotFoundError:
                continue


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each 0700 and known to the disk."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def _remove_leftovers(folder: Path) -> None:
    oldest_s = time.time() - LEFTOVER_S
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()


def _make_file(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _copy(source: Path, part: Path) -> None:
    with source.open("rb") as reader, part.open("r+b") as writer:
        shutil.copyfileobj(reader, writer, WRITTEN_AT_A_TIME_BYTES)


def _append(part: Path, chunk: bytes) -> None:
    with part.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(chunk)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stored(key: str, path: Path) -> StoredFile:
    """Say what is known of a file. Raises FileNotFoundError for what is no regular file."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return StoredFile(
        key=key,
        size_bytes=found.st_size,
        etag=f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}",
        modified_at_s=found.st_mtime,
    )


def _some(found: Iterator[StoredFile]) -> list[StoredFile]:
    return list(itertools.islice(found, LISTED_AT_A_TIME))


def _is_missing(error: OSError) -> bool:
    return error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


def _failed(done: str, error: OSError) -> StorageFailed:
    """Name the system's error by its symbol only: its text would hold a path."""
    symbol = errno.errorcode.get(error.errno or 0, "unknown")
    return StorageFailed(f"the storage could not be {done} ({symbol})")
