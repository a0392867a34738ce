"""The sky over the coast road: its light in every direction, and the canvas painted from it."""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.light import Light, light_of
from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import Bytes, Floats, film, sample, smooth, tile_noise, to_bytes
from filmgate.engines.draft.scenes.highway_view import FAR_M, Course, Field, View

_COVER = {
    Weather.CLEAR: (0.47, 0.74), Weather.CLOUDY: (0.30, 0.62), Weather.RAIN: (0.16, 0.66),
    Weather.SNOW: (0.18, 0.72), Weather.FOG: (0.40, 0.95),
}  # fmt: skip
"""Noise between which clouds begin and are whole."""
_BELOW_PX = 30
"""Rows of canvas under the horizon, so that a shaking camera never meets an edge."""


class Sky:
    """Everything at infinity. Directions are in units: x to the right, up above the horizon."""

    def __init__(self, look: Look, course: Course) -> None:
        self.light: Light = light_of(look)
        self._course = course
        self.sun_x = course.sun_x
        self.sun_up = self.light.sun_height * (1.35 if look.time is TimeOfDay.DAY else 1.0)
        if look.time is TimeOfDay.NIGHT:
            self.sun_up *= 0.9
        self._look = look
        self._noise = [
            tile_noise(beta, look.seed * 7 + k) for k, beta in enumerate((1.6, 1.15, 0.9))
        ]
        haze = self.light.haze
        self.haze_colour: Floats = (film(haze) * 255).astype(np.float32)
        """What distance fades to, in display values."""
        self._canvas, self._origin = self._painted()

    def light_at(self, x: Floats, up: Floats) -> Floats:
        """Return the cloudless sky's light in a direction, linear BGR float32 [..., 3]."""
        light = self.light
        rise, top = smooth(0, 0.26, up)[..., None], smooth(0.08, 0.70, up)[..., None]
        away = np.sqrt((x - self.sun_x) ** 2 + 1.5 * (up - self.sun_up) ** 2)
        colour = light.horizon + (light.middle - light.horizon) * rise
        colour = colour + (light.zenith - colour) * top
        near = 0.38 * np.exp(-3 * away) + 0.75 * np.exp(-10 * away)
        return (colour + light.sun * (near * light.sun_strength)[..., None]).astype(np.float32)

    def draw(self, out: Bytes, view: View) -> None:
        """Fill the frame down to the horizon, and the few rows that lie too far for any ground."""
        k = self._course.focal_px / view.px
        at = np.array(
            [[k, 0, self._origin[0] - view.x0 * k], [0, k, self._origin[1] - view.y0 * k]]
        )
        if view.row0 > 0:
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            size = (out.shape[1], view.row0)
            cv2.warpAffine(self._canvas, at, size, out[: view.row0], flags, cv2.BORDER_REPLICATE)
        far_rows = int(view.eye_m / FAR_M * view.px) + 4
        out[view.row0 : view.row0 + far_rows] = self.haze_colour.astype(np.uint8)

    def _painted(self) -> tuple[Bytes, tuple[float, float]]:
        course = self._course
        unit = course.focal_px
        half = (course.width_px / 2 + 0.24 * course.height_px) / 0.95 + 8
        above = (course.height_px / 2 + 0.17 * course.height_px) / 0.95 - course.horizon * unit + 8
        width, height = int(2 * half), int(above) + _BELOW_PX
        origin = (half, float(above))
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        x = (x - np.float32(origin[0])) / np.float32(unit)
        up = np.maximum((np.float32(origin[1]) - y) / np.float32(unit), 0)
        colour = self.light_at(x, up)
        if self._look.time is TimeOfDay.NIGHT and "stars" not in self._look.without:
            self._add_stars(colour, up)
        density = np.zeros_like(x)
        if "clouds" not in self._look.without:
            colour, density = self._clouded(colour, x, up)
        colour = self._with_disc(colour, x, up, density)
        if self._look.weather is Weather.FOG:
            thick = (0.55 + 0.4 * np.exp(-5 * up))[..., None]
            colour = colour + (self.light.haze - colour) * thick
        if "mountains" not in self._look.without:
            colour = self._with_headlands(colour, x, up, unit)
        return to_bytes(colour), origin

    def _clouded(self, colour: Floats, x: Floats, up: Floats) -> tuple[Floats, Floats]:
        """Lay a plane of clouds, seen in perspective, lit from the side of the sun."""
        k = 0.13 / (up + 0.09)

        def thick(qx: Field, qy: Field, *, is_fine: bool) -> Floats:
            broad = sample(self._noise[0], qx * 0.5, qy * 0.5)
            middle = sample(self._noise[1], qx * 1.7 + 0.3, qy * 1.7 + 0.3)
            fine = sample(self._noise[2], qx * 5.3, qy * 5.3) if is_fine else np.float32(0.5)
            return (0.60 * broad + 0.27 * middle + 0.13 * fine).astype(np.float32)

        here = thick(x * k, k, is_fine=True)
        sunward = thick(x * k - (x - self.sun_x) * 0.035 * k, k + 0.022, is_fine=False)
        low, high = _COVER[self._look.weather]
        density = smooth(low, high, here) * smooth(0.012, 0.12, up) * np.float32(0.92)
        away = np.sqrt((x - self.sun_x) ** 2 + 1.5 * (up - self.sun_up) ** 2)
        near = np.exp(-3 * away)[..., None].astype(np.float32)
        light = self.light
        if light.is_dark:
            bright = light.sun * (0.05 + 0.5 * near)
            shade = light.middle * 0.9
        elif self._look.time is TimeOfDay.DAY:
            bright = light.sun * (0.95 + 0.5 * near)
            shade = light.horizon * 0.55 + light.middle * 0.2
        else:
            bright = light.sun * (0.85 + 0.95 * near) + light.horizon * 0.15
            shade = light.middle * 0.30 + light.horizon * (0.02 + 0.34 * near)
        lit = np.clip((here - sunward) * 4.5 + 0.4, 0, 1)[..., None]
        lit = lit * (0.22 + 0.9 * near if self._look.time is not TimeOfDay.DAY else 1.0)
        dull = {Weather.CLEAR: 1.0, Weather.CLOUDY: 0.6}.get(self._look.weather, 0.35)
        cloud = shade * (0.5 + 0.5 * dull) + (bright - shade) * lit * dull
        return (colour + (cloud - colour) * density[..., None]).astype(np.float32), density

    def _with_disc(self, colour: Floats, x: Floats, up: Floats, density: Floats) -> Floats:
        gone = "moon" if self.light.is_dark else "sun"
        if gone in self._look.without or self._look.weather in (Weather.RAIN, Weather.SNOW):
            return colour
        radius = 0.020 if self.light.is_dark else 0.034
        edge = 1.2 / self._course.focal_px
        away = np.hypot(x - self.sun_x, up - self.sun_up).astype(np.float32)
        disc = smooth(radius + edge, radius - edge, away)
        if self.light.is_dark:
            seas = sample(self._noise[1], x * 6 + 0.2, up * 6)
            power = disc * (0.75 + 0.5 * seas) * 1.1 * (1 - 0.85 * density)
        else:
            power = disc * 7 * (1 - 0.8 * density)
        warm = self.light.sun * np.float32(0.6) + np.float32(0.25)
        return (colour + power[..., None] * warm).astype(np.float32)

    def _add_stars(self, colour: Floats, up: Floats) -> None:
        rng = np.random.default_rng((self._look.seed, 0x57))
        rows, columns = int(up.shape[0]), int(up.shape[1])
        count = rows * columns // 420
        row = (rng.random(count) * rows).astype(np.intp)
        column = (rng.random(count) * columns).astype(np.intp)
        power = (0.05 + 1.1 * rng.random(count) ** 7) * smooth(0.03, 0.25, up[row, column])
        tint = rng.uniform(0.75, 1.0, (count, 3)) * np.array((1.0, 0.92, 0.88))
        points = np.zeros_like(colour)
        points[row, column] = (power[:, None] * tint * 2.2).astype(np.float32)
        colour += np.asarray(
            cv2.GaussianBlur(points, (0, 0), 0.55 * self._course.focal_px / 540 + 0.2)
        )

    def _with_headlands(self, colour: Floats, x: Floats, up: Floats, unit: float) -> Floats:
        """Far capes and mountains on the land side, each paler than the one before it."""
        light = self.light
        rng = np.random.default_rng((self._look.seed, 0x48))
        across = x[0]
        layers = ((0.105, 0.06, 0.9, 0.55), (0.055, 0.30, 0.6, 0.78), (0.12, -0.06, 0.5, 0.35))
        for tall, tip, long, pale in layers:
            row, shift = int(rng.integers(512)), float(rng.uniform(0, 1))
            ridge = sample(
                self._noise[0], across * 0.42 + shift, np.full_like(across, row / 512)
            ).ravel()
            jag = sample(
                self._noise[2], across * 1.9 + shift, np.full_like(across, row / 512)
            ).ravel()
            slope = smooth(tip, tip - long, across)
            top = slope * tall * (0.35 + 1.05 * ridge + 0.16 * jag)
            cover = np.clip((top[None] - up) * unit + 0.5, 0, 1)[..., None]
            cover = cover * (top[None, :, None] > 0.002)
            land = light.horizon * 0.30 * pale + light.middle * 0.22 + light.ambient * 0.012
            near = np.exp(-5 * up)[..., None]
            land = land * (1 - 0.25 * near) + light.haze * 0.42 * near * pale
            colour = (colour + (land - colour) * cover).astype(np.float32)
        return colour
