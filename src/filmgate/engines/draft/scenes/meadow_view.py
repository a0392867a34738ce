"""Where a pose of the camera puts a layer of a given nearness. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass

from filmgate.engines.draft.look import Pose

_DOLLY_MAX = 0.72
"""A layer nearer than this share of the way is held there, so that it cannot pass through the lens."""


@dataclass(frozen=True, slots=True)
class Placing:
    """A layer's affine placing on the picture: `screen = scale * layer + offset`, both from the middle, in frame heights.

    Up and right count in pixels' sense: y grows downwards.
    """

    scale: float
    dx: float
    dy: float


def placing(pose: Pose, nearness: float) -> Placing:
    """Place a layer of `nearness` (0 at infinity, 1 at the subject): x moves it right, y down, by its nearness."""
    scale = pose.zoom / (1 - min(pose.dolly * nearness, _DOLLY_MAX))
    return Placing(
        scale,
        pose.x * nearness * scale - pose.pan * pose.zoom,
        pose.y * nearness * scale + pose.tilt * pose.zoom,
    )
