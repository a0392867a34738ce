"""Waves of dunes, or of a slow sea, receding into glowing haze. One of the mood's styles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Pose
from filmgate.engines.draft.noise import Bytes, Floats, smooth
from filmgate.engines.draft.scenes.meadow_view import placing
from filmgate.engines.draft.scenes.mood_palette import Palette, mood_number
from filmgate.engines.draft.scenes.mood_ribbons import Backdrop

_ACROSS = 256
_LIGHTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ridge:
    base: float
    nearness: float
    waves: tuple[tuple[float, float, float, float], ...]
    flank: Bytes


class Dunes:
    """Eight ridges, far to near, each lit along its crest."""

    def __init__(self, look: Look, palette: Palette, size: tuple[int, int]) -> None:
        self._size = size
        seed = mood_number(look)
        rng = np.random.default_rng(seed)
        self._has_glow = "glow" not in look.without
        self._backdrop = Backdrop(palette, size, seed, has_glow=self._has_glow)
        count = 8
        self._ridges = [_ridge(rng, k / (count - 1), palette) for k in range(count)]
        self._sun_x = float(rng.uniform(-0.32, 0.32)) * min(size[0] / size[1], 1.4)
        self._sun = np.clip(palette.bright * 255, 0, 255).astype(np.float32)

    def image(self, t_s: float, pose: Pose) -> Bytes:
        """Paint the ridges at `t_s`, BGR uint8 [height, width, 3]."""
        image = self._backdrop.image(t_s, pose)
        self._shine(image, pose)
        curves = [self._crest(ridge, t_s, pose) for ridge in self._ridges]
        for k, ridge in enumerate(self._ridges):
            below = curves[k + 1][0] if k + 1 < len(curves) else None
            self._lay(image, ridge, *curves[k], below)
        return image

    def _shine(self, image: Bytes, pose: Pose) -> None:
        """Add a low sun, or moon, and the air it lights."""
        width, height = self._size
        where = placing(pose, 0.02)
        n, m = height // 4, width // 4
        y = ((np.arange(n, dtype=np.float32) + 0.5) / n - 0.5 - where.dy) / where.scale + 0.19
        x = ((np.arange(m, dtype=np.float32) + 0.5) / m - 0.5) * np.float32(width / height)
        r = np.hypot((x[None] - where.dx) / where.scale - self._sun_x, y[:, None])
        light = 0.8 * smooth(0.060, 0.050, r)
        if self._has_glow:
            light = light + 0.30 * np.exp(-4.5 * r) + 0.30 * np.exp(-14 * r)
        air = (np.minimum(light, 1)[..., None] * self._sun).astype(np.uint8)
        cv2.add(image, cv2.resize(air, (width, height), interpolation=cv2.INTER_CUBIC), dst=image)

    def _crest(self, ridge: _Ridge, t_s: float, pose: Pose) -> tuple[Floats, Floats, float]:
        """The crest's height in px, its light 0..1, and px a frame height."""
        width, h = self._size
        where = placing(pose, ridge.nearness)
        u = ((np.arange(width, dtype=np.float32) - width / 2) / h - where.dx) / where.scale
        y = np.full_like(u, ridge.base)
        slope = np.zeros_like(u)
        for amplitude, k, omega, phase in ridge.waves:
            angle = k * u + omega * t_s + phase
            y += amplitude * np.sin(angle)
            slope += amplitude * k * np.cos(angle)
        light = 0.5 + 0.5 * np.tanh(4.5 * slope * np.sign(self._sun_x + 1e-6))
        light = 0.06 + 0.66 * light + 0.28 * np.exp(-4 * (u - self._sun_x) ** 2)
        y_px = ((y * where.scale + where.dy + 0.5) * h).astype(np.float32)
        return y_px, light.astype(np.float32), where.scale * h

    def _lay(
        self, image: Bytes, ridge: _Ridge, y_px: Floats, light: Floats, unit_px: float,
        below: Floats | None,
    ) -> None:  # fmt: skip
        height = self._size[1]
        top = max(int(np.floor(y_px.min())) - 1, 0)
        bottom = height if below is None else min(int(np.ceil(below.max())) + 2, height)
        if top >= bottom:
            return
        rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        deep = rows - y_px
        alpha = np.clip(deep + 0.5, 0, 1)
        v = deep * np.float32(_ACROSS / (0.42 * unit_px))
        g = np.broadcast_to(light * (_LIGHTS - 1), v.shape)
        flank = cv2.remap(
            ridge.flank, np.ascontiguousarray(g), v, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        ground = image[top:bottom]
        ground[:] = cv2.blendLinear(flank, ground, alpha, 1 - alpha)


def _ridge(rng: np.random.Generator, depth: float, p: Palette) -> _Ridge:
    """A ridge; depth 0 is the farthest, 1 the nearest."""
    size = 0.35 + 0.65 * depth
    waves = tuple(
        (
            amplitude * size,
            k * (1.7 - 0.9 * depth) * float(rng.uniform(0.8, 1.25)),
            float(rng.uniform(0.06, 0.16)) * (0.6 + depth),
            float(rng.uniform(0, math.tau)),
        )
        for amplitude, k in ((0.085, 1.9), (0.040, 3.7), (0.012, 8.3))
    )
    return _Ridge(
        base=-0.06 + 0.58 * depth**1.25,
        nearness=0.15 + 1.0 * depth,
        waves=waves,
        flank=_flank(p, depth),
    )


def _flank(p: Palette, depth: float) -> Bytes:
    v = np.linspace(0, 1, _ACROSS, dtype=np.float32)[:, None, None]
    light = np.linspace(0, 1, _LIGHTS, dtype=np.float32)[None, :, None]
    haze = p.middle * 0.75 + p.bright * 0.25
    body = p.dark * (0.5 + 0.3 * (1 - depth)) + p.middle * (0.85 * light**1.4)
    crest = (p.accent * 0.5 + p.bright * 0.75) * np.exp(-v / 0.035) * light**2.2
    sheen = p.accent * np.exp(-v / 0.22) * light * 0.4
    colour = body * np.exp(-1.7 * v) + p.deep * (1 - np.exp(-1.7 * v)) + crest + sheen
    share = 0.72 * (1 - depth) ** 1.3
    colour = colour + (haze - colour) * share
    return np.clip(colour * 255, 0, 255).astype(np.uint8)
