"""Where the camera is at each moment of a shot: twelve moves, eased and combined.

It knows no scene and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.look import Move, Pose

SHIFT_MAX = 0.12
TURN_MAX = 0.15
ZOOM_MIN, ZOOM_MAX = 0.95, 1.35
DOLLY_MIN, DOLLY_MAX = -0.3, 0.4
ROLL_MAX = 0.012


@dataclass(frozen=True, slots=True, kw_only=True)
class _Swing:
    """How far a move takes each of the camera's freedoms: (at the start, at the end)."""

    x: tuple[float, float] = (0.0, 0.0)
    y: tuple[float, float] = (0.0, 0.0)
    zoom: tuple[float, float] = (1.0, 1.0)
    dolly: tuple[float, float] = (0.0, 0.0)
    pan: tuple[float, float] = (0.0, 0.0)
    tilt: tuple[float, float] = (0.0, 0.0)


_SWINGS = {
    Move.STATIC: _Swing(),
    Move.PUSH_IN: _Swing(dolly=(-0.04, 0.30), zoom=(1.0, 1.06)),
    Move.PULL_OUT: _Swing(dolly=(0.28, -0.10), zoom=(1.08, 1.0)),
    Move.PAN_LEFT: _Swing(pan=(0.11, -0.11)),
    Move.PAN_RIGHT: _Swing(pan=(-0.11, 0.11)),
    Move.TILT_UP: _Swing(tilt=(-0.10, 0.10)),
    Move.TILT_DOWN: _Swing(tilt=(0.10, -0.10)),
    Move.ORBIT: _Swing(x=(0.11, -0.11), pan=(0.055, -0.055), zoom=(1.03, 1.05)),
    Move.CRANE: _Swing(y=(-0.10, 0.11), tilt=(0.04, -0.06), zoom=(1.04, 1.0)),
    Move.TRACKING: _Swing(x=(0.115, -0.115), zoom=(1.02, 1.02)),
    Move.ZOOM: _Swing(zoom=(1.0, 1.30)),
    Move.HANDHELD: _Swing(zoom=(1.01, 1.01)),
}
_SEEDED_SIDE = {Move.ORBIT, Move.TRACKING}
"""Moves that no word gives a direction: the seed does."""


def pose_at(moves: tuple[Move, ...], t_s: float, duration_s: float, seed: int) -> Pose:
    """Return the camera `t_s` seconds into a shot of `duration_s`.

    All moves run together over the whole shot; their sum is kept within the limits that scenes
    paint for. A hand-held camera that also makes another move sways half as much.
    """
    u = _eased(min(max(t_s / duration_s, 0.0), 1.0))
    x = y = pan = tilt = dolly = 0.0
    zoom = 1.0
    rng = np.random.default_rng((seed, 0xCA))
    side = 1 if rng.random() < 0.5 else -1
    for move in moves:
        swing = _SWINGS[move]
        sign = side if move in _SEEDED_SIDE else 1
        x += sign * _between(swing.x, u)
        pan += sign * _between(swing.pan, u)
        y += _between(swing.y, u)
        tilt += _between(swing.tilt, u)
        dolly += _between(swing.dolly, u)
        zoom *= _between(swing.zoom, u)
    roll = 0.0
    if Move.HANDHELD in moves:
        sway = _sway(rng)
        strength = 1.0 if len(moves) == 1 else 0.5
        pan += 0.012 * strength * sway(t_s, 0)
        tilt += 0.009 * strength * sway(t_s, 1)
        x += 0.008 * strength * sway(t_s, 2)
        roll = 0.004 * strength * sway(t_s, 3) if len(moves) == 1 else 0.0
    return Pose(
        x=_within(x, -SHIFT_MAX, SHIFT_MAX),
        y=_within(y, -SHIFT_MAX, SHIFT_MAX),
        zoom=_within(zoom, ZOOM_MIN, ZOOM_MAX),
        dolly=_within(dolly, DOLLY_MIN, DOLLY_MAX),
        roll=_within(roll, -ROLL_MAX, ROLL_MAX),
        pan=_within(pan, -TURN_MAX, TURN_MAX),
        tilt=_within(tilt, -TURN_MAX, TURN_MAX),
    )


def roll_max(moves: tuple[Move, ...]) -> float:
    """Return the largest roll, in radians, that a shot with these moves ever has; 0 for most."""
    return ROLL_MAX if moves == (Move.HANDHELD,) else 0.0


def _eased(u: float) -> float:
    """Half a ramp, half an even pace: a shot that is already moving when it is cut in."""
    return 0.5 * u + 0.5 * u * u * (3 - 2 * u)


def _between(ends: tuple[float, float], u: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * u


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _sway(rng: np.random.Generator) -> Callable[[float, int], float]:
    """A breathing hand: three slow waves for each of four freedoms, about -1..1."""
    phase = rng.uniform(0, 2 * math.pi, (4, 3))
    pace = rng.uniform(0.85, 1.15, (4, 3)) * np.array((1.3, 2.9, 6.1))
    weight = np.array((0.62, 0.30, 0.08))

    def sway(t_s: float, freedom: int) -> float:
        return float(np.sum(weight * np.sin(phase[freedom] + pace[freedom] * t_s)))

    return sway
