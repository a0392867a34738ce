"""Drifting points of light: bokeh, fireflies, dust. They add light, they hide nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.noise import Bytes, Floats, smooth
from filmgate.engines.draft.scenes.meadow_view import placing


@dataclass(frozen=True, slots=True, kw_only=True)
class Mote:
    """One light. Lengths in frame heights from the middle of the picture, y downwards."""

    x: float
    y: float
    vx: float
    vy: float
    nearness: float
    strength: float
    phase: float
    pulse_hz: float
    sprite: int


def disc(radius_px: float, softness: float) -> Floats:
    """A disc of light, float32 [n, n] in 0..1; softness 0 is a hard coin, 1 a round glow."""
    half = math.ceil(radius_px * (1 + softness)) + 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    r = np.hypot(x, y) / radius_px
    coin = smooth(1 + softness, 1 - softness - 1.5 / radius_px, r) * (
        0.72 + 0.28 * smooth(0.4, 1, r)
    )
    glow = np.exp(-3.2 * r * r) * smooth(1 + softness, 0.2, r)
    return (coin * (1 - softness) + glow * softness).astype(np.float32)


def add_light(image: Bytes, sprite: Bytes, x_px: float, y_px: float) -> None:
    """Add a small picture's light to `image` in place, its middle at x, y (sub-pixel)."""
    n = sprite.shape[0]
    left, top = x_px - (n - 1) / 2, y_px - (n - 1) / 2
    i, j = math.floor(left), math.floor(top)
    x0, y0 = max(i, 0), max(j, 0)
    x1, y1 = min(i + n + 1, image.shape[1]), min(j + n + 1, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    move = np.array([[1, 0, left - i], [0, 1, top - j]], np.float32)
    moved = cv2.warpAffine(sprite, move, (n + 1, n + 1))[y0 - j : y1 - j, x0 - i : x1 - i]
    ground = image[y0:y1, x0:x1]
    cv2.add(ground, moved, dst=ground)


class Motes:
    """A cloud of lights that wander, breathe, and come round again unseen."""

    def __init__(
        self,
        *,
        count: int,
        colours: tuple[Floats, ...],
        seed: int,
        size: tuple[int, int],
        radius: tuple[float, float] = (0.004, 0.035),
        strength: float = 0.4,
        rise: float = 0.02,
        pulse_hz: tuple[float, float] = (0.05, 0.22),
        area: tuple[float, float] = (-0.6, 0.6),
    ) -> None:
        """`size` is width, height in pixels; `radius` and `area` (top, bottom) in frame heights."""
        self._width_px, self._height_px = size
        self._half_width = 0.5 * size[0] / size[1] + 0.35
        self._top, self._bottom = area
        rng = np.random.default_rng(seed)
        self._sprites: list[Floats] = []
        self._motes: list[Mote] = []
        for k in range(count):
            near = float(rng.uniform(0, 1) ** 1.7)
            radius_px = max((radius[0] + (radius[1] - radius[0]) * near) * size[1], 1.2)
            soft = float(np.clip(rng.normal(0.55 - 0.35 * near, 0.1), 0.12, 1.0))
            colour = (colours[k % len(colours)] * 255).astype(np.float32)
            sprite = disc(radius_px, soft)[..., None] * colour
            self._sprites.append(sprite.astype(np.float32))
            self._motes.append(
                Mote(
                    x=float(rng.uniform(-1, 1)) * self._half_width,
                    y=float(rng.uniform(*area)),
                    vx=float(rng.normal(0, 0.012)),
                    vy=float(-rise * rng.uniform(0.3, 1.4)),
                    nearness=0.4 + 0.9 * near,
                    strength=strength * (1 - 0.62 * near) * float(rng.uniform(0.5, 1)),
                    phase=float(rng.uniform(0, 2 * math.pi)),
                    pulse_hz=float(rng.uniform(*pulse_hz)),
                    sprite=k,
                )
            )

    def shine(self, image: Bytes, glow: Bytes | None, t_s: float, pose: Pose) -> None:
        """Add the lights at `t_s` to the picture, and to its quarter-size glow."""
        for mote in self._motes:
            self._shine_one(mote, image, glow, t_s, pose)

    def _shine_one(
        self, mote: Mote, image: Bytes, glow: Bytes | None, t_s: float, pose: Pose
    ) -> None:
        span_y = self._bottom - self._top
        sway = 0.02 * math.sin(0.7 * t_s * (0.6 + mote.pulse_hz) + mote.phase)
        x = (mote.x + mote.vx * t_s + sway + self._half_width) % (2 * self._half_width)
        y = (mote.y + mote.vy * t_s + 0.6 * sway - self._top) % span_y
        edge = min(x, 2 * self._half_width - x, y, span_y - y)
        pulse = 0.5 + 0.5 * math.sin(2 * math.pi * mote.pulse_hz * t_s + mote.phase * 3)
        power = mote.strength * (0.25 + 0.75 * pulse) * min(max(edge / 0.08, 0), 1)
        if power < 0.01:
            return
        where = placing(pose, mote.nearness)
        h = self._height_px
        x_px = self._width_px / 2 + ((x - self._half_width) * where.scale + where.dx) * h
        y_px = h / 2 + ((y + self._top) * where.scale + where.dy) * h
        sprite = cv2.convertScaleAbs(self._sprites[mote.sprite], alpha=power).astype(np.uint8)
        add_light(image, sprite, x_px, y_px)
        if glow is not None:
            small = cv2.resize(sprite, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
            small = np.ascontiguousarray(small[: min(small.shape[:2]), : min(small.shape[:2])])
            add_light(glow, small.astype(np.uint8), x_px / 4, y_px / 4)
