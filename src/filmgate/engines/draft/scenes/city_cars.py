"""Cars of the city: body, glass, lamps, and the lamps' streaks on wet asphalt.

Where they drive is said elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.noise import fixed
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View

_LONG_M = 4.1
_NEAR_M = 0.8
"""A car that is being passed is cut off this far before the camera."""
_BODY = ((-0.84, 0.15), (-0.92, 0.22), (-0.93, 0.62), (-0.88, 0.80), (-0.76, 0.88))
_CABIN = ((-0.78, 0.86), (-0.62, 1.33), (-0.50, 1.41))
_GLASS = ((-0.68, 0.90), (-0.56, 1.29), (-0.46, 1.34))


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """A car in its lane; oncoming ones show head lamps."""

    start_m: float
    is_oncoming: bool
    speed_m_s: float
    paint: Array


class _Brush:
    """Fills shapes given in a car's own metres: x from its middle, y up, z from its near end."""

    def __init__(
        self, drawn: Array, view: View, corner: tuple[int, int], at: tuple[float, float]
    ) -> None:
        self._drawn, self.view = drawn, view
        self.x_m, self._z = at
        self.is_far = view.scale(self._z) < 13
        self._depth_m = max(self._z - view.ahead_m, _NEAR_M)
        self._shift = np.array(corner, np.int32) * 16

    def points(self, shape: list[tuple[float, float, float]]) -> Array:
        near = self.view.ahead_m + _NEAR_M
        placed = [(self.x_m + x, y, max(self._z + z, near)) for x, y, z in shape]
        return self.view.outline(placed) - self._shift

    def both(self, left: tuple[tuple[float, float], ...], z: float) -> Array:
        """A shape given by its left half."""
        right = [(-x, y, z) for x, y in reversed(left)]
        return self.points([*((x, y, z) for x, y in left), *right])

    def fill(self, outline: Array, colour: Array) -> None:
        tone = self.view.street.tone(colour, self._depth_m)
        cv2.fillPoly(self._drawn, [outline], tone, cv2.LINE_AA, 4)

    def line(self, outline: Array, colour: Array) -> None:
        tone = self.view.street.tone(colour, self._depth_m)
        cv2.polylines(self._drawn, [outline], False, tone, 1, cv2.LINE_AA, 4)


def _hull(near: Array, far: Array) -> Array:
    return cv2.convexHull(np.vstack([near, far]))[:, 0]


class Painter:
    """Paints cars in the light of a street."""

    def __init__(self, street: Street) -> None:
        self._street = street

    def draw(self, out: Array, glow: Array, view: View, car: Car, z: float, alpha: float) -> None:
        """Paint a car whose near end is at depth z, and its light into the quarter-size `glow`."""
        lane = self._street.curb_m * 0.46
        x_m = -lane if car.is_oncoming else lane
        own_z, back_m = z, z + _LONG_M
        z = max(z, view.ahead_m + _NEAR_M)
        k = view.scale(z)
        x, y = view.at(x_m, 0, z)
        if x < -3 * k or x > out.shape[1] + 3 * k:
            return
        back = view.at(x_m, 0, back_m)[0]
        x0, x1 = (
            max(int(min(x - 1.3 * k, back - 1.3 * view.scale(back_m))) - 4, 0),
            min(int(max(x + 1.3 * k, back + 1.3 * view.scale(back_m))) + 4, out.shape[1]),
        )
        y0, y1 = max(int(y - 1.7 * k) - 4, 0), min(int(y + 0.4 * k) + 4, out.shape[0])
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        roi = out[y0:y1, x0:x1]
        drawn = roi.copy()
        brush = _Brush(drawn, view, (x0, y0), (x_m, own_z))
        self._body(brush, car)
        roi[:] = cv2.addWeighted(drawn, alpha, roi, 1 - alpha, 0) if alpha < 1 else drawn
        self._lamps(out, glow, view, car, (x_m, z), alpha)

    def _body(self, brush: _Brush, car: Car) -> None:
        side = -1 if brush.x_m > brush.view.side_m else 1
        under = [(-0.72, 0.0, 0.2), (0.72, 0.0, 0.2), (0.72, 0.0, _LONG_M), (-0.72, 0.0, _LONG_M)]
        brush.fill(brush.points(under), np.full(3, 0.004, np.float32))
        for c, dz in ((-0.76, _LONG_M - 0.8), (-0.76, 0.35), (0.76, _LONG_M - 0.8), (0.76, 0.35)):
            tyre = [
                (c - 0.11, 0.0, dz),
                (c + 0.11, 0.0, dz),
                (c + 0.11, 0.4, dz),
                (c - 0.11, 0.4, dz),
            ]
            brush.fill(brush.points(tyre), np.full(3, 0.006, np.float32))
        brush.fill(_hull(brush.both(_BODY, 0), brush.both(_BODY, _LONG_M)), car.paint * 0.55)
        if not brush.is_far:
            self._wheels(brush, side)
        cabin = brush.both(_CABIN, 1.15)
        brush.fill(_hull(cabin, brush.both(_CABIN, 3.3)), car.paint * 0.7)
        pane = [
            (side * 0.75, 0.92, 1.30), (side * 0.60, 1.31, 1.42), (side * 0.60, 1.31, 3.0),
            (side * 0.75, 0.92, 3.2),
        ]  # fmt: skip
        haze, is_dark = self._street.haze, self._street.is_dark
        brush.fill(brush.points(pane), haze * (0.4 if is_dark else 0.10) + np.float32(0.008))
        bonnet = _hull(brush.both(((-0.80, 0.87),), 0.05), brush.both(((-0.74, 0.92),), 1.1))
        brush.fill(bonnet, car.paint * 1.9)
        brush.fill(cabin, car.paint * 0.9)
        glass = haze * (0.55 if is_dark else 0.14) + np.float32(0.012)
        brush.fill(brush.both(_GLASS, 1.12), glass)
        brush.fill(brush.both(_BODY, 0), car.paint)
        if not brush.is_far:
            self._trim(brush, car)

    def _wheels(self, brush: _Brush, side: int) -> None:
        hub = 0.06 if self._street.is_dark else 0.3
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False).tolist()
        for dz in (0.85, 3.25):
            for r, tone in ((0.40, 0.004), (0.32, 0.008), (0.17, hub)):
                ring = [(side * 0.935, 0.32 + r * math.cos(a), dz + r * math.sin(a)) for a in turn]
                brush.fill(brush.points(ring), np.full(3, tone, np.float32))

    def _trim(self, brush: _Brush, car: Car) -> None:
        """Grille, bumper, number plate, and the light that lies along roof and bonnet."""
        is_dark = self._street.is_dark
        sheen = self._street.palette[0] * 0.10 if is_dark else np.full(3, 0.30, np.float32)
        brush.line(brush.both(((-0.55, 1.39),), 1.15), sheen * 1.5)
        brush.fill(brush.both(((-0.55, 0.34), (-0.55, 0.58)), -0.01), car.paint * 0.25)
        brush.fill(brush.both(((-0.88, 0.24), (-0.88, 0.30)), -0.01), car.paint * 0.3)
        plate = np.full(3, 0.10 if is_dark else 0.5, np.float32)
        brush.fill(brush.both(((-0.22, 0.40), (-0.22, 0.51)), -0.02), plate)
        brush.line(brush.both(((-0.88, 0.79), (-0.76, 0.875)), 0), sheen)

    def _lamps(
        self, out: Array, glow: Array, view: View, car: Car, at: tuple[float, float], alpha: float
    ) -> None:
        x_m, z = at
        k = view.scale(z)
        lit = self._street.is_dark or self._street.is_wet
        strength = alpha * (1.0 if lit else 0.35) * float(self._street.clear(z)) ** 0.35
        hot = np.array((235, 245, 255) if car.is_oncoming else (40, 36, 255)) * strength
        halo = np.array((150, 190, 235) if car.is_oncoming else (22, 16, 210)) * strength
        for side in (-0.66, 0.66):
            x, y = view.at(x_m + side, 0.68, z)
            r = max(0.13 * k, 0.8)
            size = (
                int(r * 16 * (1 if car.is_oncoming else 1.7)),
                int(r * 16 * (1 if car.is_oncoming else 0.7)),
            )
            cv2.ellipse(
                out, fixed((x, y)).tolist(), size, 0, 0, 360, hot.tolist(), -1, cv2.LINE_AA, 4
            )
            grown = max(int(0.2 * k * 4), 14)
            cv2.circle(
                glow, fixed((x / 4, y / 4)).tolist(), grown, halo.tolist(), -1, cv2.LINE_AA, 4
            )
            if self._street.is_wet:
                _, road = view.at(x_m, 0, z)
                _streak(out, (x, road + 0.15 * k), 2.6 * k, 0.20 * k, halo * 0.75)


def _streak(
    out: Array, top: tuple[float, float], length: float, half: float, colour: Array
) -> None:
    """A soft vertical light on wet asphalt: added, brightest near the top."""
    x0, x1 = max(int(top[0] - 2.5 * half - 1), 0), min(int(top[0] + 2.5 * half + 2), out.shape[1])
    y0, y1 = max(int(top[1]), 0), min(int(top[1] + length) + 1, out.shape[0])
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    across = np.exp(-(((np.arange(x0, x1) + 0.5 - top[0]) / max(half, 0.7)) ** 2))
    u = np.clip((np.arange(y0, y1) + 0.5 - top[1]) / length, 0, 1)
    down = np.minimum(u * 8, 1) * (1 - u) ** 1.6 * (0.8 + 0.2 * np.sin(u * 40))
    light = (down[:, None, None] * across[None, :, None] * colour).astype(np.uint8)
    roi = out[y0:y1, x0:x1]
    roi[:] = cv2.add(roi, light)
