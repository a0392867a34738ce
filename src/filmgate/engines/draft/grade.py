"""From a painted picture to a delivered frame: bloom, vignette, roll, scale, planes, film grain.

It paints nothing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.look import Picture
from filmgate.engines.draft.noise import Bytes, Floats

_LUMA = np.array([[0.0722, 0.7152, 0.2126, 0]]) * (219 / 255) + np.array([[0, 0, 0, 16]])
_CHROMA = (
    np.array([[0.5, -0.3854, -0.1146, 0]]) * (224 / 255) + np.array([[0, 0, 0, 128]]),
    np.array([[-0.0458, -0.4542, 0.5, 0]]) * (224 / 255) + np.array([[0, 0, 0, 128]]),
)
"""BGR to Y and to U, V (ITU-R BT.709, limited range); OpenCV's own I420 conversion is BT.601."""

_GRAIN_SLACK_PX = 96
_GRAIN_ZERO = 12
_NO_GRAIN = np.full(4, float(_GRAIN_ZERO))
_DULL = np.full(4, 205.0)
"""Display values up to this spill nothing into the lens."""


class Grade:
    """The lab: the same treatment for every frame of a clip.

    Args:
        size_px: (width, height) of the delivered frame; both even.
        inner_px: (width, height) of the painted pictures.
        roll_max: the largest roll of the shot; the picture is magnified, evenly, by what it takes
            to hide the corners.
        has_grain: add film grain to the luma.
    """

    def __init__(
        self,
        size_px: tuple[int, int],
        inner_px: tuple[int, int],
        *,
        seed: int,
        roll_max: float = 0.0,
        has_grain: bool = True,
    ) -> None:
        self._size, self._inner = size_px, inner_px
        self._cover = _cover(inner_px, roll_max)
        self._has_roll = roll_max > 0
        self._vignette = _vignette(inner_px)
        self._grain = _grain(size_px, seed) if has_grain else None

    def planes(self, picture: Picture, roll: float, index: int) -> Bytes:
        """Return frame `index` as uint8 [height * 3 / 2, width]: planes Y, U, V."""
        image = self._lit(picture)
        if self._has_roll:
            image = self._rolled(image, roll)
        width, height = self._size
        frame = np.empty((height * 3 // 2, width), np.uint8)
        y = cv2.transform(image, _LUMA)
        if self._size != self._inner:
            y = cv2.resize(y, self._size, interpolation=cv2.INTER_CUBIC)
        if self._grain is None:
            frame[:height] = y
        else:
            a, b = index * 37 % _GRAIN_SLACK_PX, index * 61 % _GRAIN_SLACK_PX
            grained = cv2.add(y, self._grain[a : a + height, b : b + width])
            cv2.subtract(grained, _NO_GRAIN, frame[:height])
        half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_LINEAR)
        chroma = frame[height:].reshape(2, height // 2, width // 2)
        for plane, matrix in zip(chroma, _CHROMA, strict=True):
            cv2.transform(half, matrix, plane)
        return frame

    def _lit(self, picture: Picture) -> Bytes:
        """Add what lamps and highlights spill into the lens, then darken the corners."""
        image = picture.image
        width, height = self._inner
        small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        bright = cv2.subtract(small, _DULL)
        if picture.glow is not None:
            bright = cv2.add(bright, picture.glow)
        tiny = cv2.resize(bright, (width // 16, height // 16), interpolation=cv2.INTER_AREA)
        wide = cv2.resize(cv2.GaussianBlur(tiny, (0, 0), 3), (width // 4, height // 4))
        near = cv2.GaussianBlur(bright, (0, 0), 0.011 * math.sqrt(width * height) / 4)
        bloom = cv2.addWeighted(near, 0.8, wide, 1.3, 0)
        lit = cv2.add(image, cv2.resize(bloom, self._inner))
        return cv2.multiply(lit, self._vignette, scale=1 / 255)  # type: ignore[return-value]

    def _rolled(self, image: Bytes, roll: float) -> Bytes:
        width, height = self._inner
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), math.degrees(roll), self._cover)
        return cv2.warpAffine(  # type: ignore[return-value]
            image, turn, self._inner, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )


def _cover(size_px: tuple[int, int], roll: float) -> float:
    """How much a picture must be magnified so that turning it shows no corner."""
    ratio = max(size_px) / min(size_px)
    return math.cos(roll) + ratio * math.sin(abs(roll))


def _vignette(size_px: tuple[int, int]) -> Bytes:
    width, height = size_px
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    corner = ((x / width - 0.5) * 2) ** 2 * 0.55 + ((y / height - 0.5) * 2) ** 2 * 0.45
    shade: Floats = 255 * (1 - 0.30 * corner**1.35)
    return cv2.merge([shade.astype(np.uint8)] * 3)  # type: ignore[return-value]


def _grain(size_px: tuple[int, int], seed: int) -> Bytes:
    """Film grain around `_GRAIN_ZERO`, spread 2.2 of 255; each frame takes another part of it."""
    shape = size_px[1] + _GRAIN_SLACK_PX, size_px[0] + _GRAIN_SLACK_PX
    white = np.random.default_rng((seed, 0x67)).standard_normal(shape, np.float32)
    soft = np.asarray(cv2.GaussianBlur(white, (0, 0), 0.55))
    grain = np.clip(soft * (2.2 / soft.std()), -_GRAIN_ZERO, _GRAIN_ZERO) + _GRAIN_ZERO
    return grain.round().astype(np.uint8)
