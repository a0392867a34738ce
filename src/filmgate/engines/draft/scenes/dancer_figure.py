"""A dancer's picture: joints at a moment become a body on a sheet, and the sheet is lit.

No floor, no shadow here.

joints -> body (dancer_body) -> normals, colours, cover (dancer_sheet) -> lit picture
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.noise import film
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.dancer_body import Body, Outfit, draw_body
from filmgate.engines.draft.scenes.dancer_motion import Style, limbs_at, trunk_at
from filmgate.engines.draft.scenes.dancer_sheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """A light from a direction (x right, y up, z nearer); `edge` of it falls on outlines alone."""

    towards: Array
    colour: Array
    edge: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A dancer's picture; its top left corner is (left_m, top_m) right of and above the root."""

    image: Array
    cover: Array
    """float32 [h, w] in 0..1."""
    left_m: float
    top_m: float


_LAGS_S = (0.0, 0.07, 0.14, 0.21, 0.28)
"""How far back cloth and hair remember."""


def figure_at(
    style: Style, outfit: Outfit, t_s: float, ppm: float, ambient: Array, lamps: list[Lamp]
) -> Figure:
    """Paint a dancer at a moment; ppm: pixels of a metre; ambient: linear light from all sides."""
    past = [trunk_at(style, t_s - lag) for lag in _LAGS_S]
    trunk = past[0]
    limbs = limbs_at(style, trunk, t_s)
    points = np.array(
        [*limbs.tips, *limbs.wrists, *limbs.elbows, *limbs.ankles, *limbs.toes, trunk.head]
    )
    side = 0.62 if outfit.has_dress else 0.30
    left = min(points[:, 0].min() - 0.14, trunk.root[0] - side)
    right = max(points[:, 0].max() + 0.14, trunk.root[0] + side)
    top = max(float(points[:, 1].max()), float(trunk.head[1])) * 1.02 + 0.22
    size = int((right - left) * ppm) + 2, int((top + 0.10) * ppm) + 2
    sheet = Sheet(*size, ppm, float(left), float(top))
    draw_body(sheet, Body(trunk=trunk, limbs=limbs, past=past, outfit=outfit, t_s=t_s))
    return Figure(
        image=_lit(sheet, ambient, lamps), cover=sheet.cover, left_m=float(left), top_m=float(top)
    )


def _lit(sheet: Sheet, ambient: Array, lamps: list[Lamp]) -> Array:
    """Light what is covered; elsewhere the picture is black."""
    sheet.soften()
    covered = sheet.cover > 0
    normal, albedo = sheet.normal[covered], sheet.albedo[covered]
    nx, ny, nz = normal[:, 0], normal[:, 1], normal[:, 2]
    light = ambient * (0.62 + 0.38 * ny)[:, None]
    rim = np.clip(1.15 - nz, 0, 1) ** 2
    for lamp in lamps:
        d = lamp.towards
        facing = np.clip(nx * d[0] + ny * d[1] + nz * d[2], 0, 1) * np.float32(1 - lamp.edge)
        edge = np.clip(nx * d[0] + ny * d[1] + np.float32(0.15), 0, 1) * rim
        light += lamp.colour * (facing + edge * np.float32(1.6 * lamp.edge))[:, None]
    light *= albedo + (np.float32(0.05) * rim)[:, None]
    image = np.zeros((*sheet.cover.shape, 3), np.uint8)
    image[covered] = film(light) * 255
    return image
