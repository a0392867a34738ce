"""Names, writes and measures the film's file on this machine.

Never overwrites without being told to.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filmgate.cli.failure import EXIT_USAGE, CommandFailed

SLUG_CHARS_MAX = 50
SLUG_BYTES_MAX = 160
"""File systems allow 255 bytes; the end of the name and the temporary file's mark need some of
them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFacts:
    """What the file itself says."""

    width_px: int
    height_px: int
    duration_s: float


def slug(prompt: str) -> str:
    """Return the beginning of a prompt as a file name: lower case, whole words where possible, any
    script."""
    plain = unicodedata.normalize("NFKC", prompt).casefold()
    words = re.findall(r"\w+", plain.replace("_", " "))
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word
        if len(longer) > SLUG_CHARS_MAX or len(longer.encode()) > SLUG_BYTES_MAX:
            break
        name = longer
    if not name and words:
        name = words[0].encode()[:SLUG_BYTES_MAX].decode(errors="ignore")[:SLUG_CHARS_MAX]
    return name or "film"


def automatic_path(prompt: str, task_id: str) -> Path:
    """Return the file that a film goes to when nobody names one, in the current folder."""
    return Path(f"{slug(prompt)}-{task_id[-4:]}.mp4")


def check_target(path: Path, *, may_overwrite: bool) -> None:
    """Refuse, before anything is made, a target that cannot be written. Raises CommandFailed."""
    if path.is_dir():
        raise CommandFailed(f"{path} is a folder; name a file.", exit_code=EXIT_USAGE)
    if path.exists() and not may_overwrite:
        raise CommandFailed(
            f"{path} exists already.",
            advice="Choose another name, or add --overwrite.",
            exit_code=EXIT_USAGE,
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise CommandFailed(f"The folder {folder} does not exist.", exit_code=EXIT_USAGE)
    if not os.access(folder, os.W_OK):
        raise CommandFailed(f"The folder {folder} cannot be written to.", exit_code=EXIT_USAGE)


def write_film(
    target: Path,
    write: Callable[[BinaryIO], object],
    *,
    may_rename: bool = False,
    may_overwrite: bool = False,
) -> Path:
    """Have `write` fill a temporary file beside the target, then give it its name. Returns the
    final path.

    If the name has been taken: `may_rename` adds -2, -3, …; `may_overwrite` replaces; otherwise
    CommandFailed.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if may_overwrite:
            return partial.replace(target)
        return _named(partial, target, may_rename=may_rename)
    except OSError as error:
        raise CommandFailed(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _named(partial: Path, target: Path, *, may_rename: bool) -> Path:
    number = 1
    while True:
        path = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
        try:
            # Opening with O_EXCL, not exists-then-rename: two films may want one name at once.
            path.open("xb").close()
        except FileExistsError:
            if not may_rename:
                raise CommandFailed(
                    f"{path} has come to exist meanwhile.",
                    advice="The film is kept on the server: `filmgate tasks show ID`.",
                ) from None
            number += 1
            continue
        return partial.replace(path)


def film_facts(path: Path) -> FilmFacts | None:
    """Return what the file says of itself; None if it cannot be read as a film."""
    import av
    import av.error

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return None
            video = container.streams.video[0]
            duration_s = (container.duration or 0) / av.time_base
            return FilmFacts(width_px=video.width, height_px=video.height, duration_s=duration_s)
    except av.error.FFmpegError:
        return None
