"""How a conifer, a broad tree or a bush is painted. Where they stand is not known here."""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.noise import Bytes, Floats, bgr, film, fixed
from filmgate.engines.draft.scenes.highway_stamp import Stamp
from filmgate.engines.draft.scenes.highway_view import Field

_PX_M = 26.0
_TWIGS = 4
"""Boughs of a conifer on either side of one whorl."""


class _Leaves:
    """Light on leaves: in the shade, where the sun touches them, and under snow."""

    def __init__(self, light: Light, green: Floats, *, has_snow: bool) -> None:
        self._green, self._has_snow = green, has_snow
        self._shade = light.ambient * np.float32(0.55)
        self._touch = light.sun * np.float32(light.sun_strength * (0.5 if light.is_dark else 1.5))
        self.bark = film(bgr(0.055, 0.04, 0.03) * self._shade) * 255

    def shown(self, sunlit: Field, tone: Field, snowy: Field) -> Floats:
        """Return display colours [n, 3] of n leaves; `snowy` above 0.6 lies under snow."""
        level = self._shade + self._touch * sunlit[:, None]
        light = self._green * level * tone[:, None]
        if self._has_snow:
            white = bgr(0.40, 0.45, 0.52) * self._shade * 1.1
            light = np.where(snowy[:, None] > 0.6, white, light)
        return (film(light) * 255).astype(np.float32)


def conifer(rng: np.random.Generator, light: Light, *, has_snow: bool) -> Stamp:
    """A fir or pine: whorls of drooping boughs, lit from the sea's side."""
    tall, half = float(rng.uniform(7.5, 12.5)), float(rng.uniform(1.5, 2.4))
    colour, cover, middle, foot = _canvas(2.4 * half, tall + 0.5, 0.3)
    leaves = _Leaves(
        light, bgr(0.036, 0.052, 0.026) * np.float32(rng.uniform(0.8, 1.3)), has_snow=has_snow
    )
    _trunk(colour, cover, (middle, foot), 0.16, tall * 0.9, leaves.bark)
    whorls = int(tall * 3.0)
    up = np.repeat(np.arange(whorls) / whorls, 2 * _TWIGS)
    side = np.tile(np.repeat((-1.0, 1.0), _TWIGS), whorls)
    count = up.size
    swing = 0.75 + 0.25 * np.sin(np.repeat(np.arange(whorls), 2 * _TWIGS) * 2.4)
    long = (half * (1 - up) ** 0.85 * swing * _PX_M + 2) * rng.uniform(0.35, 1.10, count)
    droop, thick = long * rng.uniform(0.15, 0.42, count), 0.26 * _PX_M * (1.1 - up) + 2
    level = foot - (0.55 + up * (tall - 0.55)) * _PX_M
    xs = (-side * 2, side * long, side * long * 0.62, side * long * 0.3, 0 * side)
    ys = (-thick, droop, droop * 0.7 + thick * 0.55, droop * 0.3 + thick * 0.9, thick)
    boughs = fixed(np.stack((middle + np.stack(xs, 1), level[:, None] + np.stack(ys, 1)), 2))
    sunlit = 0.12 + 0.88 * np.maximum(side, 0) * rng.uniform(0.35, 1.0, count)
    shown = leaves.shown(sunlit, rng.uniform(0.6, 1.4, count), rng.random(count)).tolist()
    for bough, leaf in zip(boughs, shown, strict=True):
        cv2.fillPoly(colour, [bough], leaf, cv2.LINE_8, 4)
        cv2.fillPoly(cover, [bough], 255.0, cv2.LINE_AA, 4)
    return _stamp(colour, cover, (middle, foot))


def broad(
    rng: np.random.Generator, light: Light, autumn: float, *, has_snow: bool, is_bush: bool = False
) -> Stamp:
    """A round tree or a bush: clumps of leaves, the upper and sunward ones brighter.

    `autumn`, 0..1, turns the green towards red.
    """
    tall = float(rng.uniform(1.0, 1.7) if is_bush else rng.uniform(5.5, 8.5))
    half = tall * float(rng.uniform(0.75, 1.0) if is_bush else rng.uniform(0.40, 0.55))
    colour, cover, middle, foot = _canvas(2.5 * half, tall + 0.4, 0.2)
    leaves = _Leaves(light, bgr(0.060 + 0.05 * autumn, 0.082, 0.028), has_snow=has_snow)
    if not is_bush:
        _trunk(colour, cover, (middle, foot), 0.24, tall * 0.7, leaves.bark)
    crown, count = (0.5, 220) if is_bush else (0.62, 800)
    angle = rng.uniform(0, 2 * np.pi, count)
    away = rng.uniform(0, 1, count) ** 0.4 * rng.choice((1.0, 0.93, 0.8), count)
    x = np.cos(angle) * away * half * (1 - 0.12 * np.sin(angle))
    y = tall * (crown + np.sin(angle) * away * (1 - crown) * 0.92)
    size = (0.10 if is_bush else 0.17) * rng.uniform(0.5, 1.2, count)
    lift = np.clip(0.35 + 0.45 * x / half + 0.4 * np.sin(angle) * away, 0.02, 1)
    lift = lift * np.minimum(np.arange(count) / count * 2.5, 1)
    shown = leaves.shown(lift, rng.uniform(0.65, 1.35, count), lift).tolist()
    centres = fixed(np.stack((middle + x * _PX_M, foot - y * _PX_M), 1)).tolist()
    axes = fixed(np.stack((size, size * rng.uniform(0.5, 0.9, count)), 1) * _PX_M).tolist()
    turns: list[float] = rng.uniform(0, 180, count).tolist()
    for centre, axis, turn, leaf in zip(centres, axes, turns, shown, strict=True):
        cv2.ellipse(colour, centre, axis, turn, 0, 360, leaf, -1, cv2.LINE_8, 4)
        cv2.ellipse(cover, centre, axis, turn, 0, 360, 255.0, -1, cv2.LINE_AA, 4)
    return _stamp(colour, cover, (middle, foot))


def _canvas(wide_m: float, tall_m: float, below_m: float) -> tuple[Bytes, Bytes, float, float]:
    """Return empty colours and cover, and the x and y of the foot."""
    width, height = int(wide_m * _PX_M) + 8, int(tall_m * _PX_M)
    colour = np.zeros((height, width, 3), np.uint8)
    return colour, np.zeros((height, width), np.uint8), width / 2, height - below_m * _PX_M


def _trunk(
    colour: Bytes,
    cover: Bytes,
    foot: tuple[float, float],
    half_m: float,
    tall_m: float,
    bark: Floats,
) -> None:
    (x, y), half, top = foot, half_m * _PX_M, foot[1] - tall_m * _PX_M
    outline = [(x - half, y), (x + half, y), (x + half * 0.3, top), (x - half * 0.3, top)]
    cv2.fillPoly(colour, [fixed(outline)], bark.tolist(), cv2.LINE_8, 4)
    cv2.fillPoly(cover, [fixed(outline)], 255.0, cv2.LINE_AA, 4)


def _stamp(colour: Bytes, cover: Bytes, foot: tuple[float, float]) -> Stamp:
    """Let the colours run a little beyond the cover, so that soft edges are not black."""
    spread = np.asarray(cv2.dilate(colour, np.ones((3, 3), np.uint8)))
    filled = np.where(colour.max(axis=2, keepdims=True) > 0, colour, spread)
    return Stamp(filled.astype(np.float32), cover.astype(np.float32) / 255, _PX_M, foot)
