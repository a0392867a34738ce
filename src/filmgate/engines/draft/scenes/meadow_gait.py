"""How a small four-legged animal gallops, walks and rests: its joints. No drawing here.

lengths in body lengths (hip to shoulder), x forwards, y up from the ground

gallop: gathered flight (phase 0) -> hind feet stand -> stretched flight (0.5) -> fore feet stand
walk:   each foot a quarter after the one before
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Gait(StrEnum):
    """The ways to move."""

    GALLOP = "gallop"
    WALK = "walk"
    SIT = "sit"


GALLOP_HZ, WALK_HZ = 2.05, 0.95
SPEED = {Gait.GALLOP: 5.4, Gait.WALK: 0.72, Gait.SIT: 0.0}
"""Body lengths a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """The joints at one moment; every array is float64 [n, 2]."""

    spine: Points
    """Rump, hip, mid-back, shoulder, base of the neck."""
    head: Points
    """One point, the skull's middle."""
    head_turn: float
    """Radians, nose up is positive."""
    tail: Points
    hind: tuple[Points, Points]
    """Far leg, near leg: hip, knee, hock, ankle, toe."""
    fore: tuple[Points, Points]
    """Far leg, near leg: shoulder, elbow, wrist, toe."""


def stance_at(gait: Gait, t_s: float) -> Stance:
    """The joints `t_s` seconds into an endless movement."""
    if gait is Gait.SIT:
        return _sitting(t_s)
    return _galloping(t_s) if gait is Gait.GALLOP else _walking(t_s)


def _by(x: float, y: float) -> Points:
    return np.array((x, y), np.float64)


def _knee(
    root: Points, end: Points, upper: float, lower: float, side: float
) -> tuple[Points, Points]:
    """The joint between two bones, and the end, drawn in when it is out of reach."""
    line = end - root
    reach = float(np.hypot(line[0], line[1]))
    near = min(max(reach, abs(upper - lower) + 0.02), (upper + lower) * 0.985)
    along = line / max(reach, 1e-6)
    end = root + along * near
    a = (upper * upper - lower * lower + near * near) / (2 * near)
    h = math.sqrt(max(upper * upper - a * a, 0))
    return root + along * a + np.array((-along[1], along[0])) * (h * side), end


def _hind_leg(hip: Points, foot: Points, fold: float) -> Points:
    lean = -0.42 - 1.0 * fold
    hock = foot + 0.21 * np.array((math.sin(lean), math.cos(lean)))
    knee, hock = _knee(hip, hock, 0.36, 0.37, 1.0)
    ankle = hock + 0.19 * np.array((-math.sin(lean), -math.cos(lean)))
    toe_turn = 0.15 - 1.1 * fold
    toe = ankle + 0.10 * np.array((math.cos(toe_turn), math.sin(toe_turn)))
    return np.array((hip, knee, hock, ankle, toe))


def _fore_leg(shoulder: Points, foot: Points, fold: float) -> Points:
    wrist = foot + np.array((-0.03 + 0.02 * fold, 0.07))
    elbow, wrist = _knee(shoulder, wrist, 0.31, 0.36, -1.0)
    turn = -0.75 - 1.3 * fold
    toe = wrist + 0.11 * np.array((math.cos(turn), math.sin(turn)))
    return np.array((shoulder, elbow, wrist, toe))


def _step(
    phase: float, duty: float, front: float, back: float, lift: float
) -> tuple[Points, float]:
    """A foot's place below its root, and how far it is folded (0..1); phase 0 is the touch-down."""
    phase %= 1.0
    if phase < duty:
        return np.array((front + (back - front) * phase / duty, 0.0)), 0.0
    s = (phase - duty) / (1 - duty)
    ease = s * s * (3 - 2 * s)
    rise = math.sin(math.pi * s) ** 1.3
    over = -0.10 * math.sin(2 * math.pi * s) * lift / 0.3
    return np.array((back + (front - back) * ease + over, lift * rise)), math.sin(math.pi * s**0.75)


def _tail(root: Points, t_s: float, *, hz: float, rise: float, swing: float) -> Points:
    """Eight joints; the wave runs from root to tip."""
    points = [root]
    for k in range(1, 9):
        u = k / 8
        turn = (
            math.pi
            - rise * (0.35 + 0.9 * u)
            + swing * (0.3 + u) * math.sin(math.tau * hz * t_s - 2.4 * u)
        )
        points.append(points[-1] + 0.115 * np.array((math.cos(turn), math.sin(turn))))
    return np.array(points)


def _galloping(t_s: float) -> Stance:
    phase = GALLOP_HZ * t_s
    turn = math.tau * phase
    flex = math.cos(turn)
    bounce = 0.045 * math.cos(2 * turn + 0.3)
    pitch = 0.055 * math.sin(turn)
    hip = np.array((-0.49 + 0.09 * flex, 0.60 + bounce + pitch))
    shoulder = np.array((0.45 - 0.07 * flex, 0.60 + bounce - pitch))
    middle = (hip + shoulder) / 2 + np.array((0, 0.045 + 0.085 * flex))
    rump = hip + np.array((-0.13, -0.04 + 0.03 * flex))
    neck = shoulder + np.array((0.19, 0.10 + 0.02 * flex))
    head = shoulder + np.array((0.40 - 0.02 * flex, 0.215 - 0.35 * pitch - 0.3 * bounce))
    hind: list[Points] = []
    fore: list[Points] = []
    for side in (0, 1):
        foot, fold = _step(phase - 0.10 - 0.075 * side, 0.27, 0.50, -0.56, 0.30)
        hind.append(_hind_leg(hip + _by(-0.02, -0.04), foot + _by(hip[0], 0), fold))
        foot, fold = _step(phase - 0.58 - 0.085 * side, 0.27, 0.50, -0.42, 0.27)
        fore.append(_fore_leg(shoulder + _by(0.0, -0.06), foot + _by(shoulder[0], 0), fold))
    tail = _tail(rump + _by(-0.02, 0.06), t_s, hz=GALLOP_HZ, rise=0.55, swing=0.30)
    return Stance(
        spine=np.array((rump, hip, middle, shoulder, neck)),
        head=head[None],
        head_turn=-0.04 - 0.5 * pitch,
        tail=tail,
        hind=(hind[0], hind[1]),
        fore=(fore[0], fore[1]),
    )


def _walking(t_s: float) -> Stance:
    phase = WALK_HZ * t_s
    turn = math.tau * phase
    bob = 0.010 * math.cos(2 * turn)
    hip = np.array((-0.47, 0.64 + bob))
    shoulder = np.array((0.45, 0.62 - bob))
    middle = (hip + shoulder) / 2 + np.array((0, 0.015))
    rump = hip + np.array((-0.13, -0.05))
    neck = shoulder + np.array((0.17, 0.13))
    head = shoulder + np.array((0.35, 0.29 + 0.012 * math.sin(2 * turn)))
    hind: list[Points] = []
    fore: list[Points] = []
    for side in (0, 1):
        foot, fold = _step(phase + 0.5 * side, 0.62, 0.26, -0.30, 0.10)
        hind.append(_hind_leg(hip + _by(-0.02, -0.04), foot + _by(hip[0], 0), 0.4 * fold))
        foot, fold = _step(phase - 0.25 + 0.5 * side, 0.62, 0.24, -0.26, 0.11)
        fore.append(_fore_leg(shoulder + _by(0.0, -0.06), foot + _by(shoulder[0], 0), 0.6 * fold))
    tail = _tail(rump + _by(-0.02, 0.06), t_s, hz=0.45, rise=1.35, swing=0.22)
    return Stance(
        spine=np.array((rump, hip, middle, shoulder, neck)),
        head=head[None],
        head_turn=0.03 * math.sin(turn),
        tail=tail,
        hind=(hind[0], hind[1]),
        fore=(fore[0], fore[1]),
    )


def _sitting(t_s: float) -> Stance:
    breath = math.sin(math.tau * 0.33 * t_s)
    hip = np.array((-0.30, 0.27))
    shoulder = np.array((0.14, 0.66 + 0.008 * breath))
    middle = np.array((-0.18 - 0.012 * breath, 0.50))
    rump = np.array((-0.40, 0.15))
    neck = shoulder + np.array((0.08, 0.17))
    look = math.sin(0.9 * t_s) * math.sin(0.37 * t_s + 1)
    head = shoulder + np.array((0.17 + 0.015 * look, 0.34 + 0.01 * breath))
    toes = np.array(((0.17, 0.36), (0.20, 0.08), (0.30, 0.02)))
    fore = [np.vstack([shoulder + _by(0.02, -0.08), toes + _by(dx, 0)]) for dx in (0.07, 0.0)]
    folded = np.array(((0.0, 0.27), (-0.14, 0.07), (-0.02, 0.03), (0.08, 0.02)))
    hind = [np.vstack([_by(-0.26, 0.26), folded + _by(dx, 0)]) for dx in (0.08, 0.0)]
    flick = 0.10 * math.sin(1.9 * t_s) + 0.05 * math.sin(4.1 * t_s + 1)
    u = np.linspace(0, 1, 9)
    x = -0.46 - 0.62 * u
    y = 0.08 + 0.30 * u**2 + (flick + 0.16) * u**3
    x = x + 0.28 * u**3 + flick * 0.6 * u**2
    return Stance(
        spine=np.array((rump, hip, middle, shoulder, neck)),
        head=head[None],
        head_turn=0.06 * look,
        tail=np.stack([x, y], 1),
        hind=(hind[0], hind[1]),
        fore=(fore[0], fore[1]),
    )
