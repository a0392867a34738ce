"""Draws the beginning of a finished film as a small moving picture, WebP or GIF, without sound.

It reads films that this server wrote, never a caller's file.
"""

# PyAV's stubs leave the frames of a stream open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError
from av.video.reformatter import Colorspace, VideoReformatter
from PIL import Image

from filmgate.domain.errors import EngineFailed

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.frame import VideoFrame

SECONDS_MAX = 5
FRAMES_PER_S = 8
SIDES_PX = (480, 360, 240)
"""The longest side; the next is tried where the file would be too large, and the last one kept."""
WEBP, GIF = ".webp", ".gif"
BYTES_MAX = {WEBP: 2_000_000, GIF: 4_000_000}
WEBP_QUALITY = 60
WEBP_METHOD = 2
"""The encoder's effort, 0..6: more takes twice as long for a tenth fewer bytes."""


def write_moving_preview(film: Path, target: Path) -> int:
    """Write the picture and return its size in bytes; the target's suffix names its format.

    Raises EngineFailed if the film cannot be read.
    """
    for side_px in SIDES_PX:
        _write(_frames(film, side_px), target)
        if target.stat().st_size <= BYTES_MAX[target.suffix]:
            break
    return target.stat().st_size


def _frames(film: Path, side_px: int) -> list[Image.Image]:
    frames: list[Image.Image] = []
    scaler = VideoReformatter()
    try:
        with av.open(str(film)) as box:
            stream = box.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in box.decode(stream):
                if len(frames) >= SECONDS_MAX * FRAMES_PER_S:
                    break
                if frame.time * FRAMES_PER_S >= len(frames):
                    frames.append(_small(frame, side_px, scaler))
    except (FFmpegError, IndexError) as error:
        raise EngineFailed("the film cannot be read back for a preview") from error
    if not frames:
        raise EngineFailed("the film has no frames to make a preview of")
    return frames


def _small(frame: VideoFrame, side_px: int, scaler: VideoReformatter) -> Image.Image:
    scale = min(1.0, side_px / max(frame.width, frame.height))
    small = scaler.reformat(
        frame,
        width=max(2, round(frame.width * scale / 2) * 2),
        height=max(2, round(frame.height * scale / 2) * 2),
        format="rgb24",
        interpolation="AREA",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range="MPEG",
        dst_color_range="JPEG",
    )
    return Image.fromarray(small.to_ndarray())


def _write(frames: list[Image.Image], target: Path) -> None:
    options: dict[str, Any] = {"quality": WEBP_QUALITY, "method": WEBP_METHOD}
    if target.suffix == GIF:
        frames, options = _in_one_palette(frames), {"optimize": False, "disposal": 1}
    first, *others = frames
    frame_ms = 1000 // FRAMES_PER_S
    first.save(target, save_all=True, append_images=others, duration=frame_ms, loop=0, **options)


def _in_one_palette(frames: list[Image.Image]) -> list[Image.Image]:
    """Reduce frames to 256 colours they share: a palette a frame flickers, and takes more bytes."""
    width, height = frames[0].size
    seen = frames[:: max(1, len(frames) // 8)]
    strip = Image.new("RGB", (width, height * len(seen)))
    for row, frame in enumerate(seen):
        strip.paste(frame, (0, row * height))
    palette = strip.quantize(256, method=Image.Quantize.MEDIANCUT)
    return [frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames]
