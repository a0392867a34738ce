"""A cat (or a dog of the same build), painted at one moment of its gait. It knows no meadow."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from filmgate.engines.draft.noise import Bytes, blend, fixed, tile_noise
from filmgate.engines.draft.scenes.meadow_coat import Coat, mixed
from filmgate.engines.draft.scenes.meadow_fur import (
    Easel,
    Lamp,
    Points,
    by,
    curve,
    girth,
    tube,
)
from filmgate.engines.draft.scenes.meadow_gait import Gait, Stance, stance_at
from filmgate.engines.draft.scenes.meadow_head import Head

_At = Callable[[Points], Points]
"""From body lengths to pixels of the patch."""

_LEFT, _RIGHT, _TOP, _BOTTOM = -1.75, 1.35, 1.55, -0.12
"""The patch around the animal, body lengths from the point on the ground below its middle."""


class Cat:
    """One animal; it runs to the right."""

    def __init__(self, coat: Coat, gait: Gait, lamp: Lamp, *, seed: int, is_asleep: bool) -> None:
        self._coat = coat
        self._gait = gait
        self._lamp = lamp
        self._head = Head(coat, is_asleep=is_asleep, is_facing=gait is Gait.SIT)
        noise = tile_noise(0.75, seed + 40, 256)
        combed = cv2.blur(noise, (7, 1), borderType=cv2.BORDER_REFLECT)
        self._hair = (1 + 0.55 * (combed - 0.5)).astype(np.float32)
        rng = np.random.default_rng((seed, 0x57A))
        self._jitter = rng.uniform(-1, 1, 24)

    def paint(self, image: Bytes, x_px: float, y_px: float, unit_px: float, t_s: float) -> None:
        """Paint the animal in place, its middle above (x, y); `unit_px` is a body length."""
        left, top = math.floor(x_px + _LEFT * unit_px), math.floor(y_px - _TOP * unit_px)
        width = math.ceil((_RIGHT - _LEFT) * unit_px) + 2
        height = math.ceil((_TOP - _BOTTOM) * unit_px) + 2
        size = (width, height)
        hair = cv2.resize(self._hair, (max(width, height),) * 2)[:height, :width]
        easel = Easel.of(*size, self._lamp, hair.astype(np.float32), unit_px)
        stance = stance_at(self._gait, t_s)

        def at(points: Points) -> Points:
            return np.asarray(points) * (unit_px, -unit_px) + (x_px - left, y_px - top)

        self._animal(easel, stance, at, t_s)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        box = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        alpha = easel.cover[box].astype(np.float32) * np.float32(1 / 255)
        blend(image[y0:y1, x0:x1], easel.colour[box], alpha)

    def _animal(self, easel: Easel, stance: Stance, at: _At, t_s: float) -> None:
        self._tail(easel, at(stance.tail))
        self._leg(easel, at(stance.hind[0]), _HIND, dark=0.62)
        self._leg(easel, at(stance.fore[0]), _FORE, dark=0.62)
        self._head.far_ear(easel, at(stance.head)[0], stance.head_turn, t_s)
        self._trunk(easel, stance, at)
        self._leg(easel, at(stance.hind[1]), _HIND, dark=1.0)
        self._leg(easel, at(stance.fore[1]), _FORE, dark=1.0)
        self._head.paint(easel, at(stance.head)[0], stance.head_turn, t_s)

    def _tail(self, easel: Easel, joints: Points) -> None:
        coat, unit = self._coat, easel.unit_px
        mask, paint = easel.blank(mixed(coat.base, coat.stripe, 0.15))
        points = curve(joints, 30)
        radii = girth((0.085, 0.078, 0.072, 0.066, 0.05), 30) * unit
        if coat.is_dog:
            radii = girth((0.08, 0.11, 0.10, 0.06), 30) * unit
        tube(mask, points, radii, (255,))
        if coat.has_stripes:
            for i in range(4, 26, 5):
                tube(paint, points[i : i + 3], radii[i : i + 3] * 1.2, coat.stripe)
        tip = coat.belly if self._jitter[3] > 0 else coat.stripe
        tube(paint, points[-5:], radii[-5:] * 1.3, tip)
        easel.lay(mask, paint, dark=0.9)

    def _trunk(self, easel: Easel, stance: Stance, at: _At) -> None:
        coat, unit = self._coat, easel.unit_px
        joints = at(np.vstack([stance.spine, stance.head]))
        drop = np.array((0.0, 0.02, 0.06, 0.10, 0.05, 0.0))[:, None] * (0, unit)
        points = curve(joints + drop, 40)
        radii = girth((0.135, 0.205, 0.175, 0.230, 0.165, 0.13), 40) * unit
        mask, paint = easel.blank(coat.base)
        tube(mask, points, radii, (255,))
        under = points + by(0, 0.17 * unit)
        tube(paint, under[12:], radii[12:] * 0.62, mixed(coat.base, coat.belly, 0.75))
        tube(paint, points[31:36] + by(0.09 * unit, 0.10 * unit), radii[31:36] * 0.7, coat.belly)
        if coat.has_stripes:
            self._stripes(paint, points, radii, unit)
        easel.lay(mask, paint)

    def _stripes(self, paint: Bytes, points: Points, radii: Points, unit: float) -> None:
        """Bands from the back half-way down the flank, and a dark line along the spine."""
        back = points + np.stack([np.zeros(40), -radii], 1)
        tube(paint, back[2:32], np.full(30, 0.035 * unit), self._coat.stripe)
        for k, i in enumerate(range(3, 31, 3)):
            lean = (0.05 + 0.02 * self._jitter[k]) * unit
            reach = radii[i] * (0.95 + 0.25 * self._jitter[k + 10])
            band = np.array(
                [back[i], back[i] + by(-lean, 0.55 * reach), back[i] + by(0.3 * lean, 1.1 * reach)]
            )
            tube(paint, curve(band, 8), girth((0.036, 0.030, 0.004), 8) * unit, self._coat.stripe)

    def _leg(self, easel: Easel, joints: Points, radii: tuple[float, ...], *, dark: float) -> None:
        coat, unit = self._coat, easel.unit_px
        mask, paint = easel.blank(coat.base)
        points = curve(joints, 26)
        size = girth(radii, 26) * unit
        tube(mask, points, size, (255,))
        if coat.has_stripes:
            for i in (7, 11, 15):
                tube(
                    paint,
                    points[i : i + 2],
                    size[i : i + 2] * 1.1,
                    mixed(coat.base, coat.stripe, 0.8),
                )
        tube(paint, points[20:], size[20:] * 1.3, mixed(coat.base, coat.belly, 0.9))
        if easel.unit_px > 60:
            self._toes(paint, points[-1], size[-1])
        easel.lay(mask, paint, dark=dark, roundness=0.8)

    def _toes(self, paint: Bytes, toe: Points, radius: float) -> None:
        for k in (-0.3, 0.25):
            a = fixed(toe + by(radius * (0.2 + k), 0.0)).tolist()
            b = fixed(toe + by(radius * (0.5 + k), radius * 0.9)).tolist()
            cv2.line(
                paint, a, b, mixed(self._coat.belly, self._coat.stripe, 0.6), 1, cv2.LINE_AA, 4
            )


_HIND = (0.190, 0.118, 0.054, 0.047, 0.056)
_FORE = (0.122, 0.082, 0.052, 0.058)
