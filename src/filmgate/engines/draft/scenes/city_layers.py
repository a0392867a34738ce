"""Laying small painted pictures over a frame, moved to parts of a pixel.

What is painted on them is not known here.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A picture (uint8) or a field of numbers (float32), where the stubs cannot follow which."""


def paste(ground: Array, top: Array, matrix: Array, strength: float = 1.0) -> None:
    """Lay premultiplied BGRA `top`, dimmed to `strength`, over `ground` in place.

    The matrix [2, 3] scales and shifts it.
    """
    cut, warped = _moved(ground, top, matrix)
    if warped is None:
        return
    keep = cv2.cvtColor(255 - warped[..., 3], cv2.COLOR_GRAY2BGR)
    roi = ground[cut]
    colour = (
        cv2.convertScaleAbs(warped[..., :3], alpha=strength) if strength < 1 else warped[..., :3]
    )
    roi[:] = cv2.add(cv2.multiply(roi, keep, scale=1 / 255), colour)


def shine(ground: Array, light: Array, matrix: Array, strength: float = 1.0) -> None:
    """Add BGR `light` to `ground` in place; the matrix [2, 3] scales and shifts it."""
    cut, warped = _moved(ground, light, matrix)
    if warped is None:
        return
    roi = ground[cut]
    roi[:] = cv2.scaleAdd(warped, strength, roi) if strength != 1.0 else cv2.add(roi, warped)


def _moved(ground: Array, top: Array, matrix: Array) -> tuple[tuple[slice, slice], Array | None]:
    h, w = ground.shape[:2]
    (a, _, left), (_, d, upper) = np.asarray(matrix, np.float64)
    x0, y0 = max(int(np.floor(left)), 0), max(int(np.floor(upper)), 0)
    x1 = min(int(np.ceil(left + a * top.shape[1])) + 1, w)
    y1 = min(int(np.ceil(upper + d * top.shape[0])) + 1, h)
    cut = (slice(y0, y1), slice(x0, x1))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return cut, None
    move = np.array([[a, 0, left - x0 + 0.5 * a - 0.5], [0, d, upper - y0 + 0.5 * d - 0.5]])
    return cut, cv2.warpAffine(top, move, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
