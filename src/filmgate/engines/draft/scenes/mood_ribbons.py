"""Ribbons of silk light that twist over a deep gradient. One of the mood's styles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Pose
from filmgate.engines.draft.noise import Bytes, Floats, smooth
from filmgate.engines.draft.scenes.meadow_view import placing
from filmgate.engines.draft.scenes.mood_palette import Palette, mood_number

_ACROSS = 384
_GAINS = 96


_Wave = tuple[float, float, float, float]
"""Amplitude, radians a frame height, radians a second, phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ribbon:
    base: float
    width: float
    waves: tuple[_Wave, ...]
    twist: tuple[float, float, float]
    nearness: float
    silk: int


class Ribbons:
    """Five to seven ribbons; in a tall picture they rise like smoke."""

    def __init__(self, look: Look, palette: Palette, size: tuple[int, int]) -> None:
        self._size = size
        self._is_tall = size[1] > size[0] * 1.15
        self._long_px, self._short_px = (size[1], size[0]) if self._is_tall else size
        self._height_px = size[1]
        seed = mood_number(look)
        rng = np.random.default_rng(seed)
        pairs = (
            (palette.middle, palette.bright),
            (palette.accent, palette.bright),
            (palette.dark * 1.5, palette.accent),
            (palette.middle * 0.7, palette.accent),
        )
        self._silks = [_silk(a, b, seed + k) for k, (a, b) in enumerate(pairs)]
        self._ribbons = [_ribbon(rng, k, len(pairs)) for k in range(int(rng.integers(6, 8)))]
        self._backdrop = Backdrop(palette, size, seed, has_glow="glow" not in look.without)

    def image(self, t_s: float, pose: Pose) -> Bytes:
        """Paint the ribbons at `t_s`, BGR uint8 [height, width, 3]."""
        image = self._backdrop.image(t_s, pose)
        if self._is_tall:
            image = cv2.transpose(image).astype(np.uint8)
        for ribbon in self._ribbons:
            self._lay(image, ribbon, t_s, pose)
        return cv2.transpose(image).astype(np.uint8) if self._is_tall else image

    def _lay(self, image: Bytes, ribbon: _Ribbon, t_s: float, pose: Pose) -> None:
        where = placing(pose, ribbon.nearness)
        h = self._height_px
        along, across = (where.dy, where.dx) if self._is_tall else (where.dx, where.dy)
        u = ((np.arange(self._long_px, dtype=np.float32) - self._long_px / 2) / h - along) / (
            where.scale
        )
        spread = self._short_px / h
        y = np.full_like(u, ribbon.base * spread)
        for amplitude, k, omega, phase in ribbon.waves:
            y += (amplitude * spread * np.sin(k * u + omega * t_s + phase)).astype(np.float32)
        k, omega, phase = ribbon.twist
        turn = np.sin(k * u + omega * t_s + phase)
        width = ribbon.width * spread * np.sqrt(turn * turn + 0.012)
        gain = (
            0.16
            + 0.34 * np.exp(-2.6 * np.abs(turn))
            + 0.30 * (0.5 + 0.5 * np.sin(0.7 * k * u - 1.3 * omega * t_s + 2 * phase))
        )
        y_px = (y * where.scale + across) * h + self._short_px / 2
        width_px = np.maximum(width * where.scale * h, 34)
        top = max(int(np.floor(y_px.min())) - 8, 0)
        bottom = min(int(np.ceil((y_px + width_px).max())) + 2, self._short_px)
        if top >= bottom:
            return
        rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        step = ((_ACROSS - 1) / 1.04 / width_px).astype(np.float32)
        v = rows * step - (y_px * step - _ACROSS * 0.04).astype(np.float32)
        g = np.broadcast_to((gain * (_GAINS - 1)).astype(np.float32), v.shape)
        light = cv2.remap(
            self._silks[ribbon.silk], np.ascontiguousarray(g), v, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )  # fmt: skip
        ground = image[top:bottom]
        cv2.add(ground, light, dst=ground)


def _ribbon(rng: np.random.Generator, k: int, silks: int) -> _Ribbon:
    is_thread = k % 3 == 2

    def wave(high: tuple[float, float], k: tuple[float, float], pace: tuple[float, float]) -> _Wave:
        side = float(rng.choice([-1, 1]))
        return (
            float(rng.uniform(*high)), float(rng.uniform(*k)), side * float(rng.uniform(*pace)),
            float(rng.uniform(0, math.tau)),
        )  # fmt: skip

    _, turns, pace, phase = wave((1, 1), (1.2, 2.6), (0.15, 0.4))
    return _Ribbon(
        base=float(rng.uniform(-0.36, 0.20)),
        width=float(rng.uniform(0.03, 0.07) if is_thread else rng.uniform(0.22, 0.42)),
        waves=(
            wave((0.08, 0.16), (1.2, 2.4), (0.12, 0.30)),
            wave((0.03, 0.07), (3.0, 5.0), (0.20, 0.45)),
        ),
        twist=(turns, pace, phase),
        nearness=float(rng.uniform(0.35, 1.2)),
        silk=k % silks,
    )


def _silk(body: Floats, edge: Floats, seed: int) -> Bytes:
    """A bright hem, then a fading veil, for every brightness: BGR uint8 [across, gains, 3]."""
    v = (np.arange(_ACROSS, dtype=np.float32) / (_ACROSS - 1) * 1.04 - 0.04)[:, None, None]
    rng = np.random.default_rng(seed)
    fibres = cv2.GaussianBlur(rng.uniform(0, 1, (_ACROSS, 1)).astype(np.float32), (1, 9), 1.6)
    folds = 0.5 + 0.5 * np.sin(v[:, 0] * math.tau * rng.uniform(1.2, 2.4) + rng.uniform(0, 6))
    cloth = (0.72 + 0.4 * fibres) * (0.66 + 0.34 * folds)
    hem = np.exp(-((v / 0.026) ** 2)) + 0.45 * np.exp(-np.maximum(v, 0) / 0.09) * (v > 0)
    veil = np.exp(-2.6 * np.maximum(v, 0)) * smooth(1, 0.55, v) * smooth(-0.03, 0.03, v)
    gain = (np.arange(_GAINS, dtype=np.float32) / (_GAINS - 1))[None, :, None]
    colour = body * veil * cloth[..., None] * (0.35 + 1.1 * gain) + edge * hem * (0.2 + gain)
    colour[[0, -1]] = 0
    return np.clip(colour * gain * 255 * 1.25, 0, 255).astype(np.uint8)


class Backdrop:
    """A deep gradient with two slow clouds of light, painted small."""

    def __init__(
        self, palette: Palette, size: tuple[int, int], seed: int, *, has_glow: bool
    ) -> None:
        self._size = size
        self._palette = palette
        rng = np.random.default_rng(seed ^ 0xBAC)
        self._phases = rng.uniform(0, math.tau, 6)
        self._side = float(rng.choice([-1, 1]))
        self._lamps = ((palette.middle, 0.42), (palette.accent, 0.20)) if has_glow else ()

    def image(self, t_s: float, pose: Pose) -> Bytes:
        """Paint the gradient at `t_s`, BGR uint8 [height, width, 3]."""
        width, height = self._size
        where = placing(pose, 0.12)
        n, m = max(height // 8, 2), max(width // 8, 2)
        y = (((np.arange(n, dtype=np.float32) + 0.5) / n - 0.5 - where.dy) / where.scale)[:, None]
        x = ((np.arange(m, dtype=np.float32) + 0.5) / m - 0.5) * np.float32(width / height)
        x = ((x - where.dx) / where.scale)[None]
        p, aspect = self._palette, width / height
        slope = np.clip(y + 0.5 + 0.25 * self._side * x / aspect, 0, 1)[..., None]
        colour = p.deep + (p.dark - p.deep) * (0.15 + 0.75 * smooth(0.1, 1.1, slope))
        for k, (tone, power) in enumerate(self._lamps):
            a, b, c = self._phases[3 * k : 3 * k + 3]
            cx = (0.30 * math.sin(0.11 * t_s + a) + 0.12 * self._side * (1 - 2 * k)) * aspect
            cy = 0.26 * math.sin(0.09 * t_s + b)
            d2 = (x - cx) ** 2 / max(aspect, 0.8) + (y - cy) ** 2
            breath = 0.85 + 0.15 * math.sin(0.4 * t_s + c)
            colour = colour + tone * (power * breath * np.exp(-4.2 * d2))[..., None]
        small = np.clip(colour * 255 * (0.9 - 0.1 * y[..., None]), 0, 255).astype(np.float32)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
