"""OpenCV's filters under this engine's array types, for stills. No logic here."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.noise import Bytes, Floats


def blurred(plane: NDArray[Any], sigma: float) -> Floats:
    """Return the plane or picture as float32 under a Gaussian."""
    smooth = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), sigma)
    return cast(Floats, smooth)


def reduced(plane: NDArray[Any], width: int, height: int) -> Floats:
    """Return a plane or picture as float32, each new pixel the mean of those it covers."""
    small = cv2.resize(plane.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return cast(Floats, small)


def enlarged(plane: Floats, width: int, height: int) -> Floats:
    """Return a plane or picture interpolated linearly."""
    return cast(Floats, cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR))


def dilated(mask: Bytes, size_px: int) -> Bytes:
    """Return the mask grown by a square of `size_px` (odd)."""
    return cast(Bytes, cv2.dilate(mask, np.ones((size_px, size_px), np.uint8)))


def distance_to(mask: NDArray[Any]) -> Floats:
    """Return how far, in pixels, each pixel is from the nearest where the mask is true."""
    return cast(Floats, cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 3))


def lab_of(picture: Bytes) -> Floats:
    """Return CIE Lab with channels 0..255, float32."""
    return cast(Floats, cv2.cvtColor(picture, cv2.COLOR_BGR2LAB).astype(np.float32))


def grey_of(picture: Bytes) -> Floats:
    """Return the luma, 0..255, float32."""
    return cast(Floats, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32))
