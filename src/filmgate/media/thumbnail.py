"""Draws stills of a film: one from its middle, or a sheet of many. It reads only our own films."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.frame import VideoFrame

JPEG_QUALITY = 85


def write_thumbnail(film: Path, target: Path, *, width_px: int = 640) -> None:
    """Write the frame in the middle of the film as a JPEG of that width."""
    with av.open(str(film), mode="r", format="mp4") as box:
        stream = box.streams.video[0]
        if stream.duration is None:
            raise ValueError("the film's index does not tell its length")
        middle = (stream.start_time or 0) + stream.duration // 2
        box.seek(middle, stream=stream)
        still: VideoFrame | None = None
        for frame in box.decode(stream):
            still = frame
            if frame.pts is not None and frame.pts >= middle:
                break
        if still is None:
            raise ValueError("the film has no frame in its middle")
        _save(_drawn(still, width_px), target)


def write_sprites(
    film: Path, target: Path, *, columns: int = 5, rows: int = 4, tile_width_px: int = 192
) -> None:
    """Write a JPEG sheet of frames at even distances: row by row, the first is the film's first."""
    tiles = columns * rows
    with av.open(str(film), mode="r", format="mp4") as box:
        stream = box.streams.video[0]
        stream.thread_type = "AUTO"
        wanted = [stream.frames * tile // tiles for tile in range(tiles)]
        tile_height_px = _even_height(stream.width, stream.height, tile_width_px)
        sheet = Image.new("RGB", (columns * tile_width_px, rows * tile_height_px))
        for number, frame in enumerate(box.decode(stream)):
            for tile in (tile for tile, at in enumerate(wanted) if at == number):
                corner = (tile % columns * tile_width_px, tile // columns * tile_height_px)
                sheet.paste(_drawn(frame, tile_width_px), corner)
    _save(sheet, target)


def _even_height(width_px: int, height_px: int, new_width_px: int) -> int:
    return max(2, round(height_px * new_width_px / width_px / 2) * 2)


def _drawn(frame: VideoFrame, width_px: int) -> Image.Image:
    small = frame.reformat(
        width=width_px,
        height=_even_height(frame.width, frame.height, width_px),
        format="rgb24",
        interpolation="AREA",
        src_colorspace="ITU709",
        dst_colorspace="ITU709",
        src_color_range="MPEG",
        dst_color_range="JPEG",
    )
    return Image.fromarray(small.to_ndarray())


def _save(picture: Image.Image, target: Path) -> None:
    picture.save(target, format="JPEG", quality=JPEG_QUALITY, optimize=True)
