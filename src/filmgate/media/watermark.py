"""Burns "AI Generated" into the bottom right of YUV420P frames. It changes nothing elsewhere.

painted once per size:  light letters over a soft dark halo  ->  keep, add
per frame:              pixel = (pixel * keep + add) >> 8    on that rectangle only
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from filmgate.media.cover import yuv_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT = "AI Generated"
LETTERS_OPACITY = 0.92
HALO_OPACITY = 0.62
LUMA_WHITE, LUMA_BLACK, CHROMA_NEUTRAL = 235, 16, 128


class Watermark:
    """The mark for one frame size."""

    def __init__(self, *, width_px: int, height_px: int) -> None:
        size_px = max(16, round(min(width_px, height_px) * 0.042))
        letters, halo = _painted(size_px)
        height, width = letters.shape
        margin = round(size_px * 0.35)
        left, top = (width_px - margin - width) & ~1, (height_px - margin - height) & ~1
        self.left_px, self.top_px = left, top
        self.right_px, self.bottom_px = left + width, top + height
        keep = (1 - letters) * (1 - halo)
        luma = LUMA_WHITE * letters + LUMA_BLACK * halo * (1 - letters)
        self._luma = _weights(keep, luma)
        keep = keep.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        self._chroma = _weights(keep, CHROMA_NEUTRAL * (1 - keep))

    def burn(self, frame: NDArray[np.uint8]) -> None:
        """Blend the mark into a contiguous uint8 [height * 3 / 2, width] of this size, in place."""
        luma, blue, red = yuv_planes(frame)
        rows, columns = slice(self.top_px, self.bottom_px), slice(self.left_px, self.right_px)
        _blend(luma[rows, columns], *self._luma)
        rows = slice(self.top_px // 2, self.bottom_px // 2)
        columns = slice(self.left_px // 2, self.right_px // 2)
        _blend(blue[rows, columns], *self._chroma)
        _blend(red[rows, columns], *self._chroma)


def _painted(size_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the opacities 0..1 of letters and halo, both [even height, even width]."""
    font = ImageFont.load_default(size_px)
    stroke = max(1, round(size_px / 12))
    room = stroke + round(size_px * 0.3)
    left, top, right, bottom = font.getbbox(TEXT)
    size = (_even(right - left + 2 * room), _even(bottom - top + 2 * room))
    at = (room - left, room - top)
    letters, outline = Image.new("L", size), Image.new("L", size)
    ImageDraw.Draw(letters).text(at, TEXT, font=font, fill=255)
    ImageDraw.Draw(outline).text(at, TEXT, font=font, fill=255, stroke_width=stroke)
    glow = np.asarray(outline.filter(ImageFilter.GaussianBlur(size_px / 9)), np.float64)
    crisp = np.asarray(outline.filter(ImageFilter.GaussianBlur(size_px / 40)), np.float64)
    halo = np.maximum(crisp, glow) / 255 * HALO_OPACITY
    return np.asarray(letters, np.float64) / 255 * LETTERS_OPACITY, halo


def _even(length: float) -> int:
    return (int(np.ceil(length)) + 1) & ~1


def _weights(
    keep: NDArray[np.float64], add: NDArray[np.float64]
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    # Floor, plus the rounding half: pixel * keep + add stays below 2**16 for every pixel.
    kept = np.rint(keep * 256).astype(np.uint16)
    return kept, (add * 256).astype(np.uint16) + 128


def _blend(pixels: NDArray[np.uint8], keep: NDArray[np.uint16], add: NDArray[np.uint16]) -> None:
    pixels[:] = (pixels * keep + add) >> 8
