"""The animal's head: skull, ears, eyes, muzzle, whiskers. It has no body."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from filmgate.engines.draft.noise import Bytes, fixed, smooth
from filmgate.engines.draft.scenes.meadow_coat import Coat, Colour, mixed
from filmgate.engines.draft.scenes.meadow_fur import Easel, Points, curve, girth, polygon, tube

_At = Callable[[Points | list[tuple[float, float]]], Points]
"""From the head's own lengths to pixels."""

_SIZE = 1.14
"""How large the head is for the body: a charming cat's is a little too large."""


class Head:
    """Three quarters to the viewer, looking right."""

    def __init__(self, coat: Coat, *, is_asleep: bool, is_facing: bool) -> None:
        self._coat = coat
        self._is_asleep = is_asleep
        self._turn = 0.055 if is_facing else 0.0
        """How far the face is turned to the viewer, in head shares."""

    def far_ear(self, easel: Easel, middle: Points, turn: float, t_s: float) -> None:
        """Paint the ear behind the skull."""
        self._ear(easel, middle, turn, 0.075, 0.85, 0.72, t_s)

    def paint(self, easel: Easel, middle: Points, turn: float, t_s: float) -> None:
        """Paint skull, near ear and face."""
        coat = self._coat
        at = _placed(middle, turn, easel.unit_px)
        unit = easel.unit_px * _SIZE
        mask, paint = easel.blank(coat.base)
        self._skull(mask, at, unit)
        self._marks(paint, at, unit)
        easel.lay(mask, paint, roundness=0.65)
        self._ear(easel, middle, turn, -0.085, 1.0, 1.0, t_s)
        if unit > 24:
            self._face(easel.colour, at, unit, t_s)
            self._whiskers(easel, at)

    def _skull(self, mask: Bytes, at: _At, unit: float) -> None:
        tube(mask, at([(-0.025, 0.005), (0.03, 0.0)]), np.array((0.178, 0.172)) * unit, (255,))
        tube(mask, at([(-0.05, -0.06), (0.06, -0.065)]), np.array((0.135, 0.125)) * unit, (255,))
        long = 0.10 if self._coat.is_dog else 0.0
        muzzle = at([(0.08, -0.06), (0.135 + long, -0.065)])
        tube(mask, muzzle, np.array((0.092, 0.066)) * unit, (255,))
        for k in (-1, 0, 1):
            tuft = at(
                [(-0.10, -0.05 + 0.05 * k), (-0.205, -0.09 + 0.055 * k), (-0.07, -0.12 + 0.05 * k)]
            )
            polygon(mask, tuft, (255,))

    def _marks(self, paint: Bytes, at: _At, unit: float) -> None:
        coat = self._coat
        light = mixed(coat.base, coat.belly, 0.92)
        tube(paint, at([(0.05, -0.10), (0.13, -0.075)]), np.array((0.085, 0.075)) * unit, light)
        tube(paint, at([(-0.06, -0.16), (0.05, -0.15)]), np.array((0.06, 0.07)) * unit, light)
        if not coat.has_stripes:
            return
        for x in (-0.045, 0.015, 0.07):
            line = at([(x, 0.20), (x + 0.012, 0.13), (x + 0.03, 0.085)])
            tube(paint, curve(line, 6), girth((0.017, 0.015, 0.006), 6) * unit, coat.stripe)
        for y in (-0.02, -0.07):
            line = at([(-0.19, y - 0.01), (-0.12, y), (-0.06, y + 0.012)])
            tube(paint, curve(line, 6), girth((0.017, 0.013, 0.005), 6) * unit, coat.stripe)

    def _ear(
        self, easel: Easel, middle: Points, turn: float, x: float, size: float, dark: float,
        t_s: float,
    ) -> None:  # fmt: skip
        coat = self._coat
        twitch = (
            0.012
            * math.sin(2.3 * t_s + 9 * x)
            * float(smooth(0.6, 1.0, math.sin(0.8 * t_s + 5 * x)))
        )
        at = _placed(middle, turn, easel.unit_px)
        if coat.is_dog:
            flap = [
                (x - 0.03, 0.13),
                (x - 0.10, 0.10),
                (x - 0.17 + twitch, -0.06),
                (x - 0.09, -0.10),
                (x + 0.03, 0.06),
            ]
            inner = flap[:0]
        else:
            tip = (x - 0.055 + twitch, 0.12 + 0.20 * size)
            flap = [
                (x - 0.095, 0.06),
                (x - 0.088, 0.20),
                tip,
                (x + 0.02, 0.235),
                (x + 0.082, 0.12),
                (x, 0.05),
            ]
            inner = [
                (x - 0.045, 0.13),
                (x - 0.05, 0.21),
                (tip[0] + 0.006, tip[1] - 0.035),
                (x + 0.018, 0.205),
                (x + 0.05, 0.13),
            ]
        mask, paint = easel.blank(
            coat.base if not coat.is_dog else mixed(coat.base, coat.stripe, 0.6)
        )
        polygon(mask, curve(at(flap + flap[:1]), 40), (255,))
        if inner:
            polygon(paint, at(inner), mixed((150, 150, 215), coat.belly, 0.25))
        easel.lay(mask, paint, dark=dark, roundness=0.6)

    def _face(self, colour: Bytes, at: _At, unit: float, t_s: float) -> None:
        shade = _brightness(colour, at([(0.0, 0.0)])[0])
        self._eye(colour, at, unit, (0.028 - self._turn * 0.3, 0.028), 1.0, t_s, shade)
        self._eye(colour, at, unit, (0.135, 0.032), 0.62, t_s, shade)
        long = 0.10 if self._coat.is_dog else 0.0
        x = 0.176 + long
        nose = at(
            [(x - 0.026, -0.028), (x + 0.016, -0.026), (x + 0.012, -0.052), (x - 0.004, -0.064)]
        )
        polygon(colour, nose, _dimmed(self._coat.nose, shade))
        dark = _dimmed(mixed(self._coat.stripe, (30, 26, 40), 0.5), shade)
        mouth = curve(
            at([(x - 0.002, -0.064), (x - 0.010, -0.092), (x - 0.045, -0.105), (x - 0.08, -0.092)]),
            10,
        )
        cv2.polylines(
            colour, [fixed(mouth)], False, dark, max(round(unit * 0.009), 1), cv2.LINE_AA, 4
        )

    def _eye(
        self, colour: Bytes, at: _At, unit: float, place: tuple[float, float], wide: float,
        t_s: float, shade: float,
    ) -> None:  # fmt: skip
        blink = 1.0 if self._is_asleep else float(smooth(0.985, 0.999, math.sin(1.45 * t_s + 0.4)))
        open_share = 1 - blink
        x, y = place
        dark = _dimmed((28, 24, 30), min(shade * 1.2, 1))
        rim = np.array(
            [
                (-0.047 * wide, -0.004),
                (-0.01, 0.036),
                (0.045 * wide, 0.014),
                (0.008, -0.032),
                (-0.047 * wide, -0.004),
            ]
        )
        lid = rim * (1, max(open_share, 0.16)) + (x, y - 0.012 * blink)
        polygon(colour, curve(at(lid), 22), dark)
        if open_share < 0.3:
            return
        middle = np.array((x, y))
        iris = (lid - middle) * 0.8 + middle
        polygon(colour, curve(at(iris), 22), _dimmed(self._coat.iris, max(shade, 0.5)))
        pupil = at([(x + 0.006 * wide, y + 0.002)])[0]
        axes = (int(0.013 * wide * unit * 16), int(0.024 * open_share * unit * 16))
        cv2.ellipse(
            colour,
            tuple(fixed(pupil).tolist()),
            axes,
            0,
            0,
            360,
            (14, 12, 14),
            -1,
            cv2.LINE_AA,
            4,
        )
        spark = fixed(at([(x - 0.008 * wide, y + 0.014)])[0]).tolist()
        cv2.circle(
            colour, spark, max(int(0.0085 * unit * 16), 8), (255, 252, 248), -1, cv2.LINE_AA, 4
        )

    def _whiskers(self, easel: Easel, at: _At) -> None:
        light = _dimmed((245, 245, 245), _brightness(easel.colour, at([(0.0, 0.0)])[0]) + 0.35)
        for k, (dx, dy) in enumerate(
            ((-0.16, 0.03), (-0.17, -0.02), (-0.15, -0.065), (0.10, 0.02), (0.11, -0.03))
        ):
            a = (0.125, -0.065 - 0.012 * (k % 3))
            line = curve(
                at([a, (a[0] + 0.5 * dx, a[1] + 0.62 * dy + 0.012), (a[0] + dx, a[1] + dy)]), 9
            )
            cv2.polylines(easel.colour, [fixed(line)], False, light, 1, cv2.LINE_AA, 4)
            cv2.polylines(easel.cover, [fixed(line)], False, (255,), 1, cv2.LINE_AA, 4)


def _brightness(colour: Bytes, at_px: Points) -> float:
    """How light the head is lit, 0.2..1: eyes and nose are drawn without the lamp."""
    x, y = int(at_px[0]), int(at_px[1])
    spot = colour[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
    return float(np.clip(spot.mean() / 120 if spot.size else 0.6, 0.3, 1))


def _dimmed(colour: Colour, share: float) -> Colour:
    share = min(share, 1.0)
    return (colour[0] * share, colour[1] * share, colour[2] * share)


def _placed(middle: Points, turn: float, unit: float) -> _At:
    c, s = math.cos(turn) * unit * _SIZE, math.sin(turn) * unit * _SIZE

    def at(points: Points | list[tuple[float, float]]) -> Points:
        p = np.asarray(points, np.float64)
        return np.stack(
            [middle[0] + c * p[:, 0] - s * p[:, 1], middle[1] - s * p[:, 0] - c * p[:, 1]], 1
        )

    return at
