"""The street's floor: asphalt, pavements, markings, and on a wet night the mirrored neon.

Nothing that stands on it.

    picture above --mirrored about the foot of the walls, rippled, smeared--> light on asphalt
"""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.noise import film, fixed, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import Street, View


class Ground:
    """Paints everything below the foot of the walls."""

    def __init__(self, street: Street, light: Light, seed: int, reflects: bool) -> None:
        self._street = street
        self._reflects = reflects
        self._rough = tile_noise(0.95, seed + 61, 256)
        self._puddles = tile_noise(1.5, seed + 62, 256)
        base = light.ambient * (0.07 if street.is_wet else 0.15)
        if street.is_dark:
            base = base * 0.8 + street.haze * 0.12
        self._base = film(base) * 255
        self._veil = film(street.haze * 0.9) * 255
        self._paint = film(light.ambient * (1.5 if street.is_dark else 0.6)) * 255

    def draw(self, out: Array, view: View, t_s: float) -> None:
        """Paint the floor into `out`, which already shows what stands above it."""
        h, w = out.shape[:2]
        row0 = int(np.ceil(max(view.y0 + 1.5, 0)))
        if row0 >= h - 2:
            return
        gh, gw = (h - row0 + 1) // 2, w // 2
        drop = (
            (np.arange(gh, dtype=np.float32) * 2 + 0.5 + row0) - np.float32(view.y0)
        ) / np.float32(view.px)
        depth = np.float32(view.eye_m * self._street.focal) / drop
        across = ((np.arange(gw, dtype=np.float32) * 2 + 0.5) - np.float32(view.cx)) / np.float32(
            view.px
        )
        x = across[None] * (depth / np.float32(self._street.focal))[:, None] + np.float32(
            view.side_m
        )
        z = np.broadcast_to((depth + np.float32(view.ahead_m))[:, None], x.shape)
        near = smooth(46, 7, depth)[:, None]
        rough = (sample(self._rough, x / 5, z / 5) - 0.5) * near
        wet = self._wetness(x, z, near)
        clear = self._street.clear(depth)[:, None]
        floor = self._floor(rough, wet, clear)
        if self._reflects:
            floor = cv2.add(floor, self._mirror(out, view, (row0, gw, gh), rough, wet, t_s))
        ground = cv2.resize(floor, (w, h - row0), interpolation=cv2.INTER_LINEAR)
        ground = cv2.add(ground, self._marks(view, row0, w, h))
        roi = out[row0:]
        cover = np.zeros((h - row0, w), np.uint8)
        cv2.fillPoly(cover, [self._outline(view, row0)], 255, cv2.LINE_AA, 4)
        alpha = cover.astype(np.float32) * np.float32(1 / 255)
        roi[:] = cv2.blendLinear(ground, roi, alpha, 1 - alpha)

    def _outline(self, view: View, row0: int) -> Array:
        """The floor between the walls, in pixels of the rows from row0."""
        wall, far, near = self._street.wall_m, view.ahead_m + 150, view.ahead_m + 0.45
        corners = [
            view.at(-wall, 0, far),
            view.at(wall, 0, far),
            view.at(wall, 0, near),
            view.at(-wall, 0, near),
        ]
        return fixed([(x, y - row0) for x, y in corners])

    def _wetness(self, x: Array, z: Array, near: Array) -> Array:
        """0 dull .. 1 a puddle, float32 [h, w]."""
        if not self._street.is_wet:
            return np.zeros(x.shape, np.float32)
        pools = sample(self._puddles, x / 19, z / 26)
        return smooth(0.34, 0.80, pools) * (0.45 + 0.55 * near) + 0.25 * (1 - near)

    def _floor(self, rough: Array, wet: Array, clear: Array) -> Array:
        tone = (1 + (0.7 if self._street.is_wet else 0.22) * rough) * (1 - 0.45 * wet) * clear
        floor = tone[..., None] * self._base + ((1 - clear)[..., None] * self._veil)
        return np.clip(floor, 0, 255).astype(np.uint8)

    def _mirror(
        self,
        out: Array,
        view: View,
        size: tuple[int, int, int],
        rough: Array,
        wet: Array,
        t_s: float,
    ) -> Array:
        """Light mirrored by the floor, uint8 [gh, gw, 3] at half size."""
        row0, gw, gh = size
        upper = out[: max(row0 + int(0.12 * out.shape[0]), 8)]
        small = cv2.resize(
            upper, (out.shape[1] // 4, upper.shape[0] // 4), interpolation=cv2.INTER_AREA
        )
        smear = cv2.blur(cv2.blur(small, (3, 1)), (1, max(out.shape[0] // 16, 3)))
        smear = cv2.blur(smear, (1, max(out.shape[0] // 36, 3)))
        columns = np.arange(gw, dtype=np.float32)
        offset = (columns * 2 + 0.5) - np.float32(view.cx)
        wall = np.where(
            offset < 0, self._street.wall_m + view.side_m, self._street.wall_m - view.side_m
        )
        foot = np.abs(offset) * np.float32(view.eye_m) / wall.astype(np.float32)
        below = np.arange(gh, dtype=np.float32) * 2 + 0.5 + row0 - np.float32(view.y0)
        drop = (below / view.px)[:, None]
        wave = np.sin(
            below * np.float32(90 / view.px) / (0.12 + drop[:, 0]) + np.float32(t_s * 2.6)
        )
        gentle = (0.10 + 0.9 * smooth(0.0, 0.35, drop)) * np.float32(view.px)
        sway = (
            rough * 0.030 + wave[:, None] * 0.0022 * np.sin(columns * 0.045 + t_s * 1.7)[None]
        ) * gentle
        source_x = (columns[None] * 2 + sway) / 4
        rise = (2 * foot[None] - below[:, None]) * 0.92 + rough * 0.07 * gentle
        source_y = (np.float32(view.y0) + rise) / 4
        source_x, source_y = source_x.astype(np.float32), source_y.astype(np.float32)
        soft = _read(smear, source_x, source_y)
        sharp = _read(small, source_x, source_y)
        glancing = 0.55 + 0.35 * smooth(0.45, 0.02, drop)
        strength = (
            glancing * (1.0 if self._street.is_dark else 0.62)
            if self._street.is_wet
            else glancing * 0.10
        )
        mix = cv2.blendLinear(sharp, soft, wet, 1 - wet)
        share = (strength * (0.74 + 0.26 * wet) * (1 + 0.35 * rough)).astype(np.float32)
        return cv2.blendLinear(mix, np.zeros_like(mix), share, 1 - share)

    def _marks(self, view: View, row0: int, w: int, h: int) -> Array:
        """Pavements, kerbs, a crossing and the middle line, to be added."""
        street, ahead = self._street, view.ahead_m
        tone = np.zeros((h - row0, w), np.uint8)
        shift = np.array([0, row0 * 16], np.int32)

        def strip(x0: float, x1: float, z0: float, z1: float, value: int) -> None:
            z0 = max(z0, ahead + 0.5)
            if z1 > z0:
                corners = [(x0, 0.0, z0), (x1, 0.0, z0), (x1, 0.0, z1), (x0, 0.0, z1)]
                cv2.fillPoly(tone, [view.outline(corners) - shift], value, cv2.LINE_AA, 4)

        for side in (-1, 1):
            strip(side * street.curb_m, side * (street.wall_m + 0.5), 0, ahead + 120, 26)
            strip(side * street.curb_m, side * (street.curb_m + 0.22), 0, ahead + 90, 70)
        for i in range(12):
            z = 14.5 + i * 7.5
            strip(-0.07, 0.07, z, z + 3.0, int(190 * float(street.clear(z - ahead))))
        bars = int(street.curb_m * 2 / 0.95)
        for i in range(bars):
            x = -street.curb_m + 0.45 + i * (street.curb_m * 2 - 0.45) / bars
            strip(x, x + 0.48, 8.2, 11.2, 125)
        tinted = cv2.cvtColor(tone, cv2.COLOR_GRAY2BGR)
        tint = np.float32(0.6 / 255) * self._paint
        return cv2.transform(tinted, np.diag(tint))


def _read(picture: Array, x: Array, y: Array) -> Array:
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
