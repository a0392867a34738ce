"""The city scene: a street canyon with neon, wet asphalt, walkers and cars.

No grade and no falling weather here.

    sky -> fronts of tall houses -> two walls -> signs -> floor, a mirror -> traffic -> steam
"""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.light import light_of
from filmgate.engines.draft.look import Look, Picture, Pose
from filmgate.engines.draft.noise import film, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.city_facades import Row, Spot, Wall, row_of
from filmgate.engines.draft.scenes.city_fronts import Fronts
from filmgate.engines.draft.scenes.city_ground import Ground
from filmgate.engines.draft.scenes.city_layers import Array, paste, shine
from filmgate.engines.draft.scenes.city_signs import matrix_of, signs_of
from filmgate.engines.draft.scenes.city_sky import Sky
from filmgate.engines.draft.scenes.city_street import View, street_of
from filmgate.engines.draft.scenes.city_traffic import Traffic
from filmgate.engines.draft.scenes.city_windows import Windows


class City:
    """A street through a city, walked slowly."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        light, rng = light_of(look), np.random.default_rng((look.seed, 1))
        street = street_of(look, width_px, height_px)
        self._street = street
        self._signs = [] if "neon" in look.without else signs_of(street, rng)
        spots = [
            Spot(
                z_m=s.z_m,
                y_m=s.y_m + s.height_m / 2,
                reach_m=5.0 + s.height_m * 0.6,
                colour=s.colour * (0.95 if street.is_dark else 0.05),
            )
            for s in self._signs
        ]
        self._sky = Sky(look, light, street)
        self._walls: list[Wall] = []
        rows: dict[int, Row] = {}
        for side in (-1, 1):
            row = rows[side] = row_of(np.random.default_rng((look.seed, 2 + side)), 12, 30)
            here = [s for s, sign in zip(spots, self._signs, strict=True) if sign.x_m * side > 0]
            self._walls.append(Wall(street, light, look.time, side, row, here, look.seed))
        self._windows = Windows(street, self._walls, look.seed) if street.is_dark else None
        self._fronts = Fronts(street, light, rows, look.seed)
        self._ground = Ground(street, light, look.seed, "reflections" not in look.without)
        self._traffic = Traffic(
            street, look.seed, cars="cars" not in look.without, people="people" not in look.without
        )
        self._steam_noise = tile_noise(1.5, look.seed + 9, 256)
        self._has_steam = street.is_dark and not ({"steam", "smoke"} & look.without)
        self._steam_at = float(rng.choice((-1, 1))) * 1.6, float(rng.uniform(15, 19))
        self._steam_tone = film(street.haze * 2.0 + street.palette[0] * 0.10 + 0.03) * 255

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        street = self._street
        view = View(street, t_s, pose)
        out = np.empty((street.height_px, street.width_px, 3), np.uint8)
        glow = np.zeros((street.height_px // 4, street.width_px // 4, 3), np.uint8)
        self._sky.draw(out, view)
        self._fronts.draw(out, view)
        for wall in self._walls:
            self._lay_wall(out, view, wall)
        if self._windows:
            self._windows.draw(out, view, t_s)
        for sign in self._signs:
            if sign.z_m - view.ahead_m > 1.5:
                strength = sign.strength(t_s) * (1.0 if street.is_dark else 0.6)
                near = float(smooth(1.5, 3.5, sign.z_m - view.ahead_m))
                paste(out, sign.face, matrix_of(sign, view), strength * near)
                shine(glow, sign.light, matrix_of(sign, view, 0.25), strength * near * 0.42)
        self._ground.draw(out, view, t_s)
        self._traffic.draw(out, glow, view, t_s)
        if self._has_steam:
            self._steam(out, view, t_s)
        return Picture(out, glow)

    def _lay_wall(self, out: Array, view: View, wall: Wall) -> None:
        street, side = self._street, wall.side
        h, w = out.shape[:2]
        corners = [(14.0, 0.0), (14.0, 12.0), (70.0, 0.0), (70.0, 12.0)]
        source = np.array([wall.to_painting(z, y) for z, y in corners], np.float32)
        target = np.array([view.at(side * street.wall_m, y, z) for z, y in corners], np.float32)
        edge = int(np.clip(round(view.cx), 1, w - 1))
        x0, x1 = (edge, w) if side > 0 else (0, edge)
        foot = view.y0 + max(abs(view.cx), abs(w - view.cx)) * view.eye_m / (
            street.wall_m - abs(view.side_m)
        )
        rows = int(np.clip(foot + 4, 2, h))
        target[:, 0] -= x0
        move = cv2.getPerspectiveTransform(source, target)
        moved = cv2.warpPerspective(
            wall.image,
            move,
            (x1 - x0, rows),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        roi = out[:rows, x0:x1]
        keep = cv2.cvtColor(255 - moved[..., 3], cv2.COLOR_GRAY2BGR)
        roi[:] = cv2.add(cv2.multiply(roi, keep, scale=1 / 255), moved[..., :3])

    def _steam(self, out: Array, view: View, t_s: float) -> None:
        x_m, z_m = self._steam_at
        k = view.scale(z_m)
        left, top = view.at(x_m - 1.6, 5.2, z_m)
        w, h = int(3.2 * k), int(5.3 * k)
        x0, y0, x1, y1 = (
            max(int(left), 0),
            max(int(top), 0),
            min(int(left) + w, out.shape[1]),
            min(int(top) + h, out.shape[0]),
        )
        if x1 - x0 < 8 or y1 - y0 < 8:
            return
        gw, gh = (x1 - x0 + 3) // 4, (y1 - y0 + 3) // 4
        u = ((np.arange(gw, dtype=np.float32) * 4 + np.float32(x0 - left)) / (3.2 * k))[None]
        v = ((np.arange(gh, dtype=np.float32) * 4 + np.float32(y0 - top)) / (5.3 * k))[:, None]
        rise = 1 - v
        rise = np.clip(rise, 0, 1)
        bend = u - 0.5 - 0.10 * np.sin(rise * 4 - t_s * 0.9) * rise
        plume = (
            np.exp(-((bend / (0.07 + 0.26 * rise)) ** 2))
            * smooth(0, 0.08, rise)
            * (1 - rise) ** 1.2
        )
        puffs = sample(self._steam_noise, u * 0.5 + 0 * v, v * 0.7 + t_s * 0.11 + 0 * u)
        puffs2 = sample(self._steam_noise, u * 1.1 + 0.3 + 0 * v, v * 1.3 + t_s * 0.19 + 0 * u)
        alpha = (plume * smooth(0.15, 0.9, puffs * 0.65 + puffs2 * 0.35) * 0.62).astype(np.float32)
        alpha = cv2.resize(alpha, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        roi = out[y0:y1, x0:x1]
        tone = np.empty_like(roi)
        tone[:] = self._steam_tone.astype(np.uint8)
        roi[:] = cv2.blendLinear(tone, roi, alpha, 1 - alpha)
