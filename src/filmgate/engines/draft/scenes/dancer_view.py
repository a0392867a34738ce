"""The camera before a dancer: layers by nearness, and the place a dancer is danced in.

Nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.dancer_figure import Lamp


class View:
    """Layers through the camera; points in frame heights from the frame's centre, y down."""

    __slots__ = ("_pose", "height_px", "px", "width_px")

    def __init__(self, width_px: int, height_px: int, pose: Pose) -> None:
        self.width_px, self.height_px, self._pose = width_px, height_px, pose
        self.px = height_px * pose.zoom

    def layer(self, nearness: float) -> tuple[float, float, float]:
        """Scale in pixels and the pixel of the layer's origin."""
        p = self._pose
        k = self.px / (1 - 0.75 * p.dolly * nearness)
        x = self.width_px / 2 + self.px * (p.x * nearness - p.pan)
        y = self.height_px / 2 + self.px * (p.y * nearness * 0.8 + p.tilt)
        return k, x, y

    def at(self, x: float, y: float, nearness: float) -> tuple[float, float]:
        """Pixel of a point of a layer."""
        k, ox, oy = self.layer(nearness)
        return ox + x * k, oy + y * k


@dataclass(frozen=True, slots=True, kw_only=True)
class Spotlight:
    """What falls on a dancer at a moment, and how the floor answers."""

    ambient: Array
    lamps: list[Lamp]
    mirror: float
    """Share of the dancer seen again in the floor, 0..1."""
    shadow: float
    """Darkness of the shadow at the feet, 0..1."""
    cast: tuple[float, float]
    """Where the shadow's head falls: body heights to the right and towards the camera."""


class Place(Protocol):
    """Where one dances: everything in the frame but the dancers."""

    floor: float
    """Row of the dancers' feet, frame heights below the centre."""

    def draw(self, out: Array, glow: Array, view: View, t_s: float) -> None:
        """Fill all of `out`; add lamps to the quarter-size `glow`."""
        ...

    def front(self, out: Array, view: View, t_s: float) -> None:
        """Draw what stands before the dancers."""
        ...

    def light(self, t_s: float, /) -> Spotlight:
        """Return the light on the dancers."""
        ...


def plate(width: int, height: int, part: float, margin: float) -> tuple[Array, Array]:
    """Coordinates of a backdrop's pixels: x [1, w], y [h, 1], frame heights from the centre."""
    px = height * part
    w, h = int((width / height + 2 * margin) * px), int((1 + 2 * margin) * px)
    x = (np.arange(w, dtype=np.float32) + 0.5) / px - (w / px) / 2
    y = (np.arange(h, dtype=np.float32) + 0.5) / px - (h / px) / 2
    return x[None].astype(np.float32), y[:, None].astype(np.float32)


def plate_matrix(view: View, image: Array, part: float, nearness: float) -> Array:
    """Where a backdrop painted on `plate` coordinates stands in the frame, [2, 3]."""
    k, ox, oy = view.layer(nearness)
    step = k / (view.height_px * part)
    h, w = image.shape[:2]
    return np.array([[step, 0, ox - w / 2 * step], [0, step, oy - h / 2 * step]], np.float32)
