"""A nebula: folded clouds of coloured gas that slowly turn inside out. One of the mood's styles."""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Pose
from filmgate.engines.draft.noise import Bytes, Floats, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.meadow_view import placing
from filmgate.engines.draft.scenes.mood_palette import Palette, mood_number

_SHARE = 3
"""The gas is painted at a third of the size."""


class Nebula:
    """Domain-warped noise, lit from inside, before far stars."""

    def __init__(self, look: Look, palette: Palette, size: tuple[int, int]) -> None:
        self._size = size
        seed = mood_number(look)
        rng = np.random.default_rng(seed)
        self._soft = tile_noise(1.9, seed + 1, 256)
        self._fine = tile_noise(1.45, seed + 2, 512)
        self._gas = _gas_colours(palette)
        self._phase = rng.uniform(0, 1, 8)
        self._heart = (float(rng.uniform(-0.28, 0.28)), float(rng.uniform(-0.16, 0.16)))
        self._turn = float(rng.uniform(0, math.tau))
        has_stars = not look.without & {"stars", "particles"}
        self._stars = _stars(size, seed) if has_stars else None
        self._heat = 0.25 if "glow" in look.without else 1.0
        self._lift = 0.0
        self._lift = 0.36 - float(self._fields(0.0, Pose())[0].mean())

    def image(self, t_s: float, pose: Pose) -> Bytes:
        """Paint the gas at `t_s`, BGR uint8 [height, width, 3]."""
        width, height = self._size
        density, lightness = self._fields(t_s, pose)
        gas = cv2.remap(self._gas, lightness * 255, density * 255, cv2.INTER_LINEAR)
        image = cv2.resize(gas, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        if self._stars is not None:
            self._twinkle(image, self._stars, pose)
        return image

    def _fields(self, t_s: float, pose: Pose) -> tuple[Floats, Floats]:
        width, height = self._size
        where = placing(pose, 0.5)
        n, m = height // _SHARE, width // _SHARE
        y = (((np.arange(n, dtype=np.float32) + 0.5) / n - 0.5 - where.dy) / where.scale)[:, None]
        x = ((np.arange(m, dtype=np.float32) + 0.5) / m - 0.5) * np.float32(width / height)
        x = ((x - where.dx) / where.scale)[None]
        c, s = math.cos(self._turn), math.sin(self._turn)
        u, v = x * c + y * s, y * c - x * s
        p = self._phase
        warp_x = sample(self._soft, 0.34 * u + p[0] + 0.011 * t_s, 0.34 * v + p[1])
        warp_y = sample(self._soft, 0.34 * u + p[2], 0.34 * v + p[3] - 0.013 * t_s)
        a = 0.42 * u + 0.42 * warp_x + p[4]
        b = 0.42 * v + 0.42 * warp_y + p[5]
        cloud = sample(self._fine, a + 0.006 * t_s, b)
        veil = sample(self._fine, 0.5 * b + p[6] - 0.004 * t_s, 0.5 * a + p[7])
        hx, hy = self._heart
        d2 = ((x - hx) ** 2 / max(width / height, 0.8) + (y - hy) ** 2) * 3.4
        heart = np.exp(-d2, dtype=np.float32) * np.float32(self._heat)
        density = cloud * (0.46 + 0.55 * heart) + 0.20 * (warp_x - 0.5) + self._lift
        lightness = np.clip(0.55 * veil + 0.55 * heart * warp_y + 0.14, 0, 1)
        return np.clip(density, 0, 1).astype(np.float32), lightness.astype(np.float32)

    def _twinkle(self, image: Bytes, stars: Bytes, pose: Pose) -> None:
        width, height = self._size
        where = placing(pose, 0.08)
        move = np.array(
            [[where.scale, 0, width / 2 * (1 - where.scale) + where.dx * height],
             [0, where.scale, height / 2 * (1 - where.scale) + where.dy * height]],
            np.float32,
        )  # fmt: skip
        sky = cv2.warpAffine(stars, move, (width, height), borderMode=cv2.BORDER_WRAP)
        cv2.add(image, sky, dst=image)


def _gas_colours(p: Palette) -> Bytes:
    """Colours by density (rows) and lightness (columns), BGR uint8 [256, 256, 3]."""
    d = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None]
    li = np.linspace(0, 1, 256, dtype=np.float32)[None, :, None]
    hue = p.middle + (p.accent - p.middle) * smooth(0.3, 0.75, li)
    colour = p.deep * 0.8 + (p.dark - p.deep) * smooth(0.1, 0.42, d)
    colour = colour + hue * (smooth(0.25, 0.95, d) * (0.2 + 0.65 * li))
    colour = colour + p.bright * (smooth(0.5, 1.0, d) * smooth(0.4, 1.0, li) * 0.75)
    shoulder = np.where(colour > 0.5, 0.5 + 0.46 * np.tanh((colour - 0.5) / 0.62), colour)
    return np.clip(shoulder * 255, 0, 255).astype(np.uint8)


def _stars(size: tuple[int, int], seed: int) -> Bytes:
    width, height = size
    rng = np.random.default_rng(seed + 9)
    sky = np.zeros((height, width, 3), np.float32)
    count = round(420 * width / height)
    tints = np.array([(255, 235, 215), (235, 240, 255), (215, 230, 255)], np.float32)
    for _ in range(count):
        x, y = int(rng.integers(2, width - 2)), int(rng.integers(2, height - 2))
        power = float(rng.pareto(2.2)) * 0.14 + 0.06
        sky[y, x] += tints[int(rng.integers(3))] * min(power, 1.6) * 1.6
    soft = cv2.GaussianBlur(sky, (0, 0), 0.75) + 0.6 * cv2.GaussianBlur(sky, (0, 0), 2.2)
    return np.clip(soft * 1.6, 0, 255).astype(np.uint8)
