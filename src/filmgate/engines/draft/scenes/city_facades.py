"""The two walls of the street, painted once as the rearmost camera sees them.

They are moved by city.py, not here.

    pixel -> depth z (from its column) and height y -> building, floor, bay -> window, wall, roof
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.look import TimeOfDay
from filmgate.engines.draft.noise import bgr, sample, smooth, tile_noise, to_bytes
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.city_street import EYE_M, FAR_M, REAR_M, Street

_LIT = np.stack(
    [bgr(1.0, 0.66, 0.30), bgr(1.0, 0.78, 0.48), bgr(0.72, 0.86, 1.0), bgr(1.0, 0.52, 0.22)]
)
_WALLS = np.stack(
    [
        bgr(0.30, 0.22, 0.18),
        bgr(0.36, 0.34, 0.33),
        bgr(0.20, 0.23, 0.28),
        bgr(0.42, 0.36, 0.28),
        bgr(0.26, 0.17, 0.14),
        bgr(0.48, 0.46, 0.43),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A light that colours the wall round it."""

    z_m: float
    y_m: float
    colour: Array
    reach_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The buildings of one side, from near to far; arrays of one entry a building."""

    starts_m: Array
    """One more than buildings: the last is the end of the row."""
    heights_m: Array
    floor_m: Array
    bay_m: Array
    jambs: Array
    """Part of a bay beside its window, float32 [n]."""
    sills: Array
    lit_share: Array
    warmth: Array
    walls: Array
    shops: Array


def row_of(rng: np.random.Generator, low_m: float, high_m: float) -> Row:
    """Draw a row of buildings by lot."""
    starts, z = [-12.0], -12.0
    while z < FAR_M:
        z += float(rng.uniform(8, 17))
        starts.append(z)
    n = len(starts) - 1
    heights = rng.uniform(low_m, high_m, n) * np.where(
        np.arange(n) % 3 == int(rng.integers(3)), 1.5, 1
    )
    kind = rng.integers(0, 3, n)
    return Row(
        starts_m=np.array(starts, np.float32),
        heights_m=heights.astype(np.float32),
        floor_m=rng.uniform(3.0, 3.7, n).astype(np.float32),
        bay_m=np.choose(
            kind, [rng.uniform(1.7, 2.3, n), rng.uniform(2.6, 3.6, n), rng.uniform(1.1, 1.4, n)]
        ).astype(np.float32),
        jambs=np.choose(
            kind, [rng.uniform(0.2, 0.28, n), rng.uniform(0.06, 0.1, n), rng.uniform(0.1, 0.16, n)]
        ).astype(np.float32),
        sills=np.choose(
            kind, [rng.uniform(0.26, 0.34, n), rng.uniform(0.3, 0.4, n), rng.uniform(0.1, 0.2, n)]
        ).astype(np.float32),
        lit_share=rng.uniform(0.25, 0.7, n).astype(np.float32),
        warmth=rng.uniform(0, 1, n).astype(np.float32),
        walls=_WALLS[rng.integers(0, len(_WALLS), n)]
        * rng.uniform(0.75, 1.2, (n, 1)).astype(np.float32),
        shops=_LIT[rng.integers(0, len(_LIT), n)],
    )


class Wall:
    """One side of the street as a picture with cover."""

    def __init__(
        self,
        street: Street,
        light: Light,
        time: TimeOfDay,
        side: int,
        row: Row,
        spots: list[Spot],
        seed: int,
    ) -> None:
        self.side, self.row = side, row
        self._street = street
        self.scale_px = min(1.3 * street.height_px, 780.0)
        """Pixels of a frame height in the painting."""
        reach = street.aspect / 2 * 1.06 + 0.5
        self.width_px = int(reach * self.scale_px)
        self.above_px = int((street.horizon * 1.06 + 0.34) * self.scale_px)
        self.height_px = self.above_px + int(
            0.42 * reach * self.scale_px * EYE_M / street.wall_m * 2
        )
        self.table = np.random.default_rng((seed, 21 + side)).random((4, 64, 128), np.float32)
        self.image = self._paint(light, time, spots, seed)
        """Premultiplied BGRA uint8; column 0 is the vanishing point, columns go outwards."""

    def to_painting(self, z_m: float, y_m: float) -> tuple[float, float]:
        """Pixel of the painting that shows a point of the wall."""
        k = self._street.focal * self.scale_px / (z_m - REAR_M)
        return self._street.wall_m * k, self.above_px - (y_m - EYE_M) * k

    def _paint(self, light: Light, time: TimeOfDay, spots: list[Spot], seed: int) -> Array:
        street, row = self._street, self.row
        x = (np.arange(self.width_px, dtype=np.float32) + 0.5) / self.scale_px
        depth = np.minimum(street.focal * street.wall_m / x, FAR_M - REAR_M - 1)
        z = depth + np.float32(REAR_M)
        v = (self.above_px - np.arange(self.height_px, dtype=np.float32) - 0.5) / self.scale_px
        y = v[:, None] * (depth / street.focal)[None] + EYE_M
        of = np.clip(np.searchsorted(row.starts_m, z, "right") - 1, 0, len(row.heights_m) - 1)
        dz = depth * depth / (street.focal * street.wall_m * self.scale_px)
        dy = depth / (street.focal * self.scale_px)
        panes, glass, shade = self._windows(z, y, of, dz, dy)
        stone = sample(tile_noise(1.3, seed + 5), (z / 30)[None] + 0 * y, y / 40)
        albedo = row.walls[of][None] * ((0.72 + 0.5 * stone) * shade)[..., None]
        colour = albedo * self._light_on_walls(light, time, z, y, spots)
        pane = self._sky_in_glass(light, y, z) * glass[..., None] + panes
        colour = colour * (1 - glass[..., None]) + pane
        self._shops(colour, z, y, of, (dz, dy))
        clear = street.clear(depth)[None, :, None]
        lift = np.exp(-np.maximum(y, 0) / 30)[..., None] * 0.45 + 0.55
        colour = colour * clear + street.haze * lift * (1 - clear)
        cover = self._cover(z, y, of, dy)
        image = to_bytes(colour, seed)
        image = cv2.multiply(image, cv2.merge([cover] * 3), scale=1 / 255)
        return np.dstack([image, cover])

    def _windows(
        self, z: Array, y: Array, of: Array, dz: Array, dy: Array
    ) -> tuple[Array, Array, Array]:
        """Light of the panes [h, w, 3], share of glass [h, w], relief of the wall [h, w]."""
        row = self.row
        u = (z - row.starts_m[of]) / row.bay_m[of]
        f = (y - 4.4) / row.floor_m[of][None]
        bay, floor = np.floor(u), np.floor(f)
        fu, fv = u - bay, f - floor
        jamb, sill = row.jambs[of], row.sills[of]
        eu, ev = np.maximum(dz / row.bay_m[of], 0.012), np.maximum(dy / row.floor_m[of], 0.012)
        across = np.clip((fu - jamb) / eu, 0, 1) * np.clip((1 - jamb - fu) / eu, 0, 1)
        mullion = 1 - 0.7 * np.clip(1 - np.abs(fu - 0.5) / np.maximum(eu, 0.03), 0, 1)
        up = np.clip((fv - sill) / ev, 0, 1) * np.clip((0.90 - fv) / ev, 0, 1)
        far = np.clip(0.6 / (dz * 2), 0, 1)
        glass = up * (across * mullion)[None] * (floor >= 0)
        glass = glass * np.clip((row.heights_m[of][None] - 1.1 - y) / dy, 0, 1)
        at = (
            floor.astype(np.int32) % 64,
            (bay.astype(np.int32) + of * 29)[None] % 128 + 0 * floor.astype(np.int32),
        )
        lit, strength, hue, blind = (self.table[i][at] for i in range(4))
        on = (lit < row.lit_share[of][None]).astype(np.float32)
        on = on * far + (1 - far) * row.lit_share[of][None]
        cool = (hue * 0.7 + 0.5 * row.warmth[of][None] > 0.72).astype(np.float32)[..., None]
        colour = _LIT[1] * (1 - cool) + _LIT[2] * cool * 0.9
        inside = (0.14 + 1.5 * strength**2.2) * (0.55 + 0.45 * smooth(0.2, 0.9, fv))
        inside = inside * np.where(
            (blind > 0.6) & (fv > 0.9 - 0.5 * (blind - 0.5)), np.float32(0.35), np.float32(1)
        )
        night = 1.0 if self._street.is_dark else 0.10
        panes = colour * (glass * on * inside * night)[..., None]
        slab = np.clip(1 - np.abs(fv - 0.02) / np.maximum(ev * 1.2, 0.05), 0, 1)
        pier = np.clip(1 - np.minimum(fu, 1 - fu) / np.maximum(eu * 1.2, 0.07), 0, 1)
        relief = 0.8 + 0.3 * slab + (0.22 * pier)[None]
        under = np.clip(1 - np.abs(fv - 0.94) / np.maximum(ev, 0.05), 0, 1)
        return panes, glass, (relief * (1 - 0.35 * under)).astype(np.float32)

    def _light_on_walls(
        self, light: Light, time: TimeOfDay, z: Array, y: Array, spots: list[Spot]
    ) -> Array:
        street = self._street
        low = np.exp(-np.maximum(y, 0) / 7)
        if street.is_dark:
            base = light.ambient * (0.55 + 0.35 * low)[..., None]
            base = base + bgr(0.34, 0.20, 0.12) * low[..., None] * 0.8
        else:
            open_sky = 0.45 + 0.55 * smooth(0, 26, y)
            shade = (
                light.ambient
                if time is TimeOfDay.DAY
                else light.ambient * 0.45 + light.middle * 0.9
            )
            base = shade * (open_sky * 0.62)[..., None]
            base = base + light.sun * self._sunshine(light, time, z, y)[..., None]
        step = 8
        zs, ys = z[::step], y[::step, ::step]
        spill = np.zeros((*ys.shape, 3), np.float32)
        for s in spots:
            d2 = (zs - s.z_m)[None] ** 2 + (ys - s.y_m) ** 2
            spill += s.colour * (1 / (1 + 5 * d2 / s.reach_m**2) ** 1.4)[..., None]
        return base + cv2.resize(spill, (y.shape[1], y.shape[0]), interpolation=cv2.INTER_LINEAR)

    def _sunshine(self, light: Light, time: TimeOfDay, z: Array, y: Array) -> Array:
        if time is TimeOfDay.DAY:
            edge = 9 + 4 * np.sin(z * 0.31) + 3 * np.sign(np.sin(z * 0.23 + 1))
            on_sunny_side = 1.0 if self.side > 0 else 0.10
            return smooth(-0.3, 0.5, y - edge[None]) * np.float32(
                on_sunny_side * light.sun_strength * 1.3
            )
        rake = smooth(0, 18, y) * (0.35 + 0.65 * smooth(10, 90, z))[None]
        return rake * np.float32(light.sun_strength * (1.0 if self.side > 0 else 0.15))

    def _sky_in_glass(self, light: Light, y: Array, z: Array) -> Array:
        up = smooth(0, 34, y + 6 * np.sin(z * 0.5)[None])[..., None]
        share = 0.10 if self._street.is_dark else 0.34
        return (light.middle * 0.5 + (light.horizon - light.middle * 0.5) * up) * np.float32(share)

    def _shops(
        self, colour: Array, z: Array, y: Array, of: Array, fine: tuple[Array, Array]
    ) -> None:
        """Lay the ground floor over the wall: lit shop windows under a fascia."""
        dz, dy = fine
        rows = np.flatnonzero((y < 4.3).any(axis=1))
        cut = np.s_[rows[0] :]
        y = y[cut]
        u = z / 4.6 + self.row.warmth[of] * 3
        shop, fu = np.floor(u), u - np.floor(u)
        e = np.maximum(dz / 4.6, 0.006)
        pick = self.table[0][5, (shop.astype(np.int32) * 7) % 128]
        bars = np.clip((fu - 0.06) / e, 0, 1) * np.clip((0.94 - fu) / e, 0, 1)
        bars = bars * (
            1 - 0.75 * np.clip(1 - np.abs(fu % 0.235 - 0.1) / np.maximum(e, 0.012), 0, 1)
        )
        pane = bars[None] * np.clip((y - 0.45) / dy, 0, 1) * np.clip((3.1 - y) / dy, 0, 1)
        goods = sample(tile_noise(1.5, 77, 256), (z / 9)[None] + 0 * y, y / 14)
        shelf = 1 - 0.5 * smooth(0.10, 0.02, np.abs((y + 0.25) % 0.72 - 0.36)) * smooth(2.3, 1.9, y)
        inside = (
            (0.22 + 0.95 * smooth(0.2, 3.0, y) ** 1.5)
            * (0.55 + 0.6 * smooth(0.3, 0.7, goods))
            * shelf
        )
        open_ = np.where(pick > 0.18, 0.4 + pick, 0.06) * (1.0 if self._street.is_dark else 0.38)
        tint = (
            self.row.shops[of] * 0.62
            + np.stack(self._street.palette)[(pick * 97).astype(np.int32) % 3] * 0.38
        )
        shine = tint[None] * (inside * open_[None])[..., None]
        ground = np.clip((4.2 - y) / dy, 0, 1)[..., None]
        fascia = (
            np.clip((y - 3.35) / dy, 0, 1) * np.clip((4.0 - y) / dy, 0, 1) * bars[None] ** 0.1
        )[..., None]
        front = colour[cut] * (1 - ground * 0.62)
        board = (
            tint[None]
            * (0.55 if self._street.is_dark else 0.28)
            * np.where(pick > 0.4, np.float32(1), np.float32(0.12))[None, :, None]
        )
        front = front * (1 - fascia * 0.8) + board * fascia * (
            0.65 + 0.35 * np.sin(z * 9)[None, :, None] ** 2
        )
        colour[cut] = front * (1 - pane[..., None]) + shine * pane[..., None]

    def _cover(self, z: Array, y: Array, of: Array, dy: Array) -> Array:
        """255 where there is a building; roofs carry lift houses and tanks."""
        row = self.row
        along = (z - row.starts_m[of]) / (row.starts_m[of + 1] - row.starts_m[of])
        house = np.abs(along - 0.3 - 0.4 * row.warmth[of]) < 0.13
        top = row.heights_m[of] + house * np.float32(2.6)
        top = top + np.where(
            (np.abs(along - 0.75) < 0.012) & (z < 45), np.float32(4), np.float32(0)
        )
        return np.clip((top[None] - y) / dy * 255, 0, 255).astype(np.uint8)
