"""Cars of the city: body, glass, lamps, and the lamps' streaks on wet asphalt.

Where they drive is said elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.noise import fixed
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View

Tone = tuple[int, int, int]
_LONG_M = 4.1
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


class Painter:
    """Paints cars in the light of a street."""

    def __init__(self, street: Street) -> None:
        self._street = street

    def draw(self, out: Array, glow: Array, view: View, car: Car, z: float, alpha: float) -> None:
        """Paint a car whose near end is at depth z, and its light into the quarter-size `glow`."""
        lane = self._street.curb_m * 0.46
        x_m = -lane if car.is_oncoming else lane
        back_m = z + _LONG_M
        z = max(z, view.ahead_m + 0.8)
        depth, k = z - view.ahead_m, view.scale(z)
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
        self._body(drawn, view, car, (x_m, z, depth), np.array([x0 * 16, y0 * 16], np.int32))
        roi[:] = cv2.addWeighted(drawn, alpha, roi, 1 - alpha, 0) if alpha < 1 else drawn
        self._lamps(out, glow, view, car, (x_m, z), alpha)

    def _body(
        self, drawn: Array, view: View, car: Car, at: tuple[float, float, float], offset: Array
    ) -> None:
        x_m, z, depth = at

        def shape(points: tuple[tuple[float, float], ...], dz: float) -> Array:
            full = [(x_m + a, b, z + dz) for a, b in points] + [
                (x_m - a, b, z + dz) for a, b in reversed(points)
            ]
            return view.outline(full) - offset

        def fill(outline: Array, colour: Array) -> None:
            cv2.fillPoly(drawn, [outline], self._street.tone(colour, depth), cv2.LINE_AA, 4)

        sheen = (
            self._street.palette[0] * 0.10 if self._street.is_dark else np.full(3, 0.30, np.float32)
        )
        under = [
            (x_m + a, 0.0, z + b)
            for a, b in ((-0.72, 0.2), (0.72, 0.2), (0.72, _LONG_M), (-0.72, _LONG_M))
        ]
        fill(view.outline(under) - offset, np.full(3, 0.004, np.float32))
        for side in (-1, 1):
            for dz in (_LONG_M - 0.8, 0.35):
                c = x_m + side * 0.76
                tyre = [
                    (c - 0.11, 0.0, z + dz),
                    (c + 0.11, 0.0, z + dz),
                    (c + 0.11, 0.4, z + dz),
                    (c - 0.11, 0.4, z + dz),
                ]
                fill(view.outline(tyre) - offset, np.full(3, 0.006, np.float32))
        near, far = shape(_BODY, 0), shape(_BODY, _LONG_M)
        fill(cv2.convexHull(np.vstack([near, far]))[:, 0], car.paint * 0.55)
        side = -1 if x_m > view.side_m else 1
        is_far = view.scale(z) < 13
        for dz in () if is_far else (0.85, 3.25):
            turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
            for r, tone in (
                (0.40, 0.004),
                (0.32, 0.008),
                (0.17, 0.06 if self._street.is_dark else 0.3),
            ):
                ring = [
                    (x_m + side * 0.935, 0.32 + r * b, z + dz + r * a)
                    for a, b in zip(np.cos(turn), np.sin(turn), strict=True)
                ]
                fill(view.outline(ring) - offset, np.full(3, tone, np.float32))
        cabin_near, cabin_far = shape(_CABIN, 1.15), shape(_CABIN, 3.3)
        fill(cv2.convexHull(np.vstack([cabin_near, cabin_far]))[:, 0], car.paint * 0.7)
        pane = [
            (x_m + side * a, b, z + c)
            for a, b, c in (
                (0.75, 0.92, 1.30),
                (0.60, 1.31, 1.42),
                (0.60, 1.31, 3.0),
                (0.75, 0.92, 3.2),
            )
        ]
        fill(
            view.outline(pane) - offset,
            self._street.haze * (0.4 if self._street.is_dark else 0.10) + np.float32(0.008),
        )
        fill(shape(((-0.86, 0.80), (-0.76, 0.89)), 0.0), car.paint * 1.6)
        fill(
            cv2.convexHull(
                np.vstack([shape(((-0.80, 0.87),), 0.05), shape(((-0.74, 0.92),), 1.1)])
            )[:, 0],
            car.paint * 1.9,
        )
        fill(cabin_near, car.paint * 0.9)
        fill(
            shape(_GLASS, 1.12),
            self._street.haze * (0.55 if self._street.is_dark else 0.14) + np.float32(0.012),
        )
        fill(near, car.paint)
        if is_far:
            return
        roof = shape(((-0.55, 1.39),), 1.15)
        cv2.polylines(
            drawn, [roof], False, self._street.tone(sheen * 1.5, depth), 1, cv2.LINE_AA, 4
        )
        fill(shape(((-0.55, 0.34), (-0.55, 0.58)), -0.01), car.paint * 0.25)
        fill(shape(((-0.88, 0.24), (-0.88, 0.30)), -0.01), car.paint * 0.3)
        fill(
            shape(((-0.22, 0.40), (-0.22, 0.51)), -0.02),
            np.full(3, 0.10 if self._street.is_dark else 0.5, np.float32),
        )
        edge = shape(((-0.88, 0.79), (-0.76, 0.875)), 0)
        cv2.polylines(drawn, [edge], False, self._street.tone(sheen, depth), 1, cv2.LINE_AA, 4)

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
