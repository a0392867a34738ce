"""A film on its way into a file: hidden beside its target until it is whole, then renamed to it.

    .film.mp4.3f9a…part      named after the ETag, so that whatever is there can be gone on with:
                             after a broken line by Range, and also by the next program's save

It asks no server; it hears of answers and says which bytes are still wanted.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from filmgate.client.errors import FilmBusy, UnexpectedAnswer

_SPAN = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An open, locked file for the film with this ETag."""

    path: Path
    file: BinaryIO
    etag: str


class PartialFilm:
    """The bytes so far of one film. A sink for Fetch."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part: Part | None = None
        self._total_bytes: int | None = None
        self.size_bytes = 0
        self.is_whole = False

    @property
    def headers(self) -> dict[str, str]:
        """What to ask for: the whole, or the rest if it is still the same film."""
        asked = {"Accept-Encoding": "identity"}
        if self._part is not None and self._is_resumable:
            asked |= {"Range": f"bytes={self.size_bytes}-", "If-Range": self._part.etag}
        return asked

    def opened(self, answer: httpx.Response) -> bool:
        """Return whether this answer's body is what is missing."""
        if answer.status_code == 206:
            return self._continued(answer)
        etag = answer.headers.get("etag", "")
        length = answer.headers.get("content-length", "")
        self._total_bytes = int(length) if length.isdigit() else None
        if self._part is None or self._part.etag != etag:
            self._drop()
            self._begin(etag)
            if 0 < self.size_bytes < (self._total_bytes or 0):
                return False
        self._start_over()
        return True

    def write(self, piece: bytes) -> None:
        """Add a piece."""
        self.size_bytes += self._open_part().file.write(piece)

    def ended(self) -> None:
        """Hear that an answer's body came to its proper end, and so to the film's."""
        if self._total_bytes not in {None, self.size_bytes}:
            raise UnexpectedAnswer(
                f"the film has {self._total_bytes} bytes, but {self.size_bytes} came"
            )
        self.is_whole = True

    def keep(self) -> None:
        """Give the whole film its name, safe on disk; what had the name before is replaced."""
        part = self._open_part()
        part.file.flush()
        os.fsync(part.file.fileno())
        part.path.replace(self._target)

    def close(self) -> None:
        """Let go of the file. What can be gone on with stays, for the next save."""
        is_resumable = self._is_resumable
        part, self._part = self._part, None
        if part is None:
            return
        if not self.is_whole and not is_resumable:
            part.path.unlink(missing_ok=True)
        part.file.close()

    @property
    def _is_resumable(self) -> bool:
        """Without a strong ETag nothing proves that these bytes are of the same film."""
        return self._part is not None and _is_strong(self._part.etag) and self.size_bytes > 0

    def _continued(self, answer: httpx.Response) -> bool:
        span = _SPAN.fullmatch(answer.headers.get("content-range", ""))
        if span is None or int(span[1]) != self.size_bytes:
            raise UnexpectedAnswer("the server sent another part of the film than was asked for")
        self._total_bytes = int(span[2])
        return True

    def _open_part(self) -> Part:
        if self._part is None:
            raise RuntimeError("a piece came before its answer")
        return self._part

    def _begin(self, etag: str) -> None:
        digest = hashlib.sha256(etag.encode()).hexdigest()[:12]
        path = self._target.with_name(f".{self._target.name}.{digest}.part")
        file = _locked(path, self._target)
        self._part = Part(path=path, file=file, etag=etag)
        self.size_bytes = file.seek(0, os.SEEK_END) if _is_strong(etag) else 0

    def _drop(self) -> None:
        """Throw away what belongs to another film."""
        if self._part is not None:
            self._part.path.unlink(missing_ok=True)
            self._part.file.close()
            self._part = None

    def _start_over(self) -> None:
        self._open_part().file.truncate(0)
        self.size_bytes = 0


def _is_strong(etag: str) -> bool:
    return len(etag) > 2 and etag.startswith('"')


def _locked(path: Path, target: Path) -> BinaryIO:
    """Open a file that nobody else writes."""
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        except BlockingIOError:
            file.close()
            raise FilmBusy(f"{target} is being written by another save of this film") from None
        except FileNotFoundError:
            pass
        # Another save has just given the file its name: it is a film now, and not ours to write.
        file.close()
