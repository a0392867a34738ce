"""The meadow's sky at any moment: light, sun or moon, drifting clouds, stars. No land here."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.look import Look, Pose, TimeOfDay, Weather
from filmgate.engines.draft.noise import Bytes, Floats, film, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.meadow_frame import Framing
from filmgate.engines.draft.scenes.meadow_view import placing

_SHARE = 4
"""The sky is painted at a quarter of the size."""

_COVER = {
    Weather.CLEAR: 0.52, Weather.CLOUDY: 0.34, Weather.RAIN: 0.20, Weather.SNOW: 0.22,
    Weather.FOG: 0.30,
}  # fmt: skip
"""The noise above which there is cloud."""


class Sky:
    """Painted anew for every frame, small, because clouds drift and the sun does not."""

    def __init__(self, look: Look, light: Light, framing: Framing) -> None:
        self._light, self._framing = light, framing
        rng = np.random.default_rng((look.seed, 0x5C1))
        self._clouds = tile_noise(1.55, look.seed + 80)
        self._puffs = tile_noise(1.75, look.seed + 81)
        self._start = rng.uniform(0, 1, 4)
        self._cover = _COVER[look.weather] + float(rng.uniform(-0.05, 0.06))
        self._has_clouds = "clouds" not in look.without
        self._is_grey = look.weather in (Weather.RAIN, Weather.SNOW, Weather.FOG)
        side = float(rng.choice([-1, 1]))
        self.sun_x = side * min(0.20 + 0.18 * float(rng.uniform()), 0.36 * framing.aspect)
        self.sun_y = framing.horizon - (light.sun_height if light.sun_height > 0.2 else 0.10)
        if light.sun_height > 0.4:
            self.sun_y = -0.40
        lamp = "moon" if light.is_dark else "sun"
        self._has_lamp = lamp not in look.without
        self.has_disc = look.weather is Weather.CLEAR and self._has_lamp
        self._stars: Bytes | None = None
        if look.time is TimeOfDay.NIGHT and not self._is_grey and "stars" not in look.without:
            self._stars = _stars(framing, look.seed)

    def lay(self, image: Bytes, t_s: float, pose: Pose) -> None:
        """Paint the sky over the whole of `image`, below the horizon too."""
        height, width = image.shape[:2]
        where = placing(pose, 0.0)
        n, m = math.ceil(height / _SHARE), math.ceil(width / _SHARE)
        y = (((np.arange(n, dtype=np.float32) + 0.5) / n - 0.5 - where.dy) / where.scale)[:, None]
        x = ((np.arange(m, dtype=np.float32) + 0.5) / m - 0.5) * np.float32(width / height)
        x = ((x - where.dx) / where.scale)[None]
        below = int(np.searchsorted(y[:, 0], self._framing.horizon + 0.05))
        up = np.maximum(self._framing.horizon - y[: max(below, 2)], 0)
        small = np.empty((n, m, 3), np.uint8)
        lit = film(self._light_at(x, up, t_s))
        small[: len(lit)] = np.clip(lit * 255 + 0.5, 0, 255).astype(np.uint8)
        small[len(lit) :] = small[len(lit) - 1]
        cv2.resize(small, (width, height), dst=image, interpolation=cv2.INTER_CUBIC)
        if self._stars is not None:
            self._add_stars(image, self._stars, pose)

    def _light_at(self, x: Floats, up: Floats, t_s: float) -> Floats:
        light = self._light
        rise = smooth(0, 0.22, up)[..., None]
        top = smooth(0.10, 0.62, up)[..., None]
        colour = light.horizon + (light.middle - light.horizon) * rise
        colour = colour + (light.zenith - colour) * top
        d = np.hypot(x - self.sun_x, (self._framing.horizon - up - self.sun_y) * 1.1)
        glow = 0.30 * np.exp(-3.2 * d) + 0.55 * np.exp(-11 * d)
        glow = glow * light.sun_strength + 0.06 * light.is_dark * np.exp(-5 * d)
        colour = colour + light.sun * (glow * self._has_lamp)[..., None]
        disc = smooth(0.039, 0.024, d) * (2.6 if not light.is_dark else 0.9) * self.has_disc
        colour = colour + light.sun * disc[..., None]
        if self._has_clouds:
            colour = self._clouded(colour, x, up, d, t_s)
        haze = np.exp(-up / (0.05 if not self._is_grey else 0.16))[..., None]
        return (colour + (light.haze - colour) * haze * 0.75).astype(np.float32)

    def _clouded(
        self, colour: NDArray[np.floating[Any]], x: Floats, up: Floats, d: Floats, t_s: float
    ) -> Floats:
        light, s = self._light, self._start
        far = 1 / (0.16 + 0.85 * up)
        u = 0.105 * x * far + s[0] + 0.0022 * t_s
        v = np.broadcast_to(0.22 * far, u.shape) + s[1]
        body = sample(self._clouds, u, v) * 0.6 + sample(self._puffs, 0.5 * u + s[2], 0.5 * v) * 0.4
        above = sample(self._clouds, u, v - 0.010 * far) * 0.6 + 0.2
        cover = smooth(self._cover, self._cover + 0.17, body) * smooth(0.0, 0.05, up)
        thick = smooth(self._cover, self._cover + 0.45, body)
        edge = np.clip(0.62 + 2.0 * (body - above) - 0.45 * thick, 0.12, 1.15)
        bright = light.ambient * np.float32(0.52) + light.middle * np.float32(0.30)
        sunny = light.sun * np.float32(0.75 * light.sun_strength)
        near = np.exp(-2.6 * d)[..., None]
        lit = bright * (0.62 + 0.38 * edge[..., None]) + sunny * edge[..., None] * (
            0.55 + 1.1 * near
        )
        if light.is_dark:
            lit = lit * np.float32(0.55)
        share = (cover * (0.92 if not light.is_dark else 0.75))[..., None]
        return (colour + (lit - colour) * share).astype(np.float32)

    def _add_stars(self, image: Bytes, stars: Bytes, pose: Pose) -> None:
        height, width = image.shape[:2]
        where = placing(pose, 0.0)
        horizon_px = int((self._framing.horizon * where.scale + where.dy + 0.5) * height)
        rows = min(max(horizon_px, 0), height)
        if rows < 1:
            return
        move = np.array(
            [[where.scale, 0, width / 2 * (1 - where.scale) + where.dx * height],
             [0, where.scale, height / 2 * (1 - where.scale) + where.dy * height]],
            np.float32,
        )  # fmt: skip
        seen = cv2.warpAffine(stars, move, (width, rows), borderMode=cv2.BORDER_WRAP)
        cv2.add(image[:rows], seen, dst=image[:rows])


def _stars(framing: Framing, seed: int) -> Bytes:
    rng = np.random.default_rng((seed, 0x57))
    width, height = framing.width_px, framing.height_px
    sky = np.zeros((height, width), np.float32)
    count = round(360 * framing.aspect)
    power = np.minimum(rng.pareto(1.9, count) * 26 + 10, 230)
    sky[rng.integers(0, height, count), rng.integers(0, width, count)] = power * 3
    sky = cv2.GaussianBlur(sky, (0, 0), 0.7)
    tint = np.array((1.0, 0.95, 0.9), np.float32)
    return np.clip(sky[..., None] * tint, 0, 255).astype(np.uint8)
