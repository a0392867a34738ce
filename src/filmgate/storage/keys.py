"""What a storage key looks like. It is the same for every storage, so that files can move."""

from __future__ import annotations

import re

from filmgate.domain.errors import StorageFailed

KEY_LENGTH_MAX = 512
SEGMENT_LENGTH_MAX = 200
KEY = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9._-]*(/[a-zA-Z0-9_-][a-zA-Z0-9._-]*)*")
PREFIX = re.compile(r"[a-zA-Z0-9._/-]*")


def checked_key(key: str) -> str:
    """Return the key. Raises StorageFailed if it is none.

    Segments of letters, digits, dots, underscores and hyphens, joined by slashes; none begins with
    a dot, so there is no way up, and the storage can keep files of its own in between.
    """
    segments = key.split("/")
    if (
        len(key) > KEY_LENGTH_MAX
        or max(map(len, segments)) > SEGMENT_LENGTH_MAX
        or not KEY.fullmatch(key)
    ):
        raise StorageFailed(f"a storage key must be a relative path of plain names, got {key!r}")
    return key


def checked_prefix(prefix: str) -> str:
    """Return the prefix of keys, which may end inside a name. Raises StorageFailed."""
    if not PREFIX.fullmatch(prefix) or prefix.startswith("/") or ".." in prefix.split("/"):
        raise StorageFailed(f"a prefix of storage keys must be a relative path, got {prefix!r}")
    return prefix
