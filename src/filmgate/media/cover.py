"""Makes a frame fit: scaled to cover, centre-cropped, BT.709 YUV. It opens no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from filmgate.domain.errors import EngineFailed
from filmgate.ports.engine import PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

RGB_TO_LUMA = np.array([[46.742, 157.243, 15.874, 16 * 255]], np.float32) / 255
RGB_TO_CHROMA = (
    np.array([[-25.765, -86.674, 112.439, 128 * 255], [112.439, -102.129, -10.310, 128 * 255]])
    / 255
).astype(np.float32)
"""ITU-R BT.709 (06/2015), items 3.2 to 3.5, from 0..255 to the limited range of 8 bits."""


def cover_box(
    width_px: int, height_px: int, *, target_width_px: int, target_height_px: int
) -> tuple[float, float, float, float]:
    """Give the largest centred box of the target's shape.

    It is (left, top, right, bottom) in pixels of the source.
    """
    scale = min(width_px / target_width_px, height_px / target_height_px)
    # Rounding could make it larger than the source by a hair, which Pillow refuses.
    box_width = min(target_width_px * scale, width_px)
    box_height = min(target_height_px * scale, height_px)
    left, top = (width_px - box_width) / 2, (height_px - box_height) / 2
    return left, top, left + box_width, top + box_height


def yuv_frame(
    frame: NDArray[np.uint8], pixel_format: PixelFormat, *, width_px: int, height_px: int
) -> NDArray[np.uint8]:
    """Give the frame as contiguous YUV420P, uint8 [height * 3 / 2, width], BT.709 limited range.

    A frame that already is just that is handed back itself, uncopied.

    Raises EngineFailed for an array that is no frame of `pixel_format`.
    """
    _require_frame(frame, pixel_format)
    if pixel_format is PixelFormat.RGB24:
        return _yuv_from_rgb(_scaled(frame, width_px, height_px))
    source_height, source_width = frame.shape[0] * 2 // 3, frame.shape[1]
    if (source_width, source_height) == (width_px, height_px):
        return np.ascontiguousarray(frame)
    return _yuv_scaled(np.ascontiguousarray(frame), width_px, height_px)


def yuv_planes(
    frame: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Give views of the planes Y [h, w], U and V [h / 2, w / 2] of a contiguous YUV420P frame."""
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    flat = frame.reshape(-1)
    luma, chroma = height * width, height * width // 4
    return (
        flat[:luma].reshape(height, width),
        flat[luma : luma + chroma].reshape(height // 2, width // 2),
        flat[luma + chroma :].reshape(height // 2, width // 2),
    )


def _require_frame(frame: NDArray[np.uint8], pixel_format: PixelFormat) -> None:
    shape = frame.shape
    if pixel_format is PixelFormat.RGB24:
        is_frame = len(shape) == 3 and shape[2] == 3
        wanted = "uint8 [height, width, 3]"
    else:
        is_frame = len(shape) == 2 and shape[0] % 3 == 0 and shape[1] % 2 == 0
        wanted = "uint8 [height * 3 / 2, width] with even sides"
    if frame.dtype != np.uint8 or not is_frame or 0 in shape:
        message = (
            f"a {pixel_format} frame must be {wanted}, the engine gave {frame.dtype} {list(shape)}"
        )
        raise EngineFailed(message)


def _scaled(plane: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    height, width = plane.shape[:2]
    if (width, height) == (width_px, height_px):
        return plane
    box = cover_box(width, height, target_width_px=width_px, target_height_px=height_px)
    left, top, right, bottom = (round(edge) for edge in box)
    kind = cv2.INTER_AREA if right - left > width_px else cv2.INTER_CUBIC
    cropped = plane[top:bottom, left:right]
    return cv2.resize(cropped, (width_px, height_px), interpolation=kind).astype(
        np.uint8, copy=False
    )


def _yuv_scaled(frame: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    fitted = np.empty((height_px * 3 // 2, width_px), np.uint8)
    for source, target in zip(yuv_planes(frame), yuv_planes(fitted), strict=True):
        target[:] = _scaled(source, target.shape[1], target.shape[0])
    return fitted


def _yuv_from_rgb(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    fitted = np.empty((height * 3 // 2, width), np.uint8)
    luma, blue, red = yuv_planes(fitted)
    luma[:] = cv2.transform(frame, RGB_TO_LUMA)
    half = cv2.resize(frame, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.transform(half, RGB_TO_CHROMA)
    blue[:], red[:] = chroma[..., 0], chroma[..., 1]
    return fitted
