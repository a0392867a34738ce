"""Which size a model makes, and how its frames become the promised size. No time, no weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.profile import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

NATIVE_ASPECT_SHARE_MAX = 0.06
"""How much of a native frame may be cut off before its trained size is given up for its shape."""
NATIVE_AREA_SHARE_MIN = 0.9
AREA_SLACK = 1.05


def size_to_make(picture: Picture, width_px: int, height_px: int) -> tuple[int, int]:
    """Return width and height on the model's grid, in the promised shape, at the model's own size.

    The promised size itself if it is native; else the smallest native size of about that shape
    that is not much smaller; else the next multiple of the grid up, as long as its area is one the
    model makes; else the same shape with the nearest such area.
    """
    native = _native_size(picture, width_px, height_px)
    if native is not None:
        return native
    grid, area_min, area_max = picture.grid_px, picture.area_min_px, picture.area_max_px
    up = (-(-width_px // grid) * grid, -(-height_px // grid) * grid)
    if area_min / AREA_SLACK <= up[0] * up[1] <= area_max * AREA_SLACK:
        return up
    area = min(max(width_px * height_px, area_min), area_max)
    scale = math.sqrt(area / (width_px * height_px))
    return (
        max(grid, round(width_px * scale / grid) * grid),
        max(grid, round(height_px * scale / grid) * grid),
    )


def _native_size(picture: Picture, width_px: int, height_px: int) -> tuple[int, int] | None:
    sizes = picture.native_sizes_px
    if (width_px, height_px) in sizes:
        return width_px, height_px
    aspect = width_px / height_px
    shaped = sorted(
        (size for size in sizes if _cut_share(size[0] / size[1], aspect) < NATIVE_ASPECT_SHARE_MAX),
        key=math.prod,
    )
    large = [s for s in shaped if math.prod(s) >= NATIVE_AREA_SHARE_MIN * width_px * height_px]
    return (large[:1] or shaped[-1:] or [None])[0]


def _cut_share(aspect: float, wanted: float) -> float:
    return 1 - min(aspect, wanted) / max(aspect, wanted)


def fitted(frame: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Return a frame, uint8 [h, w, 3], scaled to cover and cut at its centre; never stretched.

    Lanczos up, area mean down. A frame of that size is handed back itself.
    """
    height, width = frame.shape[:2]
    if (width, height) == (width_px, height_px):
        return frame
    scale = max(width_px / width, height_px / height)
    scaled_px = (max(width_px, round(width * scale)), max(height_px, round(height * scale)))
    if scaled_px != (width, height):
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
        frame = cv2.resize(frame, scaled_px, interpolation=kind).astype(np.uint8, copy=False)
    left, top = (scaled_px[0] - width_px) // 2, (scaled_px[1] - height_px) // 2
    return np.ascontiguousarray(frame[top : top + height_px, left : left + width_px])


def read_picture(path: Path, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Read a checked picture as uint8 [height_px, width_px, 3]. Raises EngineFailed."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"), np.uint8)
    except OSError as error:
        raise EngineFailed("the start image must be a readable picture, and it is not") from error
    return fitted(pixels, width_px, height_px)
