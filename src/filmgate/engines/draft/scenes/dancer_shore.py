"""The shore: sky, a sea with the sun's path on it, and wet sand to dance on.

The dancers are not drawn here.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.light import light_of
from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import bgr, fixed, sample, smooth, tile_noise, to_bytes
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.dancer_figure import Lamp
from filmgate.engines.draft.scenes.dancer_view import Spotlight, View, plate, plate_matrix

_MARGIN = 0.40
_HORIZON = -0.02
_SURF = 0.145
_COVER = {
    Weather.CLEAR: 0.52,
    Weather.CLOUDY: 0.34,
    Weather.RAIN: 0.26,
    Weather.SNOW: 0.28,
    Weather.FOG: 0.2,
}


class Shore:
    """A beach at the look's time of day."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        rng = np.random.default_rng((look.seed, 4))
        self.floor = 0.33 if width_px >= height_px else 0.27
        self._light = light_of(look)
        self._look = look
        self._mirrors = "reflections" not in look.without
        self._lit = "lights" not in look.without
        self._part = min(1.0, 580 / height_px)
        self._sun_x = float(
            rng.uniform(0.10, 0.30) * rng.choice((-1, 1)) * min(width_px / height_px, 1.2)
        )
        self._noise = tile_noise(1.3, look.seed + 5, 256)
        self._clouds = tile_noise(1.7, look.seed + 6)
        image = self._paint(width_px, height_px)
        self._image = to_bytes(image, look.seed)

    def _sky(self, x: Array, up: Array, disc: bool = True) -> Array:
        light, look = self._light, self._look
        low, high = smooth(0, 0.26, up)[..., None], smooth(0.08, 0.62, up)[..., None]
        colour = light.horizon + (light.middle - light.horizon) * low
        colour = colour + (light.zenith - colour) * high + 0 * x[..., None]
        d = np.sqrt((x - self._sun_x) ** 2 + 1.3 * (up - light.sun_height) ** 2)
        rays = (0.42 * np.exp(-3 * d) + 0.8 * np.exp(-10 * d)) * (
            0.5 if look.time is TimeOfDay.DAY else 1.0
        )
        if self._lit:
            colour = colour + light.sun * (rays * light.sun_strength)[..., None]
        if "clouds" not in look.without:
            far = 0.22 / np.maximum(up + 0.05, 0.03)
            u, v = x * far * 0.33 + 0 * up, far * 0.6 + 0 * x
            body = (
                sample(self._clouds, u, v) * 0.62
                + sample(self._clouds, u * 2.6, v * 2.6 + 0.4) * 0.38
            )
            toward = (
                sample(self._clouds, u, v + 0.03) * 0.62
                + sample(self._clouds, u * 2.6, v * 2.6 + 0.46) * 0.38
            )
            edge = _COVER[look.weather]
            cover = smooth(edge, edge + 0.30, body) * smooth(0.0, 0.12, up) * 0.85
            lit = np.clip(0.45 + 4.5 * (body - toward), 0, 1)[..., None]
            near_sun = np.exp(-2.2 * d)[..., None] * light.sun * np.float32(light.sun_strength)
            top = (
                light.horizon * 0.75
                + near_sun * 0.8
                + (0.12 if look.time is TimeOfDay.DAY else 0.02)
            )
            bottom = (
                light.middle * 0.75
                + near_sun * 0.12
                + (0.12 if look.time is TimeOfDay.DAY else 0.0)
            )
            colour = colour + (bottom + (top - bottom) * lit - colour) * cover[..., None]
        round_ = smooth(0.034, 0.029, np.hypot(x - self._sun_x, up - light.sun_height))
        if disc and self._lit and light.sun_strength > 0.3:
            colour = colour + light.sun * (6 * round_ * light.sun_strength)[..., None]
        return colour

    def _paint(self, width_px: int, height_px: int) -> Array:
        x, y = plate(width_px, height_px, self._part, _MARGIN)
        up = _HORIZON - y
        light = self._light
        rows = y[:, 0]
        sky_rows = int((rows < _HORIZON).sum())
        colour = np.empty((len(rows), x.shape[1], 3), np.float32)
        colour[:sky_rows] = self._sky(x, up[:sky_rows])
        below = y[sky_rows:]
        drop = below - _HORIZON
        depth = 0.05 / np.maximum(drop, 0.002)
        mirror = self._sky(x, drop * 1.1, disc=False)
        mirror = cv2.blur(
            cv2.blur(mirror, (5, max(height_px // 24, 3))), (9, max(height_px // 40, 3))
        )
        waves = sample(self._noise, x * depth * 1.3, depth * 3.3 + 0 * x) - 0.5
        if self._look.time is TimeOfDay.DAY:
            deep, shallow = bgr(0.02, 0.16, 0.30), bgr(0.10, 0.46, 0.48)
        else:
            deep, shallow = light.middle * 0.22 + bgr(0.004, 0.012, 0.02), light.middle * 0.35
        to_shore = smooth(0.02, _SURF - _HORIZON, drop)[..., None]
        sea = (deep + (shallow - deep) * to_shore) * light.ambient
        gloss = 0.62 - 0.30 * to_shore
        sea = sea * (1 - gloss) + mirror * gloss * (1 + 0.9 * waves)[..., None]
        if not self._mirrors:
            sea = (
                (deep + (shallow - deep) * to_shore) * light.ambient * (1 + 0.5 * waves)[..., None]
            )
        sand = self._sand(x, below, mirror)
        line = _SURF + 0.008 * np.sin(x * 5) + 0.004 * np.sin(x * 13 + 1)
        shore = smooth(-0.004, 0.006, below - line)[..., None]
        colour[sky_rows:] = sea * (1 - shore) + sand * shore
        return self._hazed(colour, y)

    def _sand(self, x: Array, y: Array, mirror: Array) -> Array:
        light = self._light
        depth = 0.3 / np.maximum(y - _HORIZON, 0.05)
        grain = sample(self._noise, x * depth * 0.9, depth * 1.7 + 0 * x) - 0.5
        fine = sample(self._noise, x * depth * 4.1, depth * 7 + 0 * x) - 0.5
        dry = bgr(0.56, 0.44, 0.31) * light.ambient * (0.80 + 0.28 * grain + 0.22 * fine)[..., None]
        if self._look.weather is Weather.SNOW:
            dry = dry * 0.5 + light.ambient * 0.42
        wet = dry * 0.34
        share = np.float32(0.34 if self._look.time is TimeOfDay.DAY else 0.62)
        shine = mirror * (share * (1 + 0.22 * grain))[..., None] if self._mirrors else 0.0
        drying = smooth(0.33, 0.62, y + 0.05 * grain)[..., None]
        warm = (
            light.sun
            * np.exp(-2.4 * np.abs(x - self._sun_x) - 1.2 * np.abs(y - 0.2))[..., None]
            * 0.10
        )
        return (wet + shine) * (1 - drying) + (dry + warm) * drying

    def _hazed(self, colour: Array, y: Array) -> Array:
        strength = {Weather.FOG: 0.75, Weather.RAIN: 0.35, Weather.SNOW: 0.4}.get(
            self._look.weather, 0.12
        )
        if {"fog", "haze"} & self._look.without:
            strength = 0.0
        veil = (strength * np.exp(-np.abs(y - _HORIZON) * 6))[..., None].astype(np.float32)
        return colour * (1 - veil) + self._light.haze * veil

    def draw(self, out: Array, glow: Array, view: View, t_s: float) -> None:
        """Fill `out` with sky, sea and sand; the sun's path glitters, the surf breathes."""
        matrix = plate_matrix(view, self._image, self._part, 0.35)
        cv2.warpAffine(
            self._image,
            matrix,
            (out.shape[1], out.shape[0]),
            dst=out,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if self._lit and self._light.sun_strength > 0.3:
            x, y = view.at(self._sun_x, _HORIZON - self._light.sun_height, 0.35)
            shine = (self._light.sun * np.float32(90 * self._light.sun_strength)).tolist()
            spot = fixed((x / 4, y / 4)).tolist()
            cv2.circle(glow, spot, int(0.03 * view.px / 4 * 16), shine, -1, cv2.LINE_AA, 4)
        self._glitter(out, view, t_s)
        for i in range(3):
            self._surf(out, view, t_s, i)

    def _glitter(self, out: Array, view: View, t_s: float) -> None:
        k, ox, oy = view.layer(0.35)
        y0, y1 = (
            max(int(oy + _HORIZON * k) + 1, 0),
            min(int(oy + (_SURF - 0.006) * k), out.shape[0]),
        )
        if y1 - y0 < 4:
            return
        gw, gh = out.shape[1] // 2, (y1 - y0 + 1) // 2
        x = ((np.arange(gw, dtype=np.float32) * 2 + 1 - np.float32(ox)) / np.float32(k))[None]
        drop = (
            (np.arange(gh, dtype=np.float32) * 2 + 1 + y0 - np.float32(oy)) / np.float32(k)
            - _HORIZON
        )[:, None]
        depth = 0.05 / np.maximum(drop, 0.003)
        a = sample(self._noise, x * depth * 2.1 + t_s * 0.025, depth * 4.0 + t_s * 0.06 + 0 * x)
        b = sample(
            self._noise, x * depth * 3.4 - t_s * 0.03, depth * 6.5 - t_s * 0.05 + 0.4 + 0 * x
        )
        path = (
            np.exp(-(((x - self._sun_x) / (0.05 + 0.55 * drop)) ** 2))
            if self._lit and self._mirrors
            else 0 * x * drop
        )
        spark = smooth(0.90, 1.25, a + b) * (0.10 + 1.6 * path)
        light = (
            (spark[..., None] * (self._light.sun * 190 * (0.25 + self._light.sun_strength)))
            .clip(0, 255)
            .astype(np.uint8)
        )
        roi = out[y0:y1]
        roi[:] = cv2.add(
            roi, cv2.resize(light, (roi.shape[1], roi.shape[0]), interpolation=cv2.INTER_LINEAR)
        )

    def _surf(self, out: Array, view: View, t_s: float, i: int) -> None:
        """A line of foam that runs up the sand and back, fading out."""
        u = (t_s / 6.5 + i / 3) % 1.0
        run = _SURF - 0.05 + 0.105 * math.sin(u * math.pi * 0.62) ** 1.2
        strength = math.sin(math.pi * u) ** 1.3
        k, ox, oy = view.layer(0.4)
        xs = (np.linspace(-8.0, float(view.width_px) + 8, 60) - ox) / k
        ys = run + 0.010 * np.sin(xs * 6 + i * 2) + 0.006 * np.sin(xs * 15 + t_s * 0.5 + i)
        x, y = xs * k + ox, ys * k + oy
        thick = (0.004 + 0.05 * (run - _HORIZON) * 0.4) * k
        y0, y1 = max(int(y.min() - 3), 0), min(int(y.max() + thick * 2) + 4, out.shape[0])
        if y1 - y0 < 2:
            return
        mask = np.zeros((y1 - y0, out.shape[1]), np.uint8)
        band = np.vstack([np.c_[x, y - y0], np.c_[x, y - y0 + thick][::-1]])
        cv2.fillPoly(mask, [fixed(band)], 255, cv2.LINE_AA, 4)
        alpha = cv2.blur(mask, (7, 3)).astype(np.float32) * np.float32(strength * 0.55 / 255)
        foam = np.empty((y1 - y0, out.shape[1], 3), np.uint8)
        tone = np.clip(self._light.ambient * 0.55 + self._light.horizon * 0.35, 0, 1)
        foam[:] = np.sqrt(tone) * 240
        roi = out[y0:y1]
        roi[:] = cv2.blendLinear(foam, roi, alpha, 1 - alpha)

    def front(self, out: Array, view: View, t_s: float) -> None:
        """Nothing stands before the dancers at the shore."""

    def light(self, _t_s: float) -> Spotlight:
        """Return the light on the dancers: the sun from behind or the side, the sky from above."""
        light = self._light
        side = 1.0 if self._sun_x > 0 else -1.0
        if self._look.time is TimeOfDay.DAY:
            lamps = [
                Lamp(
                    towards=bgr(side * 0.55, 0.72, 0.42)[::-1],
                    colour=light.sun * np.float32(1.5 * light.sun_strength),
                    edge=0.1,
                ),
                Lamp(
                    towards=bgr(-side * 0.8, 0.3, -0.3)[::-1], colour=light.middle * 1.4, edge=0.7
                ),
            ]
            ambient = light.ambient * 0.42
        else:
            strong = np.float32(5.0 * light.sun_strength)
            lamps = [
                Lamp(
                    towards=bgr(side * 0.85, 0.25, -0.35)[::-1], colour=light.sun * strong, edge=0.8
                ),
                Lamp(towards=bgr(-side * 0.6, 0.5, 0.2)[::-1], colour=light.middle * 1.6, edge=0.4),
            ]
            ambient = light.ambient * 0.22
        if not self._lit:
            lamps = []
        cast = (-side * 0.5, 0.22) if self._look.time is TimeOfDay.DAY else (-side * 0.55, 0.55)
        shadow = 0.5 * light.sun_strength if self._lit else 0.12
        return Spotlight(
            ambient=ambient,
            lamps=lamps,
            mirror=0.40 if self._mirrors else 0.0,
            shadow=shadow,
            cast=cast,
        )
