"""The dance: where every joint of a dancer is at a moment. Pure arithmetic on the beat.

No drawing here.

    beat -> steps of the feet -> hips over the standing foot -> legs by two-bone reach
    slower waves -> chest, head, arms
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]

BEAT_S = 0.5
"""120 beats a minute."""
_STEP_S = 2 * BEAT_S
_SWING = 0.46
_THIGH, _SHIN = 0.435, 0.43
_TURN_EVERY_S, _TURN_S = 8.0, 2.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one dancer moves: phases in radians, sizes near 1."""

    arm_phase: float
    sway_phase: float
    reach: float
    turn_at_s: float
    turn_sign: int
    drift_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """Spine and head in metres: x right, y up from the floor, z nearer. Pairs: (left, right)."""

    root: Point
    yaw: float
    turn_rate: float
    """Radians a second."""
    twist: float
    """Where the chest faces."""
    pelvis: Point
    waist: Point
    chest: Point
    neck: Point
    head: Point
    face: Point
    """Unit vector the head looks along."""
    shoulders: tuple[Point, Point]
    hips: tuple[Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limbs:
    """Joints of arms and legs, in the trunk's space. Pairs are (left, right)."""

    elbows: tuple[Point, Point]
    wrists: tuple[Point, Point]
    tips: tuple[Point, Point]
    knees: tuple[Point, Point]
    ankles: tuple[Point, Point]
    toes: tuple[Point, Point]


def style_of(rng: np.random.Generator) -> Style:
    """Draw a way of dancing by lot."""
    return Style(
        arm_phase=float(rng.uniform(0, 6.28)),
        sway_phase=float(rng.uniform(-0.4, 0.4)),
        reach=float(rng.uniform(0.85, 1.1)),
        turn_at_s=float(rng.uniform(2.2, 4.6)),
        turn_sign=int(rng.choice((-1, 1))),
        drift_m=float(rng.uniform(0.08, 0.18)),
    )


def _ease(u: float) -> float:
    u = min(max(u, 0.0), 1.0)
    return u * u * u * (u * (6 * u - 15) + 10)


def yaw_at(style: Style, t_s: float) -> float:
    """Where the hips face: 0 is towards the camera, positive to the right."""
    turns = math.floor((t_s - style.turn_at_s) / _TURN_EVERY_S)
    into = (t_s - style.turn_at_s - turns * _TURN_EVERY_S) / _TURN_S
    whole = turns + _ease(into)
    sway = 0.42 * math.sin(math.pi * t_s / (4 * BEAT_S) + style.sway_phase)
    return (
        style.turn_sign * 2 * math.pi * whole + sway + 0.16 * math.sin(math.pi * t_s / BEAT_S / 2)
    )


def root_at(style: Style, t_s: float) -> Point:
    """The point on the floor that the dance moves about."""
    x = style.drift_m * math.sin(2 * math.pi * t_s / 8 + style.arm_phase)
    z = 0.6 * style.drift_m * math.sin(2 * math.pi * t_s / 5.3 + 1 + style.arm_phase)
    return np.array([x, 0.0, z])


def _turned(yaw: float, x: float, y: float, z: float) -> Point:
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([x * c + z * s, y, -x * s + z * c])


def _foothold(style: Style, side: int, count: int) -> tuple[Point, float]:
    """Where and how a foot stands after its step number `count`."""
    t_s = (count + (0.5 if side > 0 else 0.0)) * _STEP_S + _STEP_S * 0.62
    yaw = yaw_at(style, t_s)
    wide = 0.115 + 0.045 * math.sin(count * 2.4 + style.arm_phase + side)
    fore = 0.07 * math.sin(count * 1.7 + side * 1.3 + style.arm_phase)
    return root_at(style, t_s) + _turned(yaw, side * wide, 0, fore), yaw + side * 0.22


def _foot(style: Style, side: int, t_s: float) -> tuple[Point, float, float]:
    """Ankle's place on the floor, direction of the foot and its lift 0..1."""
    beat = t_s / _STEP_S - (0.5 if side > 0 else 0.0)
    count = math.floor(beat)
    u = (beat - count) / _SWING
    was, was_yaw = _foothold(style, side, count - 1)
    now, now_yaw = _foothold(style, side, count)
    e = _ease(u)
    lift = math.sin(math.pi * min(u, 1.0)) ** 2
    return was + (now - was) * e, was_yaw + (now_yaw - was_yaw) * e, lift


def _reach(a: Point, b: Point, first: float, second: float, pole: Point) -> tuple[Point, Point]:
    """Two bones from a towards b: the joint between, bent towards `pole`, and the end reached."""
    line = b - a
    full = float(np.linalg.norm(line))
    far = min(full, (first + second) * 0.998)
    along = line / max(full, 1e-6)
    part = (first**2 - second**2 + far**2) / (2 * far)
    off = math.sqrt(max(first**2 - part**2, 1e-8))
    side = pole - along * float(pole @ along)
    side = side / max(float(np.linalg.norm(side)), 1e-6)
    return a + along * part + side * off, a + along * far


def trunk_at(style: Style, t_s: float) -> Trunk:
    """Return spine and head at a moment."""
    w = math.pi / BEAT_S
    yaw = yaw_at(style, t_s)
    root = root_at(style, t_s)
    rate = (yaw_at(style, t_s + 0.05) - yaw_at(style, t_s - 0.05)) / 0.1
    over = 0.062 * math.sin(w * t_s)
    bounce = 0.022 * math.cos(2 * w * t_s) + 0.016 * math.sin(w * t_s / 4 + style.arm_phase)
    pelvis = root + _turned(yaw, over, 0.925 + bounce, 0.0)
    tilt = 0.16 * math.sin(w * t_s)
    hips = tuple(pelvis + _turned(yaw, s * 0.084, -0.03 - s * 0.10 * tilt, 0) for s in (-1, 1))
    lean = -0.10 * math.sin(w * t_s) + 0.11 * math.sin(w * t_s / 4 + style.arm_phase)
    arch = 0.05 + 0.06 * math.sin(w * t_s / 2 + 0.6)
    twist = yaw - 0.30 * math.sin(w * t_s / 2 + style.sway_phase)
    waist = pelvis + _turned(yaw, 0.5 * lean * 0.19, 0.19, arch * 0.15)
    chest = waist + _turned(twist, lean * 0.24, 0.225, -arch * 0.25)
    neck = chest + _turned(twist, lean * 0.13, 0.135, -arch * 0.12)
    nod = 0.05 * math.cos(2 * w * t_s + 0.5)
    look = twist * 1.0 - 0.25 * math.sin(w * t_s / 2 + style.sway_phase + 0.7)
    head = neck + _turned(look, lean * 0.10 + 0.05 * math.sin(w * t_s / 2), 0.175, 0.02 + nod * 0.4)
    roll = 0.12 * math.sin(w * t_s / 2 + style.arm_phase)
    shoulders = tuple(
        chest + _turned(twist, s * 0.165, 0.075 + s * 0.06 * roll - 0.3 * lean * s * 0.2, 0)
        for s in (-1, 1)
    )
    return Trunk(
        root=root,
        yaw=yaw,
        turn_rate=rate,
        twist=twist,
        pelvis=pelvis,
        waist=waist,
        chest=chest,
        neck=neck,
        head=head,
        face=_turned(look, 0, nod, 1),
        shoulders=(shoulders[0], shoulders[1]),
        hips=(hips[0], hips[1]),
    )


def limbs_at(style: Style, trunk: Trunk, t_s: float) -> Limbs:
    """Return arms and legs of a trunk at the same moment."""
    arms = [_arm(style, s, t_s, trunk.twist, trunk.shoulders[0 if s < 0 else 1]) for s in (-1, 1)]
    legs = [_leg(style, s, t_s, trunk.yaw, trunk.hips[0 if s < 0 else 1]) for s in (-1, 1)]
    return Limbs(
        elbows=(arms[0][0], arms[1][0]),
        wrists=(arms[0][1], arms[1][1]),
        tips=(arms[0][2], arms[1][2]),
        knees=(legs[0][0], legs[1][0]),
        ankles=(legs[0][1], legs[1][1]),
        toes=(legs[0][2], legs[1][2]),
    )


def _arm(
    style: Style, side: int, t_s: float, twist: float, shoulder: Point
) -> tuple[Point, Point, Point]:
    """Elbow, wrist and finger tips: a wave that runs outwards along the arm."""
    w = math.pi / BEAT_S
    phase = style.arm_phase + (1.15 if side > 0 else 0.0)

    def raised(lag_s: float) -> float:
        slow = math.sin(w * (t_s - lag_s) / 4 + phase)
        wave = math.sin(w * (t_s - lag_s) / 2 + 1.7 * phase)
        return 1.52 + style.reach * (0.80 * slow + 0.34 * wave)

    def direction(up: float, fore: float) -> Point:
        return _turned(
            twist,
            side * math.sin(up) * math.cos(fore),
            -math.cos(up),
            math.sin(fore) * abs(math.sin(up)) + 0.05,
        )

    fore = 0.35 + 0.35 * math.sin(w * t_s / 4 + 2 * phase)
    bend = 0.42 + 0.30 * math.sin(w * t_s / 2 + phase + 0.8)
    up = raised(0.0)
    elbow = shoulder + 0.275 * direction(up, fore)
    wrist = elbow + 0.25 * direction(raised(0.14) + bend * 0.8, fore + 0.25)
    tip = wrist + 0.165 * direction(raised(0.30) + bend * 0.5 + 0.25, fore + 0.3)
    return elbow, wrist, tip


def _leg(style: Style, side: int, t_s: float, yaw: float, hip: Point) -> tuple[Point, Point, Point]:
    """Knee, ankle and toes."""
    place, heading, lift = _foot(style, side, t_s)
    ankle = place + np.array([0, 0.085 + 0.11 * lift, 0])
    pole = _turned(0.5 * (yaw + heading), side * 0.35, 0, 1)
    knee, ankle = _reach(hip, ankle, _THIGH, _SHIN, pole)
    toe = ankle + _turned(heading, 0, -0.06 - 0.07 * lift, 0.15)
    toe[1] = max(toe[1], 0.02)
    return knee, ankle, toe
