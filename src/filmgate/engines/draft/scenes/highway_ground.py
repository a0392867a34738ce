"""The tar, its lines and the verges: a texture painted once, laid on the ground plane, then lit."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, blend, film, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_view import FAR_M, SHUTTER_M, View

_LENGTH_M = 36.0
_LEFT_M, _RIGHT_M = -16.0, 10.0
_ROWS, _COLUMNS = 1024, 1024
_VERGE_PX_M, _EXTRA_PX_M, _TAR_HALF_M = 24.0, 40.0, 5.0
"""Texels a metre on the verges, and how many more on the tar (24 * 26 + 40 * 10 = 1024)."""
_MIPS = 6
_SHORE_M = 9.2
_GAIN_ONE = 127.0
_NEAR_M = 7.0
"""Nearer than this (at 540 pixels of a unit) a texel is larger than a pixel."""


def _texel(lateral: Any) -> Any:
    """The texture's column of a place across the road."""
    on_tar = np.clip(lateral, -_TAR_HALF_M, _TAR_HALF_M) + np.float32(_TAR_HALF_M)
    return (lateral - np.float32(_LEFT_M)) * np.float32(_VERGE_PX_M) + on_tar * np.float32(
        _EXTRA_PX_M
    )


class Ground:
    """The road and what lies beside it, up to the shore."""

    def __init__(self, look: Look, sky: Sky) -> None:
        self._sky, self._look = sky, look
        self._noise = [tile_noise(beta, look.seed * 3 + k) for k, beta in enumerate((0.9, 0.5))]
        self._mips = _mips(self._painted())
        is_wet = look.weather is Weather.RAIN
        self._wet = 1.0 if is_wet else 0.45 if look.weather in (Weather.FOG, Weather.SNOW) else 0.3
        self._clear_m = {
            Weather.FOG: (4.0, 90.0), Weather.RAIN: (15.0, 200.0), Weather.SNOW: (12.0, 160.0),
        }.get(look.weather, (30.0, 280.0))  # fmt: skip
        edge = self._noise[0][0] - np.float32(0.5)
        self._shore_m: Floats = _SHORE_M + 1.1 * edge

    def draw(self, out: Bytes, view: View) -> None:
        """Lay the ground over everything below the horizon and left of the shore."""
        width = out.shape[1]
        first = int(np.searchsorted(-view.dist, -FAR_M))
        if first >= view.dist.size - 2:
            return
        dist = view.dist[first:]
        across = (np.arange(width, dtype=np.float32) - np.float32(view.x0)) / np.float32(view.px)
        shore = (view.centre[first:] + _SHORE_M + 0.9) / dist * view.px + view.x0
        right = int(np.clip(shore.max(), 8, width))
        ground = self._laid(across[:right], view, first)
        gain, veil = self._lit(across[:right], view, first, ground.shape[:2])
        ground = cv2.add(cv2.multiply(ground, gain, scale=1 / _GAIN_ONE), veil)
        part = out[view.row0 + first :]
        beach = self._shore_at(dist, view)
        edge = (view.centre[first:] + beach - 0.5) / dist * view.px + view.x0
        solid = int(np.clip(edge.min(), 0, right))
        part[:, :solid] = ground[:, :solid]
        if right > solid:
            lateral = across[None, solid:right] * dist[:, None] - view.centre[first:, None]
            soft = dist[:, None] / np.float32(view.px) * np.float32(1.2) + np.float32(0.02)
            alpha = np.clip((beach[:, None] - lateral) / soft + np.float32(0.5), 0, 1)
            blend(
                part[:, solid:right],
                np.asarray(ground[:, solid:], np.uint8),
                alpha.astype(np.float32),
            )

    def _shore_at(self, dist: Floats, view: View) -> Floats:
        along = (dist + np.float32(view.z)) * np.float32(512 / 60) % 512
        ragged = np.interp(along, np.arange(513), np.append(self._shore_m, self._shore_m[0]))
        return (ragged + (_SHORE_M - ragged) * smooth(20, 90, dist)).astype(np.float32)

    def _laid(self, across: Floats, view: View, first: int) -> Bytes:
        """The bare texture; near rows, magnified and smeared as they are, at half the size."""
        dist = view.dist[first:]
        ground = np.empty((dist.size, across.size, 3), np.uint8)
        near = int(np.searchsorted(-dist, -_NEAR_M * view.px / 540))
        if near < dist.size:
            half_px = np.float32(0.5 / view.px)
            near_dist = np.float32(view.eye_m) / (view.drop[first + near :: 2] + half_px)
            near_centre = view.shift(near_dist).astype(np.float32)
            lateral = (across[::2] + half_px)[None] * near_dist[:, None] - near_centre[:, None]
            small = self._read(lateral, near_dist, view)
            large = cv2.resize(small, (small.shape[1] * 2, small.shape[0] * 2))
            ground[near:] = large[: dist.size - near, : across.size]
        lateral = across[None] * dist[:near, None] - view.centre[first : first + near, None]
        ground[:near] = self._read(lateral, dist[:near], view)
        return ground

    def _read(self, lateral: Floats, dist: Floats, view: View) -> Bytes:
        """Read the texture at places on the ground: fine copies near, coarse ones far away."""
        u = _texel(lateral)
        along = ((dist + np.float32(view.z % _LENGTH_M)) / np.float32(_LENGTH_M)) % 1
        level = np.log2(np.maximum((_VERGE_PX_M + _EXTRA_PX_M) * dist / view.px, 1))
        level = np.clip(level, 0, _MIPS - 1).astype(np.int32)
        ground = np.empty((*lateral.shape, 3), np.uint8)
        for k in range(_MIPS):
            rows = np.flatnonzero(level == k)
            if rows.size == 0:
                continue
            band = slice(int(rows[0]), int(rows[-1]) + 1)
            mip = self._mips[k]
            v = along[band] * np.float32(mip.shape[0] - 2) + np.float32(0.5)
            at_u = (
                u[band]
                if k == 0
                else (u[band] + np.float32(0.5)) * np.float32(0.5**k) - np.float32(0.5)
            )
            at_v = np.repeat(v[:, None], at_u.shape[1], axis=1)
            cv2.remap(mip, at_u, at_v, cv2.INTER_LINEAR, ground[band], cv2.BORDER_REFLECT_101)
        return ground

    def _lit(
        self, across: Floats, view: View, first: int, shape: tuple[int, int]
    ) -> tuple[Any, Any]:
        """Return (gain, veil), uint8 [h, w, 3]: what light does, and what air and wet add."""
        light = self._sky.light
        drop = view.drop[first::6, None]
        x = across[None, ::6]
        sun = np.exp(-(((x - self._sky.sun_x) / (0.22 + 0.5 * drop)) ** 2)) * light.sun_strength
        haze = smooth(self._clear_m[0], self._clear_m[1], view.eye_m / drop)
        haze = haze * np.float32(0.92 if self._look.weather is Weather.FOG else 0.72)
        level = 0.86 + 0.30 * sun
        if light.is_dark:
            level = 0.11 + self._headlight(x, view.eye_m / drop)
        grazing = np.clip(1 - drop * 1.7, 0, 1) ** 4 * self._wet
        mirror = (light.horizon * 0.45 + light.middle * 0.2)[None, None] * (
            grazing * np.ones_like(x)
        )[..., None]
        mirror = mirror + light.sun * (sun * grazing * 0.9)[..., None]
        keep = 1 - haze
        veil = film(mirror) * 255 * 0.62 * keep[..., None] + self._sky.haze_colour * haze[..., None]
        gain = np.clip(level * keep * _GAIN_ONE, 0, 255).astype(np.uint8)
        size = shape[1], shape[0]
        return (
            cv2.merge([cv2.resize(gain, size)] * 3),
            cv2.resize(np.clip(veil, 0, 255).astype(np.uint8), size),
        )

    def _headlight(self, x: Floats, dist: Floats) -> Floats:
        """The pool of one's own lamps: wide and near, narrow and far."""
        wide = np.exp(-((x / 0.55) ** 2)) * smooth(2.0, 6.0, dist) * np.exp(-dist / 16)
        far = np.exp(-(((x - 0.01) / 0.16) ** 2)) * smooth(7.0, 18.0, dist) * np.exp(-dist / 48)
        return (1.5 * wide + 0.9 * far).astype(np.float32)

    def _painted(self) -> Bytes:
        """36 m of road, tileable along its length, blurred by what the open shutter smears."""
        table = np.linspace(_LEFT_M, _RIGHT_M, 4096, dtype=np.float32)
        across = np.interp(np.arange(_COLUMNS), _texel(table), table).astype(np.float32)
        lat, z = np.meshgrid(
            across, np.arange(_ROWS, dtype=np.float32) * np.float32(_LENGTH_M / _ROWS)
        )
        coarse = sample(self._noise[0], lat * 0.10, z / 36 * 2)
        fine = sample(self._noise[1], lat * 0.33, z / 36 * 11)
        verge = self._verge(lat, z, coarse, fine)
        tar = self._tar(lat, z, coarse, fine)
        ragged = 4.35 + 0.25 * (coarse - 0.5)
        on_tar = smooth(0.10, -0.10, np.abs(lat) - ragged)[..., None]
        albedo = verge + (tar - verge) * on_tar
        light = self._sky.light
        shade = (1 - 0.55 * smooth(-6.5, -11.0, lat))[..., None]  # under the trees
        level = light.ambient * 1.0 + light.sun * light.sun_strength * min(
            0.25 + light.sun_height * 2, 1.0
        )
        if light.is_dark:
            level = bgr(1.15, 1.08, 0.95)  # as one's own lamps show it; the rest is darkened later
        shown = film(albedo * level * shade) * 255
        tall = max(round(SHUTTER_M / _LENGTH_M * _ROWS), 1)
        padded = np.pad(shown, ((tall, tall), (0, 0), (0, 0)), mode="wrap")
        smeared = np.asarray(cv2.blur(padded, (1, tall)))[tall:-tall]
        return np.clip(smeared + 0.5, 0, 255).astype(np.uint8)

    def _verge(self, lat: Floats, z: Floats, coarse: Floats, fine: Floats) -> Floats:
        dry, green, earth = bgr(0.24, 0.17, 0.065), bgr(0.075, 0.10, 0.030), bgr(0.13, 0.10, 0.075)
        patch = smooth(0.35, 0.75, coarse)[..., None]
        grass = green + (dry - green) * patch
        tuft = sample(self._noise[1], lat * 0.9, z / 36 * 29)
        grass = grass * (0.35 + 0.75 * fine + 0.55 * tuft)[..., None]
        gravel = smooth(1.7, 0.0, np.abs(lat) - 4.3 + 1.2 * (coarse - 0.5))[..., None]
        grass = grass + (earth * (0.5 + fine)[..., None] - grass) * gravel * 0.8
        rock = smooth(7.2, 8.6, lat + 1.6 * (coarse - 0.5))[..., None]
        grass = grass + (bgr(0.10, 0.085, 0.075) * (0.4 + 1.2 * tuft)[..., None] - grass) * rock
        if self._look.weather is Weather.SNOW:
            lain = smooth(0.25, 0.5, coarse * 0.6 + fine * 0.4)[..., None] * 0.92
            grass = grass + (bgr(0.52, 0.56, 0.63) * (0.75 + 0.3 * fine)[..., None] - grass) * lain
        return grass.astype(np.float32)

    def _tar(self, lat: Floats, z: Floats, coarse: Floats, fine: Floats) -> Floats:
        tracks = smooth(0.75, 0.2, np.abs(np.abs(np.abs(lat) - 2.05) - 0.8))
        grit = sample(self._noise[1], lat * 1.1, z / 36 * 7)
        tar = (
            bgr(0.060, 0.058, 0.062) * (0.55 + 0.5 * fine + 0.35 * coarse + 0.25 * grit)[..., None]
        )
        tar = tar * (1 - 0.28 * tracks)[..., None]
        crack = smooth(0.018, 0.004, np.abs(sample(self._noise[0], lat * 0.05, z / 36) - 0.5))
        tar = tar * (1 - 0.45 * crack * smooth(0.45, 0.6, coarse))[..., None]
        worn = 0.65 + 0.35 * smooth(0.30, 0.55, fine)
        dash = (smooth(0.105, 0.055, np.abs(lat)) * ((z / 9) % 1 < 0.40) * 0.9 * worn)[..., None]
        edge = (smooth(0.105, 0.055, np.abs(np.abs(lat) - 3.85)) * 0.85 * worn)[..., None]
        tar = tar + (bgr(0.62, 0.40, 0.08) - tar) * dash
        tar = tar + (bgr(0.58, 0.56, 0.52) - tar) * edge
        if self._look.weather is Weather.RAIN:
            tar = tar * 0.6
        if self._look.weather is Weather.SNOW:
            lain = (smooth(0.5, 0.8, coarse * 0.5 + fine * 0.5) * (1 - 0.8 * tracks) * 0.7)[
                ..., None
            ]
            tar = tar + (bgr(0.66, 0.70, 0.78) - tar) * lain
        return tar.astype(np.float32)


def _mips(road: Bytes) -> list[Bytes]:
    """Coarser copies: half the columns and a quarter of the rows each; the ends are repeated."""
    mips: list[Bytes] = []
    for k in range(_MIPS):
        rows = _ROWS if k == 0 else max(_ROWS * 2 >> (2 * k), 2)
        small = (
            road
            if k == 0
            else cv2.resize(road, (_COLUMNS >> k, rows), interpolation=cv2.INTER_AREA)
        )
        mips.append(np.pad(np.asarray(small, np.uint8), ((1, 1), (0, 0), (0, 0)), mode="wrap"))
    return mips
