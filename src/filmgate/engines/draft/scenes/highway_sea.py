"""The sea beside the road: waves that bend the mirrored sky, and the sun's glitter path on them."""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, film, tile_noise
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_view import Field, View

_TABLE_ROWS, _TABLE_COLUMNS = 96, 256
_TABLE_UP, _TABLE_SIDE = 0.9, 2.4
_TILE = 256
_STEPS = 4096


class Sea:
    """Drawn at half the picture's size, right of the road only."""

    def __init__(self, look: Look, sky: Sky) -> None:
        self._sky = sky
        self._noise = [
            _wrapped(tile_noise(beta, look.seed * 5 + k, _TILE))
            for k, beta in enumerate((1.15, 0.9))
        ]
        y, x = np.mgrid[0:_TABLE_ROWS, 0:_TABLE_COLUMNS].astype(np.float32)
        side = (x / (_TABLE_COLUMNS - 1) - 0.5) * _TABLE_SIDE
        self._mirror = sky.light_at(side, y / (_TABLE_ROWS - 1) * _TABLE_UP)
        self._film = (film(np.linspace(0, 4, _STEPS, dtype=np.float32)) * 255).astype(np.uint8)
        light = sky.light
        deep = bgr(0.004, 0.060, 0.125) if look.time is TimeOfDay.DAY else bgr(0.03, 0.028, 0.020)
        self._deep = (deep * (0.15 + light.ambient)).astype(np.float32)
        self._shine = light.sun_strength * (0.55 if look.time is TimeOfDay.DAY else 1.0)
        calm = look.weather in (Weather.RAIN, Weather.SNOW, Weather.FOG)
        self._shine *= 0.25 if calm else 1.0
        self._haze_reach = 14.0 if look.weather is Weather.FOG else 55.0

    def draw(self, out: Bytes, view: View, t_s: float) -> None:
        """Lay the water over everything below the horizon, from the shore rightwards."""
        height, width = out.shape[:2]
        shore = view.column(5.6)
        left = int(np.clip(shore.min() if shore.size else 0, 0, width)) // 2 * 2
        rows = (height - view.row0 + 1) // 2
        if width - left < 4 or rows < 2:
            return
        drop = view.drop[::2, None]
        x = ((np.arange(left, width, 2, dtype=np.float32) - view.x0) / view.px)[None].astype(
            np.float32
        )
        sun_x = np.float32(self._sky.sun_x)
        m1, m2, m3 = self._waves(x, drop, view, np.float32(t_s))
        wave = m1 * np.float32(0.65) + m2 * np.float32(0.5) + m3 * np.float32(0.28)
        bent = x + wave * np.float32(0.06)
        colour = self._reflected(bent, drop * np.float32(0.75) + np.abs(wave) * np.float32(0.17))
        fresnel = (0.12 + 0.70 * np.clip(1 - drop * 1.9, 0, 1) ** 3).astype(np.float32)[..., None]
        lift = (np.float32(0.6) + wave)[..., None]
        colour *= fresnel
        colour += self._deep * lift * (1 - fresnel)
        path = (bent - sun_x) / (np.float32(0.03) + np.float32(0.32) * drop)
        bright = np.clip((m1 * 0.5 + m2 * 0.75 + m3 * 0.5 + 0.04) * np.float32(2.9), 0, 1)
        sparkle = np.float32(0.25) + np.float32(3.6) * bright * bright
        sparkle *= (
            np.exp(-path * path) * (0.45 + 0.55 * np.exp(-5 * drop)) * np.float32(self._shine)
        )
        colour += self._sky.light.sun * sparkle[..., None].astype(np.float32)
        veil = (0.8 * np.exp(-self._haze_reach * drop)).astype(np.float32)[..., None]
        colour += (self._sky.light.haze - colour) * veil
        sea = self._film[np.clip(colour * (_STEPS / 4), 0, _STEPS - 1).astype(np.int16)]
        big = cv2.resize(sea, (sea.shape[1] * 2, sea.shape[0] * 2))
        out[view.row0 :, left:] = big[: height - view.row0, : width - left]

    def _waves(
        self, x: Floats, drop: Floats, view: View, t: np.float32
    ) -> tuple[Floats, Floats, Floats]:
        """Heights about 0 of a swell, waves and ripples."""
        depth = 9 / (drop + np.float32(0.003))
        wx, wy = x * depth, depth + np.float32(view.z * 0.35)
        swell = self._height(0, wx * 0.011 + 0.012 * t, wy * 0.0055 - 0.016 * t)
        waves = self._height(1, wx * 0.040 - 0.020 * t, wy * 0.018 + 0.024 * t)
        ripple = self._height(1, wx * 0.11 + 0.05 * t, wy * 0.05 + 0.06 * t)
        fade = np.clip(drop * np.float32(14), 0.25, 1)  # far ripples are smaller than a pixel
        return swell, waves, (ripple * fade).astype(np.float32)

    def _height(self, k: int, x: Field, y: Field) -> Floats:
        u = (x % 1).astype(np.float32) * np.float32(_TILE)
        v = np.broadcast_to((y % 1).astype(np.float32) * np.float32(_TILE), u.shape)
        return cv2.remap(self._noise[k], u, np.ascontiguousarray(v), cv2.INTER_LINEAR)  # type: ignore[return-value]

    def _reflected(self, x: Field, up: Field) -> Floats:
        u = ((x / _TABLE_SIDE + 0.5) * (_TABLE_COLUMNS - 1)).astype(np.float32)
        v = (up * ((_TABLE_ROWS - 1) / _TABLE_UP)).astype(np.float32)
        return cv2.remap(  # type: ignore[return-value]
            self._mirror,
            u.astype(np.float32),
            v.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _wrapped(noise: Floats) -> Floats:
    """A tile about 0 with its first row and column repeated, to be read without wrapping."""
    return np.pad(noise - np.float32(0.5), ((0, 1), (0, 1)), mode="wrap")
