"""Windows that are lit or darkened while one looks. The walls they are in are painted elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.noise import bgr, smooth
from filmgate.engines.draft.scenes.city_facades import Wall
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View

_PER_WALL = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pane:
    x_m: float
    z_m: tuple[float, float]
    y_m: tuple[float, float]
    colour: tuple[int, int, int]
    period_s: float
    phase: float


class Windows:
    """A few panes, dark in the painted walls, that are switched on and off."""

    def __init__(self, street: Street, walls: list[Wall], seed: int) -> None:
        rng = np.random.default_rng((seed, 91))
        self._panes = [pane for wall in walls for pane in _panes(street, wall, rng)]

    def draw(self, out: Array, view: View, t_s: float) -> None:
        """Light the panes that are on now; going on or off takes about half a second."""
        for pane in self._panes:
            if pane.z_m[0] - view.ahead_m < 3:
                continue
            wave = math.sin(2 * math.pi * t_s / pane.period_s + pane.phase)
            strength = float(smooth(-0.12, 0.12, wave))
            if strength > 0.01:
                _light(out, view, pane, strength)


def _light(out: Array, view: View, pane: _Pane, strength: float) -> None:
    (z0, z1), (y0, y1) = pane.z_m, pane.y_m
    outline = view.outline(
        [(pane.x_m, y0, z0), (pane.x_m, y0, z1), (pane.x_m, y1, z1), (pane.x_m, y1, z0)]
    )
    left, top = (outline.min(axis=0) // 16 - 1).tolist()
    right, bottom = (outline.max(axis=0) // 16 + 2).tolist()
    left, top = max(left, 0), max(top, 0)
    roi = out[top : max(bottom, 0), left : max(right, 0)]
    if roi.size == 0:
        return
    lit = roi.copy()
    shift = np.array([left * 16, top * 16], np.int32)
    cv2.fillPoly(lit, [outline - shift], pane.colour, cv2.LINE_AA, 4)
    roi[:] = cv2.addWeighted(lit, strength, roi, 1 - strength, 0)


def _panes(street: Street, wall: Wall, rng: np.random.Generator) -> list[_Pane]:
    """Choose panes that the painted wall shows dark."""
    row = wall.row
    found: list[_Pane] = []
    for _ in range(200):
        i = int(rng.integers(len(row.heights_m)))
        start, bay, storey_m = float(row.starts_m[i]), float(row.bay_m[i]), float(row.floor_m[i])
        column = int(rng.integers(1, max(int((row.starts_m[i + 1] - start) / bay) - 1, 2)))
        storey = int(rng.integers(0, 6))
        z = start + column * bay
        is_dark = wall.table[0][storey % 64, (column + i * 29) % 128] >= row.lit_share[i]
        below_roof = 4.4 + (storey + 1) * storey_m < row.heights_m[i] - 2
        if not (9 < z < 46 and is_dark and below_roof):
            continue
        jamb, sill = float(row.jambs[i]) * bay, float(row.sills[i]) * storey_m
        warm = bgr(0.62, 0.44, 0.22) if rng.random() < 0.65 else bgr(0.34, 0.46, 0.60)
        found.append(
            _Pane(
                x_m=wall.side * street.wall_m,
                z_m=(z + jamb, z + bay - jamb),
                y_m=(4.4 + storey * storey_m + sill, 4.4 + (storey + 0.9) * storey_m),
                colour=street.tone(warm * np.float32(rng.uniform(0.3, 0.9)), z),
                period_s=float(rng.uniform(7, 17)),
                phase=float(rng.uniform(0, 6.28)),
            )
        )
        if len(found) == _PER_WALL:
            break
    return found
