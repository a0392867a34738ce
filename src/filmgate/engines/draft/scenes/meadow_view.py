"""Where a pose of the camera puts a layer of a given nearness. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass

from filmgate.engines.draft.look import Pose

_DOLLY_MAX = 0.72
"""Of the way to a layer the camera goes no farther, so that none passes through the lens."""


@dataclass(frozen=True, slots=True)
class Placing:
    """A layer on the picture: `screen = scale * layer + offset`, in frame heights from the middle.

    x grows to the right, y downwards.
    """

    scale: float
    dx: float
    dy: float


def placing(pose: Pose, nearness: float) -> Placing:
    """Place a layer of `nearness` (0 at infinity, 1 at the subject).

    The pose's x moves it right and y moves it down, by its nearness.
    """
    scale = pose.zoom / (1 - min(pose.dolly * nearness, _DOLLY_MAX))
    return Placing(
        scale,
        pose.x * nearness * scale - pose.pan * pose.zoom,
        pose.y * nearness * scale + pose.tilt * pose.zoom,
    )
