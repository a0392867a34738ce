"""Small film files for fakes: real MP4s, and some that are not what they should be."""

# PyAV's stubs leave the stream of a packet open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np

RATE_HZ = 48_000


class FilmKind(StrEnum):
    """What a film file is like."""

    GOOD = "as ordered"
    NOT_A_FILM = "a page of HTML"
    WRONG_SIZE = "half as wide and at another rate"
    SILENT = "without sound"
    SHORT = "half as long"


@lru_cache(maxsize=16)
def film_bytes(kind: FilmKind, *, width_px: int, height_px: int, duration_s: float) -> bytes:
    """Return a film as MP4: a moving bar, and a tone unless it is silent. The same is made once."""
    if kind is FilmKind.NOT_A_FILM:
        return b"<html>this film has expired</html>"
    fps = 16 if kind is FilmKind.WRONG_SIZE else 24
    if kind is FilmKind.WRONG_SIZE:
        width_px = width_px // 4 * 2
    if kind is FilmKind.SHORT:
        duration_s /= 2
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        video = film.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width_px, height_px, "yuv420p"
        sound = None if kind is FilmKind.SILENT else film.add_stream("aac", rate=RATE_HZ)
        for index in range(round(duration_s * fps)):
            planes = np.full((height_px * 3 // 2, width_px), 128, np.uint8)
            left = index * 4 % (width_px - 8)
            planes[:height_px, left : left + 8] = 235
            film.mux(video.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        film.mux(video.encode())
        if sound is not None:
            at = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
            for start in range(0, at.size, 1024):
                tone = 0.2 * np.sin(2 * np.pi * 440 * at[None, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(tone.astype(np.float32), "fltp", "mono")
                frame.sample_rate, frame.pts = RATE_HZ, start
                frame.time_base = Fraction(1, RATE_HZ)
                film.mux(sound.encode(frame))
            film.mux(sound.encode())
    return file.getvalue()
