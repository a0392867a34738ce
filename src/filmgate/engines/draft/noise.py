"""Tileable noise and the small pieces of painting arithmetic that every scene uses.

No scene here.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

TILE_PX = 512


def tile_noise(beta: float, seed: int, size_px: int = TILE_PX) -> Floats:
    """Return tileable fractal noise, float32 [size, size] in 0..1, evenly spread.

    White noise shaped by 1/f^beta: 1.6 gives clouds, 1.1 hills, 0.5 grass.
    """
    white = np.random.default_rng(seed).standard_normal((size_px, size_px))
    spectrum = np.fft.rfft2(white)
    k = np.hypot(
        np.fft.rfftfreq(size_px)[None] * size_px, np.fft.fftfreq(size_px)[:, None] * size_px
    )
    k[0, 0] = 1
    field = np.fft.irfft2(spectrum * k**-beta * (k >= 1), s=(size_px, size_px))
    even = 1 / (1 + np.exp(-1.702 * (field - field.mean()) / field.std()))
    return even.astype(np.float32)


def sample(noise: Floats, x: ArrayLike, y: ArrayLike) -> Floats:
    """Read a noise tile at x, y (arrays of one shape, period 1), bilinearly, wrapped."""
    size = np.float32(noise.shape[0])
    at = [
        ((v - np.floor(v)) * size).astype(np.float32, copy=False)
        for v in (np.asarray(x, np.float32), np.asarray(y, np.float32))
    ]
    read = cv2.remap(noise, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return read.astype(np.float32, copy=False)


def smooth(low: float, high: float, x: ArrayLike) -> Floats:
    """Hermite step from 0 at `low` to 1 at `high` (which may be the smaller one)."""
    u = np.clip((np.asarray(x, np.float32) - low) / (high - low), 0, 1)
    return (u * u * (3 - 2 * u)).astype(np.float32)


def film(linear: ArrayLike) -> Floats:
    """Linear light to display values 0..1, with a filmic shoulder (fit of the ACES curve by K.

    Narkowicz, 2015).
    """
    c = np.maximum(np.asarray(linear, np.float32), 0)
    c = np.clip((c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14), 0, 1)
    return (np.sqrt(c) * (0.92 + 0.08 * c)).astype(np.float32)


def to_bytes(linear: ArrayLike, seed: int = 5) -> Bytes:
    """Linear BGR light [h, w, 3] to display bytes, dithered so that skies do not band."""
    display = film(linear)
    rng = np.random.default_rng(seed)
    dither = rng.uniform(-0.7, 0.7, (*display.shape[:2], 1)).astype(np.float32)
    return np.clip(display * 255 + dither + 0.5, 0, 255).astype(np.uint8)


def bgr(red: float, green: float, blue: float) -> Floats:
    """Name a linear colour the way people do and get it the way OpenCV stores it."""
    return np.array((blue, green, red), np.float32)


def fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Sub-pixel coordinates for OpenCV's drawing calls with `shift=4`, kept inside what
    OpenCV can draw.
    """
    return np.clip(np.asarray(points, np.float64) * 16, -(2**26), 2**26).astype(np.int32)


def blend(ground: Bytes, top: Bytes, alpha: Floats) -> None:
    """Lay `top` over `ground` in place; alpha float32 [h, w] in 0..1."""
    ground[:] = cv2.blendLinear(
        np.ascontiguousarray(top), np.ascontiguousarray(ground), alpha, 1 - alpha
    )
