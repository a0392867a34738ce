"""What moves in the street: people who walk under umbrellas, and where the cars are.

No facades, no ground here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.noise import fixed, smooth
from filmgate.engines.draft.scenes.city_cars import Car, Painter
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Somebody on the pavement; z = start + speed * t, wrapped."""

    x_m: float
    start_m: float
    speed_m_s: float
    tall_m: float
    tint: Array
    umbrella: bool
    phase: float
    broad: float


_FAR_M = 92.0
_PAINTS = (
    (0.03, 0.03, 0.03),
    (0.42, 0.42, 0.40),
    (0.16, 0.05, 0.03),
    (0.03, 0.03, 0.26),
    (0.60, 0.60, 0.60),
)
"""Of cars by day, linear BGR."""


class Traffic:
    """All cars and walkers of a street."""

    def __init__(self, street: Street, seed: int, cars: bool, people: bool) -> None:
        rng = np.random.default_rng((seed, 31))
        self._street = street
        self._walkers = [self._walker(rng, i) for i in range(13)] if people else []
        self._cars = [self._car(rng, i) for i in range(6)] if cars else []
        self._painter = Painter(street)

    def _walker(self, rng: np.random.Generator, i: int) -> Walker:
        street = self._street
        side = -1 if i % 2 else 1
        inner, outer = street.curb_m + 0.6, street.wall_m - 0.9
        palette = np.stack(street.palette)
        return Walker(
            x_m=side * float(rng.uniform(inner, outer)),
            start_m=float(rng.uniform(0, 80)) if i > 3 else 9 + 5.5 * i,
            speed_m_s=float(rng.uniform(0.85, 1.35)) * (1 if rng.random() < 0.55 else -1),
            tall_m=float(rng.uniform(1.6, 1.86)),
            tint=palette[int(rng.integers(3))],
            umbrella=street.has_umbrellas and bool(rng.random() < 0.82),
            phase=float(rng.uniform(0, 6)),
            broad=float(rng.uniform(0.9, 1.15)),
        )

    def _car(self, rng: np.random.Generator, i: int) -> Car:
        paint = (
            tuple(rng.uniform(0.018, 0.05, 3))
            if self._street.is_dark
            else _PAINTS[int(rng.integers(len(_PAINTS)))]
        )
        oncoming = i % 2 == 0
        return Car(
            start_m=float(i * 31 + rng.uniform(-7, 7)),
            is_oncoming=oncoming,
            speed_m_s=float(rng.uniform(6.0, 6.8)) if oncoming else 4.3,
            paint=np.array(paint, np.float32),
        )

    def draw(self, out: Array, glow: Array, view: View, t_s: float) -> None:
        """Draw everything that moves, far things first."""
        things: list[tuple[float, Walker | Car]] = []
        for w in self._walkers:
            z = (w.start_m + w.speed_m_s * t_s) % 84 + 1.5
            things.append((z, w))
        for c in self._cars:
            run = c.start_m + (-c.speed_m_s if c.is_oncoming else c.speed_m_s) * t_s
            things.append((run % (_FAR_M + 7) - 6, c))
        for z, thing in sorted(things, key=lambda a: -a[0]):
            depth = z - view.ahead_m
            if isinstance(thing, Walker):
                alpha = float(smooth(1.5, 4.0, depth) * smooth(85, 66, z))
                if alpha > 0.01:
                    self._person(out, view, thing, z, t_s, alpha)
            else:
                alpha = float(smooth(_FAR_M, 66, z))
                if alpha > 0.01 and depth > -2.8:
                    self._painter.draw(out, glow, view, thing, z, alpha)

    def _person(
        self, out: Array, view: View, who: Walker, z: float, t_s: float, alpha: float
    ) -> None:
        """A walker and, on a wet street, the dark mirror image at the feet."""
        k = view.scale(z) * who.tall_m / 1.75
        x, y = view.at(who.x_m, 0, z)
        if x < -2 * k or x > out.shape[1] + 2 * k or k < 3:
            return
        stride = t_s * abs(who.speed_m_s) * 4.4 + who.phase
        shapes = _body(stride, who)
        cuts = np.cumsum([len(a) for a in shapes])[:-1]
        points = np.vstack(shapes)
        depth = z - view.ahead_m
        light = 0.010 if self._street.is_dark else 0.07
        dark = self._street.tone(np.full(3, light, np.float32), depth)
        rim = self._street.tone(
            (who.tint * 0.30 if self._street.is_dark else np.float32(0.16) + 0 * who.tint), depth
        )
        top, foot = y - 2.5 * k, y + (1.9 * k if self._street.is_wet else 0.1 * k)
        x0, x1 = max(int(x - 1.1 * k), 0), min(int(x + 1.1 * k) + 2, out.shape[1])
        y0, y1 = max(int(top), 0), min(int(foot) + 2, out.shape[0])
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        roi = out[y0:y1, x0:x1]
        drawn = roi.copy()
        origin = np.array([x - x0, y - y0])
        if self._street.is_wet and k > 9:
            mirrored = drawn.copy()
            _fill(mirrored, np.split(fixed(origin + points * (k, 0.82 * k)), cuts), dark)
            cv2.addWeighted(mirrored, 0.5, drawn, 0.5, 0, drawn)
        standing = fixed(origin + points * (k, -k))
        lean = np.array([-0.56 * k * np.sign(who.x_m), -0.19 * k]).astype(np.int32)
        _fill(drawn, np.split(standing + lean, cuts), rim)
        _fill(drawn, np.split(standing, cuts), dark)
        roi[:] = cv2.addWeighted(drawn, alpha, roi, 1 - alpha, 0) if alpha < 1 else drawn


def _fill(image: Array, outlines: list[NDArray[np.int32]], colour: tuple[int, int, int]) -> None:
    for outline in outlines:
        cv2.fillPoly(image, [outline], colour, cv2.LINE_AA, 4)


def _body(stride: float, who: Walker) -> list[Array]:
    """Closed shapes in metres, y up, feet at 0: two legs, a coat, a head, perhaps an umbrella."""
    swing = math.sin(stride)
    bob = 0.018 * math.cos(2 * stride)
    shapes: list[Array] = []
    for sign in (1, -1):
        lift = 0.07 * max(math.cos(stride) * sign, 0)
        hip = np.array([0.07 * sign, 0.86 + bob])
        foot = np.array([0.10 * swing * sign + 0.045 * sign, 0.03 + lift])
        knee = (hip + foot) / 2 + np.array([0.02 * sign, 0.0])
        joints = np.stack([hip, hip, knee, foot, foot, foot, foot, knee])
        shapes.append(joints + _LEG)
    sway = np.array([0.012 * swing, bob])
    shapes.append(_COAT * np.array([who.broad, 1]) + sway)
    shapes.extend([_HEAD + sway, _NECK + sway])
    if who.umbrella:
        tilt = 0.06 * math.sin(stride * 0.5 + who.phase)
        c, s = math.cos(tilt), math.sin(tilt)
        shapes.append(_CANOPY @ np.array([[c, s], [-s, c]]) + np.array([0.10, 1.74]) + sway)
        shapes.append(_SHAFT + sway)
    return shapes


def _canopy() -> Array:
    arc, edge = np.linspace(np.pi, 0, 21), np.linspace(0.66, -0.66, 25)
    dome = np.c_[np.cos(arc) * 0.66, np.sin(arc) * 0.34]
    scallop = np.c_[edge, 0.045 * np.abs(np.sin((edge / 0.66 + 1) * np.pi * 2))]
    return np.vstack([dome, scallop[1:-1]])


def _oval() -> Array:
    turn = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    return np.c_[np.cos(turn) * 0.095, np.sin(turn) * 0.125 + 1.60]


def _both_sides(right: list[tuple[float, float]]) -> Array:
    return np.array([(-x, y) for x, y in right] + right[::-1])


_LEG = np.array(
    ((-9, 0), (9, 0), (6.2, 0), (4.5, 2), (6, -3.5), (-6, -3.5), (-4.5, 2), (-6.2, 0))
) * np.float64(0.01)
_COAT = _both_sides([(0.215, 0.60), (0.20, 0.95), (0.22, 1.25), (0.20, 1.40), (0.08, 1.47)])
_NECK = _both_sides([(0.05, 1.44), (0.05, 1.55)])
_SHAFT = np.array([(0.09, 1.2), (0.115, 1.2), (0.115, 2.15), (0.09, 2.15)])
_HEAD, _CANOPY = _oval(), _canopy()
