"""Where in a still each pixel of a frame comes from, by pose and depth. It touches no pixel.

    out = centre + magnified * zoom * (grown * (source - centre) + nearness * shift + turn)

When the camera would see beyond the picture's edge, the picture is magnified by half of what is
missing, and a broad rim of it is stretched by the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np

from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.noise import Floats

CELL_PX = 16
"""Coordinates are computed once a cell and interpolated."""

_DOLLY_SHARE = 0.75
_MAGNIFIED_SHARE, _MAGNIFIED_MAX = 0.5, 0.3
_STRETCHED_BAND = 0.42
_SOFT_START = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The camera's place before a picture of width x height pixels; lengths in pixels."""

    width: int
    height: int
    shift: tuple[float, float]
    turn: tuple[float, float]
    zoom: float
    dolly: float
    magnified: float = 1.0
    rim: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """How far beyond the left, top, right and bottom edge the frame looks."""

    def source(self, at: Floats, near: Floats) -> Floats:
        """Where in the picture the frame's points `at` [..., 2] with nearness `near` [...] are."""
        found = self._unmended(at, near)
        for axis, size in ((0, self.width), (1, self.height)):
            low, high = self.rim[axis], self.rim[axis + 2]
            if low > 0:
                found[..., axis] = _stretched(found[..., axis], low, size)
            if high > 0:
                found[..., axis] = (size - 1) - _stretched(
                    (size - 1) - found[..., axis], high, size
                )
            # cv2.remap's mirrored border walks back step by step from wherever it is sent
            np.clip(found[..., axis], -size, 2 * size, out=found[..., axis])
        return found

    def settled(self, at: Floats, nearness: Floats) -> Floats:
        """Like `source`, with the nearness read where each point comes from."""
        near = read(nearness, at, self.width, self.height)
        for _ in range(2):
            near = read(nearness, self._unmended(at, near), self.width, self.height)
        return self.source(at, near)

    def mended(self, at: Floats, nearness: Floats) -> View:
        """The same view, magnified and stretched so that little is seen beyond the edges."""
        lack = self._beyond(at, nearness)
        share = max(lack[0] / self.width, lack[2] / self.width,
                    lack[1] / self.height, lack[3] / self.height)  # fmt: skip
        soft = share * share / (share + _SOFT_START)
        larger = replace(self, magnified=1 + min(2 * _MAGNIFIED_SHARE * soft, _MAGNIFIED_MAX))
        return replace(larger, rim=larger._beyond(at, nearness))

    def placed(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture at nearness 1 is seen, before the rim is stretched."""
        grown = 1 / (1 - _DOLLY_SHARE * self.dolly)
        k = self.zoom * self.magnified
        cx, cy = (self.width - 1) / 2, (self.height - 1) / 2
        return (
            cx + k * (grown * (x - cx) + self.shift[0] + self.turn[0]),
            cy + k * (grown * (y - cy) + self.shift[1] + self.turn[1]),
        )

    def stir_px(self) -> float:
        """About how far the most moved pixel is from where the still has it."""
        turns = max(abs(v) for v in (*self.shift, *self.turn))
        return turns + (abs(self.zoom - 1) + abs(self.dolly)) * self.height / 2

    def _unmended(self, at: Floats, near: Floats) -> Floats:
        centre = np.array(((self.width - 1) / 2, (self.height - 1) / 2), np.float32)
        shift, turn = np.array(self.shift, np.float32), np.array(self.turn, np.float32)
        seen = (at - centre) * np.float32(1 / (self.zoom * self.magnified))
        shrunk = (1 - np.float32(_DOLLY_SHARE * self.dolly) * near)[..., None]
        found = (seen - turn - near[..., None] * shift) * shrunk + centre
        return found.astype(np.float32, copy=False)

    def _beyond(self, at: Floats, nearness: Floats) -> tuple[float, float, float, float]:
        corner = np.array((self.width - 1, self.height - 1), np.float32)
        seen = np.clip(at, 0, corner)  # cells may reach beyond the frame
        near = read(nearness, seen, self.width, self.height)
        near = read(nearness, self._unmended(seen, near), self.width, self.height)
        found = self._unmended(seen, near)
        x, y = found[..., 0], found[..., 1]
        return (
            max(0.0, -float(x.min())),
            max(0.0, -float(y.min())),
            max(0.0, float(x.max()) - self.width + 1),
            max(0.0, float(y.max()) - self.height + 1),
        )


def view_of(pose: Pose, width: int, height: int) -> View:
    """Return the unmended view of a pose; sideways moves are smaller in narrow frames."""
    narrow = min(1.0, 0.1 + 0.9 * width / height)
    return View(
        width=width, height=height,
        shift=(pose.x * height * narrow, pose.y * height),
        turn=(-pose.pan * height * narrow, pose.tilt * height),
        zoom=pose.zoom, dolly=pose.dolly,
    )  # fmt: skip


def grid(left: int, top: int, width: int, height: int) -> Floats:
    """Centres of the cells that cover a box of the frame, and of one row around: [r, c, 2]."""
    columns, rows = -(-width // CELL_PX) + 2, -(-height // CELL_PX) + 2
    x = (np.arange(columns, dtype=np.float32) - 0.5) * CELL_PX - np.float32(0.5 - left)
    y = (np.arange(rows, dtype=np.float32) - 0.5) * CELL_PX - np.float32(0.5 - top)
    return np.stack(np.meshgrid(x, y), axis=-1)


def spread(cells: Floats, width: int, height: int) -> Floats:
    """Interpolate coordinates given for a `grid` to every pixel of its box: [height, width, 2]."""
    rows, columns = cells.shape[:2]
    fine = cv2.resize(cells, (columns * CELL_PX, rows * CELL_PX), interpolation=cv2.INTER_LINEAR)
    return cast(Floats, fine[CELL_PX : CELL_PX + height, CELL_PX : CELL_PX + width])


def read(plane: Floats, at: Floats, width: int, height: int) -> Floats:
    """Read a plane of any size that covers a picture of width x height at points of the picture."""
    h, w = plane.shape
    x = (at[..., 0] + np.float32(0.5)) * np.float32(w / width) - np.float32(0.5)
    y = (at[..., 1] + np.float32(0.5)) * np.float32(h / height) - np.float32(0.5)
    return cast(Floats, cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _stretched(along: Floats, beyond: float, size: int) -> Floats:
    """Draw coordinates that reach `beyond` pixels past 0 back towards it; those far from 0 stay."""
    band = np.float32(_STRETCHED_BAND * size)
    inside = np.maximum(band - along, 0)
    return along + inside * inside * np.float32(beyond / float(band + beyond) ** 2)
