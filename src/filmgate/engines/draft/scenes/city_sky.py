"""What closes the city's canyon: the sky with its clouds and stars, and far towers in haze.

Not the street's own houses.
"""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import sample, smooth, tile_noise, to_bytes
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View

_SIDE, _ABOVE, _BELOW = 0.45, 0.45, 0.25
_COVER = {
    Weather.CLEAR: 0.60,
    Weather.CLOUDY: 0.36,
    Weather.RAIN: 0.30,
    Weather.SNOW: 0.32,
    Weather.FOG: 0.25,
}


class Sky:
    """A painted sky with margins, moved with the camera."""

    def __init__(self, look: Look, light: Light, street: Street) -> None:
        self._street = street
        self._part = min(1.0, 430 / street.height_px)
        px = street.height_px * self._part
        w, h = int((street.aspect + 2 * _SIDE) * px), int((street.horizon + _ABOVE + _BELOW) * px)
        x = ((np.arange(w, dtype=np.float32) + 0.5) / px - street.aspect / 2 - _SIDE)[None]
        up = (street.horizon + _ABOVE - (np.arange(h, dtype=np.float32) + 0.5) / px)[:, None]
        colour = self._gradient(look, light, x, up)
        if "clouds" not in look.without:
            colour = self._clouded(look, light, colour, x, up)
        self._towers(look, colour, x, up)
        self._image = to_bytes(colour, look.seed)

    def draw(self, out: Array, view: View) -> None:
        """Fill all of `out` above the horizon and a little below it."""
        out = out[: int(np.clip(view.y0 + 0.05 * view.px, 2, out.shape[0]))]
        k = view.px / (self._street.height_px * self._part)
        px = self._street.height_px * self._part
        left = view.cx - (self._street.aspect / 2 + _SIDE) * px * k - view.side_m * 0.004 * view.px
        top = view.y0 - (self._street.horizon + _ABOVE) * px * k
        move = np.array([[k, 0, left], [0, k, top]])
        cv2.warpAffine(
            self._image,
            move,
            (out.shape[1], out.shape[0]),
            dst=out,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _gradient(self, look: Look, light: Light, x: Array, up: Array) -> Array:
        street = self._street
        low, high = smooth(0, 0.30, up)[..., None], smooth(0.10, 0.75, up)[..., None]
        colour = light.horizon + (light.middle - light.horizon) * low
        colour = colour + (light.zenith - colour) * high + 0 * x[..., None]
        if street.is_dark:
            glow = np.exp(-np.maximum(up, 0) * 3.4 - 0.7 * np.abs(x))[..., None]
            colour = colour + street.haze * 1.5 * glow + street.palette[0] * 0.05 * glow
            if "stars" not in look.without and look.weather is Weather.CLEAR:
                colour = colour + self._stars(look.seed, up, colour.shape)
        elif light.sun_height < 0.3:
            d = np.sqrt((x - 0.02) ** 2 + 1.4 * (up - light.sun_height - 0.02) ** 2)
            rays = 0.6 * np.exp(-2.6 * d) + 1.2 * np.exp(-9 * d) + 5 * smooth(0.034, 0.028, d)
            colour = colour + light.sun * (rays * light.sun_strength)[..., None]
        mist = np.exp(-np.maximum(up, 0) * 90 / street.air_m * 0.12)[..., None] * (
            1 - np.exp(-40 / street.air_m)
        )
        return colour * (1 - mist) + street.haze * mist

    @staticmethod
    def _stars(seed: int, up: Array, shape: tuple[int, ...]) -> Array:
        rng = np.random.default_rng((seed, 51))
        field = np.zeros(shape, np.float32)
        n = 420
        rows, columns = rng.integers(0, shape[0], n), rng.integers(0, shape[1], n)
        field[rows, columns] = rng.exponential(0.16, (n, 1)) * rng.uniform(0.8, 1.0, (n, 3))
        return cv2.GaussianBlur(field, (0, 0), 0.7) * 2.2 * smooth(0.1, 0.5, up)[..., None]

    def _clouded(self, look: Look, light: Light, colour: Array, x: Array, up: Array) -> Array:
        noise = tile_noise(1.7, look.seed + 41)
        far = 0.22 / np.maximum(up + 0.06, 0.03)
        u, v = x * far * 0.30 + 0 * up, far * 0.55 + 0 * x
        body = sample(noise, u + 0.1, v) * 0.62 + sample(noise, u * 2.7, v * 2.7 + 0.4) * 0.38
        toward = (
            sample(noise, u + 0.1, v + 0.03) * 0.62 + sample(noise, u * 2.7, v * 2.7 + 0.46) * 0.38
        )
        edge = _COVER[look.weather]
        cover = smooth(edge - 0.05, edge + 0.26, body) * smooth(0.0, 0.16, up) * 0.9
        lit = np.clip(0.5 + 4.0 * (body - toward), 0, 1)[..., None]
        if light.is_dark:
            top, bottom = self._street.haze * 1.25, self._street.haze * 0.5
        elif look.time is TimeOfDay.DAY:
            top, bottom = light.horizon * 1.05 + 0.12, light.middle * 0.6 + 0.16
        else:
            top, bottom = light.horizon * 0.9 + light.sun * 0.25, light.middle * 0.8
        cloud = bottom + (top - bottom) * lit
        return colour + (cloud - colour) * cover[..., None]

    def _towers(self, look: Look, colour: Array, x: Array, up: Array) -> None:
        """Two ranks of distant towers, paler with distance, with a few lit windows at night."""
        street, rng = self._street, np.random.default_rng((look.seed, 52))
        for rank in range(2):
            cell = 0.045 + 0.02 * rank
            index = np.floor(x / cell + 100).astype(np.int32)[0]
            tall = rng.uniform(0.03, 0.16 - 0.03 * rank, int(index.max()) + 1)[
                index
            ] + 0.10 * np.exp(-np.abs(x[0]) * 4)
            cover = smooth(0, 0.004, tall[None] - up)[..., None]
            thin = 0.72 - 0.22 * rank
            tone = (
                street.haze
                * (thin + 0.25)
                * (0.9 + 0.4 * np.exp(-np.maximum(up, 0) * 9))[..., None]
            )
            if street.is_dark:
                grid = (np.sin(x * 900) > 0.3) & (np.sin(up * 800) > 0.2)
                dots = grid & (
                    sample(tile_noise(0.1, look.seed + rank, 128), x * 7 + 0 * up, up * 7 + 0 * x)
                    > 0.72
                )
                tone = (
                    tone
                    + street.palette[rank] * 0.05
                    + dots[..., None] * np.float32(0.12) * street.haze * 6
                )
            colour[:] = colour * (1 - cover * 0.86) + tone * cover * 0.86
