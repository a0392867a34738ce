"""Birds far off and butterflies near by. They fly for ever and come round again unseen."""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.noise import Bytes, film, fixed
from filmgate.engines.draft.scenes.meadow_frame import Framing
from filmgate.engines.draft.scenes.meadow_view import placing


class Birds:
    """A loose flock under the clouds."""

    def __init__(self, framing: Framing, light: Light, seed: int) -> None:
        rng = np.random.default_rng((seed, 0xB12D))
        count = int(rng.integers(5, 10))
        self._half = framing.aspect / 2 + 0.3
        self._x = float(rng.uniform(-0.4, 0.2)) + rng.normal(0, 0.09, count)
        self._y = framing.horizon - 0.24 + rng.normal(0, 0.025, count)
        self._size = rng.uniform(0.008, 0.014, count)
        self._phase = rng.uniform(0, 6.3, count)
        self._pace = float(rng.choice([-1, 1])) * 0.028
        self._paint = tuple(float(v) for v in film(light.zenith * 0.25 + light.haze * 0.10) * 255)

    def fly(self, image: Bytes, t_s: float, pose: Pose) -> None:
        """Draw the flock at `t_s` over `image`."""
        height, width = image.shape[:2]
        where = placing(pose, 0.05)
        for x, y, size, phase in zip(self._x, self._y, self._size, self._phase, strict=True):
            at = (x + self._pace * t_s + self._half) % (2 * self._half) - self._half
            flap = math.sin(7.5 * t_s + phase) * (0.5 + 0.5 * math.sin(0.7 * t_s + 2 * phase))
            cx = width / 2 + (at * where.scale + where.dx) * height
            cy = (
                height / 2
                + ((y + 0.006 * math.sin(0.8 * t_s + phase)) * where.scale + where.dy) * height
            )
            r = size * where.scale * height
            up, out = cy - 0.30 * r - 0.2 * r * flap, cy - 0.55 * r * flap
            line = [
                (cx - r, out),
                (cx - 0.45 * r, up),
                (cx, cy),
                (cx + 0.45 * r, up),
                (cx + r, out),
            ]
            cv2.polylines(image, [fixed(line)], False, self._paint, 1, cv2.LINE_AA, 4)


class Butterflies:
    """Three or four, in uneven loops over the flowers."""

    def __init__(self, framing: Framing, light: Light, seed: int) -> None:
        rng = np.random.default_rng((seed, 0xF17))
        self._framing = framing
        self._count = int(rng.integers(3, 5))
        self._phase = rng.uniform(0, 6.3, (self._count, 4))
        self._x = rng.uniform(-0.42, 0.42, self._count) * framing.aspect
        self._y = framing.ground - rng.uniform(0.10, 0.30, self._count)
        paints = np.array(
            [(60, 170, 250), (235, 240, 250), (230, 150, 90), (90, 220, 245)], np.float32
        )
        level = np.clip(film(light.ambient * 0.8 + light.sun * 0.3 * light.sun_strength), 0.15, 1)
        self._paints = paints[rng.permutation(4)] * level

    def fly(self, image: Bytes, t_s: float, pose: Pose) -> None:
        """Draw them at `t_s` over `image`."""
        height, width = image.shape[:2]
        for k in range(self._count):
            a, b, c, d = self._phase[k]
            where = placing(pose, 0.85 + 0.1 * k)
            x = self._x[k] + 0.10 * math.sin(0.62 * t_s + a) + 0.05 * math.sin(1.7 * t_s + b)
            y = self._y[k] + 0.04 * math.sin(1.1 * t_s + c) + 0.02 * math.sin(3.1 * t_s + d)
            cx = width / 2 + (x * where.scale + where.dx) * height
            cy = height / 2 + (y * where.scale + where.dy) * height
            r = 0.016 * (0.8 + 0.15 * k) * where.scale * height
            open_share = 0.25 + 0.75 * abs(math.sin(11 * t_s + a))
            self._one(image, cx, cy, r, open_share, self._paints[k].tolist())

    def _one(
        self, image: Bytes, x: float, y: float, r: float, wide: float, paint: list[float]
    ) -> None:
        dark = [v * 0.35 for v in paint]
        for side in (-1, 1):
            span = side * r * wide
            upper = [(0, 0), (0.5, -1.0), (0.95, -1.02), (1.18, -0.8), (1.05, -0.2)]
            lower = [(0, 0), (0.9, -0.05), (0.92, 0.3), (0.7, 0.66), (0.25, 0.55)]
            upper = [(x + span * u, y + r * v) for u, v in upper]
            lower = [(x + span * u, y + r * v) for u, v in lower]
            cv2.fillConvexPoly(image, fixed(lower), [v * 0.85 for v in paint], cv2.LINE_AA, 4)
            cv2.fillConvexPoly(image, fixed(upper), paint, cv2.LINE_AA, 4)
        body = fixed([(x, y - 0.45 * r), (x, y + 0.45 * r)])
        cv2.line(image, body[0].tolist(), body[1].tolist(), dark, 1, cv2.LINE_AA, 4)
