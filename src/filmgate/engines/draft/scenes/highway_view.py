"""The road's course and the camera on it: where things stand in the frame. It draws nothing.

Metres: `ahead` along the road from the camera, `lateral` to the right of the middle line, `height`
above the tar.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.noise import Bytes, Floats

FAR_M = 330.0
"""Nothing on the ground is drawn beyond this."""
SUBJECT_M = 12.0
"""The depth that a Pose's shifts are meant for."""
SPEED_M_S = 17.0
SHUTTER_M = SPEED_M_S / 48
"""How far the camera drives while the shutter is open: the length of all motion blur."""
_EYE_M = 2.3
_LANE_M = 1.9

Field = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the seed decides about the road and the frame."""

    width_px: int
    height_px: int
    focal_px: float
    """Pixels of a unit: the size, in the frame, of a metre at a metre's distance."""
    horizon: float
    """Height of the horizon above the frame's middle, in units."""
    sun_x: float
    """Where the sun stands, in units to the right of straight ahead."""
    is_mirrored: bool
    """Sea on the left: the finished picture is flipped."""
    sway_m: tuple[float, float]
    phase: tuple[float, float]

    def bend(self, z: Any) -> Any:
        """How far the road has swung sideways after z metres."""
        (a, b), (p, q) = self.sway_m, self.phase
        return a * np.sin(z * 0.011 + p) + b * np.sin(z * 0.023 + q)

    def bend_slope(self, z: float) -> float:
        """The derivative of `bend`."""
        (a, b), (p, q) = self.sway_m, self.phase
        return 0.011 * a * math.cos(z * 0.011 + p) + 0.023 * b * math.cos(z * 0.023 + q)


def course_for(seed: int, width_px: int, height_px: int) -> Course:
    """Lay a road for a seed and frame it for the shape of the picture."""
    rng = np.random.default_rng((seed, 0x41))
    ratio = width_px / height_px
    focal = height_px * (1.0 if ratio >= 1.5 else 0.60 + 0.40 * (ratio - 0.5625) / (1.5 - 0.5625))
    half_width = width_px / 2 / focal
    return Course(
        width_px=width_px,
        height_px=height_px,
        focal_px=focal,
        horizon=(0.072 if ratio >= 1.2 else 0.01 if ratio >= 0.9 else -0.075) * height_px / focal,
        sun_x=half_width * float(rng.uniform(0.20, 0.50)),
        is_mirrored=bool(rng.random() < 0.35),
        sway_m=(float(rng.uniform(9, 15)), float(rng.uniform(3, 6))),
        phase=(float(rng.uniform(0, 6.28)), float(rng.uniform(0, 6.28))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upright:
    """A thing that stands on the ground: drawn into (picture, glow), far ones first."""

    ahead_m: float
    draw: Callable[[Bytes, Bytes], None]


class View:
    """The camera at one moment, and how far away the ground in each row of the frame lies."""

    def __init__(self, course: Course, t_s: float, pose: Pose) -> None:
        self.course = course
        height = course.height_px
        side = -1.0 if course.is_mirrored else 1.0
        metres = SUBJECT_M * height / course.focal_px
        self.z = SPEED_M_S * t_s + 40 + SUBJECT_M * pose.dolly
        self._bend_here = float(course.bend(self.z))
        self._slope_here = course.bend_slope(self.z)
        self.came_m = SUBJECT_M * pose.dolly
        """How much nearer the camera has come to what drives ahead of it."""
        self.eye_m = max(_EYE_M + pose.y * metres, 1.0)
        self._aside_m = _LANE_M - side * pose.x * metres
        self.px = course.focal_px * pose.zoom
        turn = 0.02 * course.focal_px + side * pose.pan * height
        self.x0 = course.width_px / 2 - turn * pose.zoom
        rise = pose.tilt * height - course.horizon * course.focal_px
        self.y0 = height / 2 + rise * pose.zoom
        self.row0 = min(max(math.ceil(self.y0), 0), height - 1)
        below = np.arange(self.row0, height) - self.y0
        self.drop: Floats = np.maximum(below / self.px, 5e-4).astype(np.float32)
        """Units below the horizon, for every row from `row0` on."""
        self.dist: Floats = self.eye_m / self.drop
        self.centre: Floats = self.shift(self.dist).astype(np.float32)

    def shift(self, ahead: Any) -> Any:
        """How far right of the camera the road's middle line is, `ahead` metres on."""
        turned = self._bend_here + self._slope_here * ahead
        return self.course.bend(ahead + self.z) - turned - self._aside_m

    def project(
        self, ahead: ArrayLike, lateral: ArrayLike, height: ArrayLike
    ) -> tuple[Any, Any, Any]:
        """Return x, y in pixels and the pixels of a metre there; for ahead > 0."""
        z = np.asarray(ahead, np.float64)
        x = (self.shift(z) + lateral) / z * self.px + self.x0
        y = self.y0 - (np.asarray(height) - self.eye_m) / z * self.px
        return x, y, self.px / z

    def column(self, lateral: float) -> Floats:
        """Return the x of a line along the road, for every row that is near enough to be drawn."""
        near = self.dist < FAR_M
        return ((self.centre + lateral) / self.dist * self.px + self.x0)[near]
