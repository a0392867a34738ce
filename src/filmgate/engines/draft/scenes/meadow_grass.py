"""Rows of grass blades and flowers, painted once from far to near. No wind blows here."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.look import Look, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, fixed, smooth, to_bytes
from filmgate.engines.draft.scenes.meadow_frame import Framing
from filmgate.engines.draft.scenes.meadow_strip import Strip, strip_of

_NEAREST, _FARTHEST, _RATIO = 2.3, 0.11, 1.25
_PETALS = (
    (bgr(0.95, 0.93, 0.88), bgr(0.95, 0.62, 0.05)),
    (bgr(0.85, 0.10, 0.06), bgr(0.10, 0.03, 0.04)),
    (bgr(0.95, 0.72, 0.08), bgr(0.55, 0.28, 0.03)),
    (bgr(0.42, 0.22, 0.80), bgr(0.90, 0.75, 0.20)),
    (bgr(0.90, 0.42, 0.62), bgr(0.98, 0.85, 0.45)),
    (bgr(0.20, 0.38, 0.90), bgr(0.95, 0.95, 0.90)),
)


def grass_rows(look: Look, light: Light, framing: Framing, speed: float) -> list[Strip]:
    """Paint all rows, far to near; `speed` (frame heights a second) smears the near ones."""
    rng = np.random.default_rng((look.seed, 0x6A55))
    count = math.ceil(math.log(_NEAREST / _FARTHEST) / math.log(_RATIO))
    kinds = rng.permutation(len(_PETALS))[:3]
    green = float(rng.uniform(-1, 1))
    rows: list[Strip] = []
    for k in range(count + 1):
        nearness = _FARTHEST * _RATIO**k
        painter = _Row(look, light, framing, nearness, green, np.random.default_rng((look.seed, k)))
        rows.append(painter.strip([_PETALS[i] for i in kinds], speed))
    return rows


def _float(colour: NDArray[np.floating[Any]]) -> Floats:
    return colour.astype(np.float32)


class _Row:
    """Paints one row on a linear canvas that repeats sideways."""

    def __init__(
        self, look: Look, light: Light, framing: Framing, nearness: float, green: float,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._light, self._framing, self._nearness, self._rng = light, framing, nearness, rng
        self._is_snowy = look.weather is Weather.SNOW
        self._is_misty = look.weather is Weather.FOG
        self._has_flowers = "flowers" not in look.without and not self._is_snowy
        h = framing.height_px
        self._blade_px = max(0.30 * framing.body * nearness * h, 5.0)
        self._step_px = framing.eye * nearness * (_RATIO - 1) * h
        self._fringe = math.ceil(self._blade_px * 1.35) + 2
        self._rows = self._fringe + math.ceil(self._step_px * 1.35 + 6)
        if nearness * _RATIO > _NEAREST:
            self._rows = self._fringe + math.ceil(0.45 * h)
        self._period = math.ceil(framing.width_px * (1.15 + 0.12 * rng.uniform()))
        self._albedo(green)

    def _albedo(self, green: float) -> None:
        tip = bgr(0.30 + 0.05 * green, 0.46, 0.085)
        base = bgr(0.030, 0.085, 0.022)
        if self._is_snowy:
            tip, base = bgr(0.80, 0.84, 0.90), bgr(0.34, 0.38, 0.44)
        sun = self._light.sun * np.float32(self._light.sun_strength)
        lit = self._light.ambient * np.float32(0.62) + sun * np.float32(0.55)
        through = sun * bgr(0.16, 0.16, 0.02)
        self._lit = lit
        self._tip = tip * lit + (through if not self._is_snowy else 0)
        self._base = base * (self._light.ambient * np.float32(0.75))

    def strip(self, petals: list[tuple[Floats, Floats]], speed: float) -> Strip:
        """Paint the row; petals are (petal, heart) colours."""
        canvas = np.empty((self._rows, self._period, 3), np.float32)
        canvas[:] = self._base + (self._tip - self._base) * np.float32(0.22)
        cover = np.zeros((self._rows, self._period), np.uint8)
        rise = smooth(-0.42 * self._blade_px, 0, np.arange(self._rows) - self._fringe + 1.0)
        cover[:] = (rise[:, None] * 255).astype(np.uint8)
        levels = max(
            2, min(5, round((self._rows - self._fringe) / max(self._blade_px * 0.4, 3)) + 1)
        )
        density = max(self._period / max(self._blade_px * 0.11, 1.7), 30)
        for level in range(levels):
            root = self._fringe + level * (self._rows - self._fringe) / levels
            self._blades(canvas, cover, root, round(density / (1 + 0.35 * level)))
            if self._has_flowers and level < 2:
                self._flowers(canvas, cover, root, petals)
        return self._finished(canvas, cover, speed)

    def _blades(self, canvas: Floats, cover: Bytes, root: float, count: int) -> None:
        rng, n = self._rng, count
        x = rng.uniform(0, self._period, n)
        clump = 0.72 + 0.28 * np.sin(x / self._period * math.tau * 3 + root) * np.sin(
            x / self._period * math.tau * 7
        )
        tall = self._blade_px * np.clip(rng.normal(0.78, 0.2, n), 0.3, 1.3) * clump
        lean = tall * rng.normal(0.10, 0.30, n)
        half = np.maximum(self._blade_px * rng.uniform(0.018, 0.042, n), 0.45)
        y = root + rng.uniform(-0.05, 0.12, n) * self._blade_px
        tone = np.clip(rng.normal(0.55, 0.24, n), 0.08, 1.15)
        left = np.stack(
            [
                x - half,
                x - half * 0.8 + 0.35 * lean,
                x + lean,
                x + half * 0.8 + 0.35 * lean,
                x + half,
            ],
            1,
        )
        up = np.stack([y, y - 0.6 * tall, y - tall, y - 0.6 * tall, y], 1)
        shapes = fixed(np.stack([left, up], 2))
        colours = self._base + (self._tip - self._base) * tone[:, None]
        colours = (colours * rng.normal(1, 0.10, (n, 3))).tolist()
        wrap = np.array((self._period * 16, 0), np.int32)
        reach = 16 * self._blade_px
        for shape, colour, at in zip(shapes, colours, x * 16, strict=True):
            for turn in (shape, shape + wrap if at < reach else shape - wrap):
                cv2.fillConvexPoly(canvas, turn, colour, cv2.LINE_8, 4)
                cv2.fillConvexPoly(cover, turn, 255, cv2.LINE_AA, 4)
                if reach < at < 16 * self._period - reach:
                    break

    def _flowers(
        self, canvas: Floats, cover: Bytes, root: float, petals: list[tuple[Floats, Floats]]
    ) -> None:
        rng = self._rng
        count = rng.poisson(self._period / max(self._blade_px * 1.5, 9))
        size = self._blade_px * 0.085
        for _ in range(count):
            kind = int(min(rng.integers(0, 5) * 0.6, 2))
            x = float(rng.uniform(size * 3, self._period - size * 3))
            y = float(root - self._blade_px * rng.uniform(0.55, 1.08))
            petal, heart = petals[kind]
            lit = self._lit * float(rng.uniform(0.7, 1.05))
            r = size * float(rng.uniform(0.7, 1.25))
            self._flower(
                canvas, cover, x, max(y, r * 2.2), r, _float(petal * lit), _float(heart * lit)
            )

    def _flower(
        self, canvas: Floats, cover: Bytes, x: float, y: float, r: float, petal: Floats,
        heart: Floats,
    ) -> None:  # fmt: skip
        centre = tuple(fixed((x, y)).tolist())
        if r < 2.2:
            size = max(int(r * 18), 10)
            cv2.circle(canvas, centre, size, petal.tolist(), -1, cv2.LINE_8, 4)
            cv2.circle(cover, centre, size, (255,), -1, cv2.LINE_AA, 4)
            return
        turn = float(self._rng.uniform(0, 72))
        flat = float(self._rng.uniform(0.55, 0.9))
        for k in range(6):
            angle = math.radians(turn + 60 * k)
            at = tuple(fixed((x + r * math.cos(angle), y + r * flat * math.sin(angle))).tolist())
            axes = (int(r * 16 * 0.72), int(r * 16 * 0.5))
            shade = (petal * np.float32(0.82 + 0.18 * math.sin(angle + 2))).tolist()
            cv2.ellipse(canvas, at, axes, turn + 60 * k, 0, 360, shade, -1, cv2.LINE_8, 4)
            cv2.ellipse(cover, at, axes, turn + 60 * k, 0, 360, 255, -1, cv2.LINE_AA, 4)
        cv2.circle(canvas, centre, int(r * 16 * 0.42), heart.tolist(), -1, cv2.LINE_8, 4)

    def _finished(self, canvas: Floats, cover: Bytes, speed: float) -> Strip:
        """Shade roots, add haze, blur what is out of focus or rushes past; to display bytes."""
        n, framing = self._nearness, self._framing
        y = np.arange(self._rows, dtype=np.float32)[:, None, None]
        root = smooth(self._fringe * 0.15, self._fringe * 1.25, y)
        canvas *= _float(1.06 - 0.36 * root)
        if n * _RATIO > _NEAREST:
            canvas *= _float(1 - 0.6 * smooth(self._fringe, self._rows, y))
        density = 1.5 if self._is_misty else 0.13
        share = np.float32(1 - math.exp(-density * max(1 / n - 1, 0) * 0.55))
        canvas += _float((self._light.haze * 0.9 - canvas) * (share * 0.86))
        colour = to_bytes(canvas, 5)
        colour, alpha = self._blurred(colour, cover, speed)
        return strip_of(
            colour,
            alpha[: self._fringe],
            view_px=framing.width_px,
            top=framing.ground_at(n) - self._fringe / framing.height_px,
            nearness=n,
            sway=0.20 * self._blade_px / framing.height_px,
            phase=float(self._rng.uniform(0, 6)),
        )

    def _blurred(self, colour: Bytes, cover: Bytes, speed: float) -> tuple[Bytes, Floats]:
        n, h = self._nearness, self._framing.height_px
        smear = int(min(0.36 * speed * n / 24, 0.035) * h) | 1
        focus = max(0.0, abs(math.log(n)) - 0.25) * 0.0032 * h if n > 1 else 0.45
        pad = 48
        both = np.concatenate([colour, cover[..., None]], 2)
        both = np.concatenate([both[:, -pad:], both, both[:, :pad]], 1)
        if smear > 1:
            both = cv2.blur(both, (smear, 1))
        both = cv2.GaussianBlur(both, (0, 0), focus) if focus > 0.3 else both
        both = both[:, pad:-pad]
        alpha = both[..., 3].astype(np.float32) / np.float32(255)
        return np.ascontiguousarray(both[..., :3]).astype(np.uint8), alpha
