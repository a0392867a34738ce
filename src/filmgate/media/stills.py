"""Draws a thumbnail and a sprite sheet from frames that pass by on their way into a film.

It reads no file: decoding the finished film for them would cost a tenth of making it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
from av.video.reformatter import Colorspace, VideoReformatter
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

JPEG_QUALITY = 85


class Stills:
    """The stills of one film of `frame_count` frames.

    The sheet shows frames at even distances, row by row; its first is the film's first.
    """

    def __init__(
        self,
        frame_count: int,
        *,
        width_px: int = 640,
        columns: int = 5,
        rows: int = 4,
        tile_width_px: int = 192,
    ) -> None:
        self._width_px = width_px
        self._columns, self._rows = columns, rows
        self._tile_width_px = tile_width_px
        self._tile_scaler = VideoReformatter()  # kept: setting one up costs more than scaling
        self._middle = frame_count // 2
        self._places: dict[int, list[int]] = {}
        for tile in range(columns * rows):
            self._places.setdefault(frame_count * tile // (columns * rows), []).append(tile)
        self._thumbnail: Image.Image | None = None
        self._sheet: Image.Image | None = None

    def see(self, number: int, frame: NDArray[np.uint8]) -> None:
        """Take what is needed of frame `number`: uint8 [height * 3 / 2, width], contiguous."""
        if number == self._middle:
            self._thumbnail = drawn(frame, self._width_px, VideoReformatter())
        if number in self._places:
            picture = drawn(frame, self._tile_width_px, self._tile_scaler)
            self._add_tiles(picture, self._places[number])

    def write(self, *, thumbnail: Path, sprites: Path) -> None:
        """Write both as JPEG. Raises ValueError if the film's frames were not all seen."""
        if self._thumbnail is None or self._sheet is None:
            raise ValueError("stills need every frame of the film, some were not seen")
        for picture, target in ((self._thumbnail, thumbnail), (self._sheet, sprites)):
            picture.save(target, format="JPEG", quality=JPEG_QUALITY, optimize=True)

    def _add_tiles(self, picture: Image.Image, tiles: list[int]) -> None:
        width, height = picture.size
        if self._sheet is None:
            self._sheet = Image.new("RGB", (self._columns * width, self._rows * height))
        for tile in tiles:
            row, column = divmod(tile, self._columns)
            self._sheet.paste(picture, (column * width, row * height))


def drawn(frame: NDArray[np.uint8], width_px: int, scaler: VideoReformatter) -> Image.Image:
    """Give a small sRGB picture of a frame: uint8 [height * 3 / 2, width], contiguous YUV420P."""
    picture = av.VideoFrame.from_numpy_buffer(frame, format="yuv420p")
    small = scaler.reformat(
        picture,
        width=width_px,
        height=_even_height(picture.width, picture.height, width_px),
        format="rgb24",
        interpolation="AREA",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range="MPEG",
        dst_color_range="JPEG",
    )
    return Image.fromarray(small.to_ndarray())


def _even_height(width_px: int, height_px: int, new_width_px: int) -> int:
    return max(2, round(height_px * new_width_px / width_px / 2) * 2)
