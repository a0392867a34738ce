"""Faces of tall houses that look down the street over the roofs of nearer, lower ones.

Walls along the street are not here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.noise import bgr, smooth, to_bytes
from filmgate.engines.draft.scenes.city_facades import Row
from filmgate.engines.draft.scenes.city_layers import Array, paste
from filmgate.engines.draft.scenes.city_street import Street, View

_BROAD_M = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Front:
    left_m: float
    top_m: float
    z_m: float
    ppm: float
    image: Array
    """Premultiplied BGRA."""


class Fronts:
    """The fronts of both sides, painted once."""

    def __init__(self, street: Street, light: Light, rows: dict[int, Row], seed: int) -> None:
        rng = np.random.default_rng((seed, 71))
        fronts: list[_Front] = []
        for side, row in rows.items():
            for i in range(1, len(row.heights_m)):
                z, roof = float(row.starts_m[i]), float(row.heights_m[i - 1])
                if float(row.heights_m[i]) > roof + 1 and 6 < z < 110:
                    fronts.append(_front(street, light, rng, side, row, i))
        self._fronts = sorted(fronts, key=lambda f: -f.z_m)

    def draw(self, out: Array, view: View) -> None:
        """Lay the fronts over the sky in `out`."""
        for front in self._fronts:
            if front.z_m - view.ahead_m < 2:
                continue
            left, top = view.at(front.left_m, front.top_m, front.z_m)
            k = view.scale(front.z_m) / front.ppm
            paste(out, front.image, np.array([[k, 0, left], [0, k, top]], np.float32))


def _front(
    street: Street, light: Light, rng: np.random.Generator, side: int, row: Row, i: int
) -> _Front:
    z, top, roof = float(row.starts_m[i]), float(row.heights_m[i]), float(row.heights_m[i - 1])
    ppm = float(np.clip(street.focal * street.height_px / z, 4, 40))
    w, h = int(_BROAD_M * ppm), max(int((top - roof + 6) * ppm), 4)
    x = ((np.arange(w, dtype=np.float32) + 0.5) / ppm)[None]
    y = (top - (np.arange(h, dtype=np.float32) + 0.5) / ppm)[:, None]
    colour = _painted(street, light, rng, row, i, x, y)
    clear = float(street.clear(z))
    lift = np.exp(-y / 30)[..., None] * 0.45 + 0.55
    colour = colour * clear + street.haze * lift * (1 - clear)
    image = to_bytes(colour, i)
    cover = np.full((h, w), 255, np.uint8)
    cover[0, :] = cover[:, 0 if side < 0 else -1] = 128
    image = (image * (cover[..., None] / 255)).astype(np.uint8)
    inner = street.wall_m
    left = inner if side > 0 else -inner - _BROAD_M
    return _Front(left_m=left, top_m=top, z_m=z, ppm=ppm, image=np.dstack([image, cover]))


def _painted(
    street: Street, light: Light, rng: np.random.Generator, row: Row, i: int, x: Array, y: Array
) -> Array:
    bay, floor = float(row.bay_m[i]) * 1.1, float(row.floor_m[i])
    fu, fv = (x / bay) % 1, (y / floor) % 1
    table = rng.random((int(y.max() / floor) + 2, int(_BROAD_M / bay) + 2))
    pick = table[np.floor(y / floor).astype(int), np.floor(x / bay).astype(int)].astype(np.float32)
    glass = (
        smooth(0.16, 0.24, fu)
        * smooth(0.84, 0.76, fu)
        * smooth(0.28, 0.36, fv)
        * smooth(0.9, 0.82, fv)
    )
    wall = row.walls[i] * light.ambient * np.float32(0.42 if street.is_dark else 0.5)
    colour = np.broadcast_to(wall, (*glass.shape, 3)) * (0.9 + 0.2 * smooth(0.1, 0, fv))[..., None]
    if not street.is_dark:
        colour = colour + row.walls[i] * light.sun * np.float32(0.12 * light.sun_strength)
    lit = (pick < 0.32) * (0.15 + 2.2 * pick)
    night = 1.0 if street.is_dark else 0.12
    warm = bgr(1.0, 0.74, 0.42) if i % 2 else bgr(0.75, 0.88, 1.0)
    pane = warm * (lit * night)[..., None] + light.middle * np.float32(
        0.08 if street.is_dark else 0.30
    )
    return (colour * (1 - glass[..., None]) + pane * glass[..., None]).astype(np.float32)
