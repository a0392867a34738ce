"""What the verbs need of the place where bytes are kept, under keys such as
`results/task_…/3/film.mp4`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What storage knows of a file."""

    key: str
    size_bytes: int
    etag: str
    modified_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """How much room the place has."""

    free_bytes: int
    total_bytes: int


class Storage(Protocol):
    """Keeps files whole: a file is visible complete, or not at all.

    All methods raise StorageFailed.
    """

    async def put_file(self, key: str, path: Path) -> StoredFile:
        """Store a local file's bytes under the key, replacing what was there.

        The local file remains.
        """
        ...

    async def put_stream(
        self, key: str, chunks: AsyncIterator[bytes], *, size_bytes_max: int
    ) -> StoredFile:
        """Store a stream. Raises PayloadTooLarge past the limit; then nothing is kept."""
        ...

    async def head(self, key: str) -> StoredFile | None:
        """Return what is known of a key, or None."""
        ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, in chunks of at most 1 MiB."""
        ...

    async def fetch_to(self, key: str, path: Path) -> None:
        """Copy a stored file to a local path."""
        ...

    async def delete(self, key: str) -> None:
        """Remove a key; it is no error if it is not there."""
        ...

    async def space(self) -> Space | None:
        """Return how much room there is; None where there is no knowing, as in a bucket."""
        ...

    async def tidy(self) -> None:
        """Remove what writes that were cut off long ago left behind."""
        ...

    def list_keys(self, prefix: str) -> AsyncIterator[StoredFile]:
        """Yield all files whose key starts with the prefix."""
        ...
