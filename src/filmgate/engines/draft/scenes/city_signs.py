"""Neon signs that hang out over the street: their drawing by lot and their flicker.

The writing on them is made of strokes that mean nothing in any script.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.noise import film, fixed
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign facing the camera. Lengths in metres; its picture is `MARGIN_M` wider all round."""

    x_m: float
    y_m: float
    z_m: float
    width_m: float
    height_m: float
    colour: Array
    face: Array
    """Panel and lit tubes, premultiplied BGRA."""
    light: Array
    """The tubes alone, BGR, quarter size."""
    ppm: float
    """Pixels of a metre in the pictures."""
    phase: float
    is_nervous: bool

    def strength(self, t_s: float) -> float:
        """How brightly it burns now, 0.55..1."""
        hum = 0.035 * np.sin(t_s * 7.3 + self.phase * 9) + 0.025 * np.sin(
            t_s * 11.9 + self.phase * 5
        )
        dip = 0.0
        if self.is_nervous:
            wave = np.sin(t_s * 1.1 + self.phase) + np.sin(t_s * 2.9 + self.phase * 3)
            dip = 0.38 * float(np.clip(wave - 1.1, 0, 0.4) / 0.4)
        return float(0.94 + hum - dip)


MARGIN_M = 0.5
_LIGHT_STEP = 4


def matrix_of(sign: Sign, view: View, part: float = 1.0) -> Array:
    """Where a sign stands in the frame (or in a picture `part` times its size)."""
    left, top = view.at(sign.x_m - MARGIN_M, sign.y_m + sign.height_m + MARGIN_M, sign.z_m)
    k = view.scale(sign.z_m) / sign.ppm
    if part < 1:
        k *= _LIGHT_STEP
    return np.array([[k, 0, left], [0, k, top]], np.float32) * np.float32(part)


def signs_of(street: Street, rng: np.random.Generator) -> list[Sign]:
    """Hang signs on both walls, far ones first."""
    signs: list[Sign] = []
    for side in (-1, 1):
        z = float(rng.uniform(8.5, 11))
        while z < 95:
            signs.append(_sign(street, rng, side, z))
            if z < 40 and rng.random() < 0.45:
                signs.append(
                    _sign(
                        street, rng, side, z + 0.8, above_m=signs[-1].y_m + signs[-1].height_m + 0.5
                    )
                )
            z *= float(rng.uniform(1.16, 1.42))
    return sorted(signs, key=lambda s: -s.z_m)


def _sign(
    street: Street, rng: np.random.Generator, side: int, z_m: float, above_m: float = 0.0
) -> Sign:
    upright = rng.random() < 0.76
    width = float(rng.uniform(0.8, 1.25) if upright else rng.uniform(1.6, 2.6))
    height = float(rng.uniform(2.6, 5.6) if upright else rng.uniform(0.8, 1.5))
    base = above_m or float(rng.uniform(3.4, 6.0) + 0.05 * z_m)
    inner = street.wall_m - 0.15
    x = inner - width if side > 0 else -inner
    ppm = float(np.clip(street.focal * street.height_px / max(z_m - 2.0, 4) * 1.1, 6, 110))
    colour = street.palette[int(rng.choice(3, p=[0.45, 0.33, 0.22]))]
    second = street.palette[int(rng.integers(3))]
    panel, light = _drawing(rng, width, height, ppm, colour, second, upright)
    panel = _hazed(panel, street, z_m)
    light = cv2.convertScaleAbs(light, alpha=float(street.clear(z_m)) ** 0.6)
    face = np.dstack([cv2.add(panel[..., :3], light), panel[..., 3]])
    small = (max(light.shape[1] // _LIGHT_STEP, 1), max(light.shape[0] // _LIGHT_STEP, 1))
    light = cv2.resize(light, small, interpolation=cv2.INTER_AREA)
    return Sign(
        x_m=x,
        y_m=base,
        z_m=z_m,
        width_m=width,
        height_m=height,
        colour=colour,
        face=face,
        light=light,
        ppm=ppm,
        phase=float(rng.uniform(0, 6)),
        is_nervous=bool(rng.random() < 0.18),
    )


def _hazed(panel: Array, street: Street, z_m: float) -> Array:
    veil = film(street.haze) * 255 * (1 - float(street.clear(z_m)))
    cover = panel[..., 3:].astype(np.float32) / 255
    body = panel[..., :3] * float(street.clear(z_m)) + veil * cover
    return np.dstack([body.astype(np.uint8), panel[..., 3]])


def _drawing(
    rng: np.random.Generator,
    width_m: float,
    height_m: float,
    ppm: float,
    colour: Array,
    second: Array,
    upright: bool,
) -> tuple[Array, Array]:
    """Return the panel, premultiplied BGRA, and the light of its tubes, BGR."""
    w, h = int((width_m + 2 * MARGIN_M) * ppm), int((height_m + 2 * MARGIN_M) * ppm)
    m = MARGIN_M * ppm
    inner = np.array([[m, m], [w - m, m], [w - m, h - m], [m, h - m]])
    cover = np.zeros((h, w), np.uint8)
    cv2.fillPoly(cover, [fixed(inner)], 255, cv2.LINE_AA, 4)
    main, other = np.zeros((h, w), np.uint8), np.zeros((h, w), np.uint8)
    tube = max(round(0.055 * ppm), 1)
    inset = 0.09 * ppm
    cv2.polylines(
        other,
        [fixed(inner + np.sign(inner.mean(0) - inner) * inset)],
        True,
        255,
        tube,
        cv2.LINE_AA,
        4,
    )
    count = (
        max(round(height_m / width_m), 1) if upright else max(round(width_m / height_m * 1.2), 1)
    )
    for i in range(count):
        share = (i + 0.5) / count
        centre = np.array(
            [w / 2, m + (h - 2 * m) * share] if upright else [m + (w - 2 * m) * share, h / 2]
        )
        cell = min(width_m, height_m / count) if upright else min(height_m, width_m / count)
        _glyph(main, rng, centre, 0.60 * cell * ppm, tube)
    if rng.random() < 0.4:  # a lit box: the panel itself shines, the writing is dark on it
        box = cv2.convertScaleAbs(cv2.subtract(cover, main), alpha=0.30)
        light = cv2.add(_tubes(box, colour, ppm), _tubes(other, second, ppm))
    else:
        light = cv2.add(_tubes(main, colour, ppm), _tubes(other, second, ppm))
    dark = np.zeros((h, w, 3), np.uint8)
    dark[:] = (film(colour * 0.03 + 0.012) * 255).astype(np.uint8)
    dark = cv2.multiply(dark, cv2.merge([cover] * 3), scale=1 / 255)
    return np.dstack([dark, cover]), light


def _glyph(ink: Array, rng: np.random.Generator, centre: Array, size: float, tube: int) -> None:
    """Strokes on a 3 by 3 grid: bars across, bars down, sometimes a slanted one or a ring."""
    grid = (np.arange(3) - 1) * size / 2
    strokes: list[tuple[float, float, float, float]] = []
    for row in rng.permutation(3)[: int(rng.integers(1, 4))]:
        a, b = sorted(rng.choice(3, 2, replace=False))
        strokes.append((float(grid[a]), float(grid[row]), float(grid[b]), float(grid[row])))
    for column in rng.permutation(3)[: int(rng.integers(1, 3))]:
        a, b = sorted(rng.choice(3, 2, replace=False))
        strokes.append((float(grid[column]), float(grid[a]), float(grid[column]), float(grid[b])))
    if rng.random() < 0.5:
        slant = float(grid[int(rng.choice([0, 2]))])
        strokes.append((float(grid[1]), float(grid[0]), slant, float(grid[2])))
    for x0, y0, x1, y1 in strokes:
        ends = fixed(centre + np.array([[x0, y0], [x1, y1]]))
        cv2.line(ink, ends[0].tolist(), ends[1].tolist(), 255, tube, cv2.LINE_AA, 4)
    if rng.random() < 0.22:
        cv2.circle(ink, fixed(centre).tolist(), int(size * 0.55 * 16), 255, tube, cv2.LINE_AA, 4)


def _tubes(ink: Array, colour: Array, ppm: float) -> Array:
    """Light of tubes with this ink: white-hot cores, coloured rims, a halo."""
    core = ink.astype(np.float32) / 255
    near = cv2.GaussianBlur(core, (0, 0), max(0.07 * ppm, 0.6))
    wide = cv2.GaussianBlur(core, (0, 0), max(0.26 * ppm, 1.0))
    strength = core * 0.85 + near * 0.5 + wide * 0.22
    light = colour * strength[..., None] + (0.16 * core**3)[..., None]
    fade = _fade(ink.shape[0], ink.shape[1], MARGIN_M * ppm)
    return (film(light * 0.75) * fade[..., None] * 255).astype(np.uint8)


def _fade(h: int, w: int, margin: float) -> Array:
    """1 inside, 0 at the border, so that a halo has no edge."""
    x = np.minimum(np.arange(w) + 0.5, w - np.arange(w) - 0.5) / margin
    y = np.minimum(np.arange(h) + 0.5, h - np.arange(h) - 0.5) / margin
    return (np.clip(x, 0, 1)[None] * np.clip(y, 0, 1)[:, None]).astype(np.float32)
