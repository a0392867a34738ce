"""Reads a film that somebody else made as footage: decoded, timed anew, its sound at 48 kHz. It
encodes nothing.

    file ─ first bytes ─→ mp4 or webm ─┬→ frames by their times, at our rate, the last one held
                                       └→ first sound track → 48 kHz stereo, cut or padded

Its sides are left as they are: the encoder covers and crops (media/cover.py). Nothing that the file
says of itself is believed but the times of its frames.
"""

# PyAV's stubs leave much of a stream open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from filmgate.domain.errors import EngineFailed
from filmgate.ports.engine import SOUND_RATE_HZ, Brief, Observer, PixelFormat, Source

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

SIDE_MIN_PX, SIDE_MAX_PX = 64, 4096
SHORT_SHARE_MAX = 0.1
"""Share of the length that may be missing and is filled with the last frame."""
SAME_TIME_S = 1e-3


class DeliveredFilm:
    """An engine whose one film lies there already; see `filmgate.ports.engine.Engine`."""

    version = "upstream"

    def __init__(self, path: Path, *, name: str, source: Source) -> None:
        self._path, self.name, self.source = path, name, source

    def make(self, brief: Brief, observer: Observer) -> FilmFootage:  # noqa: ARG002 - frames tell
        """Begin to read it."""
        return FilmFootage(self._path, brief)


class FilmFootage:
    """The footage of a finished film, for one brief; see `filmgate.ports.engine.Footage`."""

    pixel_format = PixelFormat.YUV420P

    def __init__(self, path: Path, brief: Brief) -> None:
        self._path, self._brief = path, brief

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the brief's number of frames, each the film's at that time.

        Raises EngineFailed for a file that is no film, of odd sides, or much too short.
        """
        brief, given = self._brief, 0
        shown: NDArray[np.uint8] | None = None
        end_s = 0.0
        with _opened(self._path) as film:
            for at_s, lasts_s, frame in _timed(film):
                while shown is not None and given < brief.frame_count:
                    if given / brief.fps + SAME_TIME_S >= at_s:
                        break
                    yield shown
                    given += 1
                if given == brief.frame_count:
                    return
                shown, end_s = _planes(frame), at_s + lasts_s
        if shown is None:
            raise EngineFailed("the film holds no picture")
        if end_s < brief.duration_s * (1 - SHORT_SHARE_MAX):
            raise EngineFailed(f"it lasts {end_s:.2f} s, {brief.duration_s} were ordered")
        for _ in range(brief.frame_count - given):
            yield shown

    def sound(self) -> NDArray[np.float32] | None:
        """Return its first sound track, float32 [2, sample_count], or None if it has none."""
        count = self._brief.sample_count
        track = np.zeros((2, count), np.float32)
        filled = 0
        with _opened(self._path) as film:
            if not film.streams.audio:
                return None
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND_RATE_HZ)
            for decoded in film.decode(film.streams.audio[0]):
                for piece in resampler.resample(decoded):
                    samples = piece.to_ndarray()[:, : count - filled]
                    track[:, filled : filled + samples.shape[1]] = samples
                    filled += samples.shape[1]
                if filled == count:
                    break
        return np.clip(np.nan_to_num(track), -1, 1)


def _timed(film: InputContainer) -> Iterator[tuple[float, float, VideoFrame]]:
    """Yield start, length and picture of each frame; the first one starts at zero."""
    stream = film.streams.video[0]
    stream.thread_type = "AUTO"
    rate = float(stream.average_rate or stream.guessed_rate or 24)
    first_s: float | None = None
    for index, frame in enumerate(film.decode(stream)):
        start_s = float(frame.time) if frame.pts is not None else index / rate
        first_s = start_s if first_s is None else first_s
        yield start_s - first_s, 1 / rate, frame


def _planes(frame: VideoFrame) -> NDArray[np.uint8]:
    """Give a frame as contiguous YUV420P in BT.709 limited range, its sides made even."""
    sides = frame.width, frame.height
    if not all(SIDE_MIN_PX <= side <= SIDE_MAX_PX for side in sides):
        raise EngineFailed(
            f"its sides must be {SIDE_MIN_PX} to {SIDE_MAX_PX} px, it is {sides[0]}×{sides[1]}"
        )
    plain = frame.reformat(
        width=frame.width // 2 * 2,
        height=frame.height // 2 * 2,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
    )
    return plain.to_ndarray().astype(np.uint8, copy=False)


@contextmanager
def _opened(path: Path) -> Generator[InputContainer]:
    """Open as the one format that its first bytes say, so that no other demuxer sees them."""
    with path.open("rb") as file:
        head = file.read(12)
    kind = "mov" if head[4:8] == b"ftyp" else "matroska" if head[:4] == b"\x1aE\xdf\xa3" else None
    if kind is None:
        raise EngineFailed("it is neither an MP4 nor a WebM file")
    try:
        with av.open(str(path), format=kind) as film:
            if not film.streams.video:
                raise EngineFailed("the film holds no picture")
            yield film
    except FFmpegError as error:
        raise EngineFailed(f"it cannot be decoded: {error.strerror}") from error
