"""Small JPEGs of a film in the making, now and then. It writes no file and asks for no frame."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from filmgate.media.stills import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_PX_MAX = 320
BYTES_MAX = 20_000
QUALITIES = (70, 50, 30)
"""Tried in turn until the picture is small enough; busy pictures end at the last."""
EVERY_S = 1.0


class Previews:
    """Passes the first picture it sees on to `show`, and then at most one a second.

    May be used from several threads at once. What is no picture is passed over: a preview never
    ends the making of a film.
    """

    def __init__(
        self, show: Callable[[bytes], None], *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._show = show
        self._now_s = now_s
        self._next_s = -float("inf")
        self._lock = threading.Lock()
        self._scaler = VideoReformatter()

    def see(self, number: int, frame: NDArray[np.uint8]) -> None:  # noqa: ARG002 - a film's viewer
        """Look at an encoded frame: uint8 [height * 3 / 2, width], contiguous YUV420P."""
        if self._is_due():
            height_px, width_px = frame.shape[0] * 2 // 3, frame.shape[1]
            scale = min(1.0, SIDE_PX_MAX / max(width_px, height_px))
            small_px = max(2, round(width_px * scale / 2) * 2)
            self._pass_on(drawn(frame, small_px, self._scaler))

    def see_picture(self, picture: NDArray[np.uint8]) -> None:
        """Look at what an engine shows of itself: uint8 [height, width, 3], sRGB, of any size."""
        is_picture = picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
        if is_picture and picture.size and self._is_due():
            image = Image.fromarray(np.ascontiguousarray(picture))
            image.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX), Image.Resampling.BOX)
            self._pass_on(image)

    def _is_due(self) -> bool:
        with self._lock:
            now_s = self._now_s()
            if now_s < self._next_s:
                return False
            self._next_s = now_s + EVERY_S
            return True

    def _pass_on(self, picture: Image.Image) -> None:
        jpeg = _jpeg(picture)
        if len(jpeg) <= BYTES_MAX:
            self._show(jpeg)


def _jpeg(picture: Image.Image) -> bytes:
    """Return the picture as JPEG of at most BYTES_MAX, if some quality makes it so small."""
    written = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, format="JPEG", quality=quality)
        written = file.getvalue()
        if len(written) <= BYTES_MAX:
            break
    return written
