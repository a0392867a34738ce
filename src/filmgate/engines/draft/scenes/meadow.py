"""A meadow that a cat runs through while the camera keeps pace. Its parts are drawn elsewhere.

sky -> birds -> hills -> trees -> rows of grass -> wind -> shadow, cat -> near rows
    -> butterflies, fireflies
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.light import Light, light_of
from filmgate.engines.draft.look import Look, Picture, Pose, TimeOfDay, Weather
from filmgate.engines.draft.noise import Bytes, bgr, film, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.meadow_cat import Cat
from filmgate.engines.draft.scenes.meadow_coat import coat_of
from filmgate.engines.draft.scenes.meadow_flight import Birds, Butterflies
from filmgate.engines.draft.scenes.meadow_frame import framing_of
from filmgate.engines.draft.scenes.meadow_fur import Lamp
from filmgate.engines.draft.scenes.meadow_gait import SPEED, Gait
from filmgate.engines.draft.scenes.meadow_grass import grass_rows
from filmgate.engines.draft.scenes.meadow_land import FIELD_NEARNESS, land_strips
from filmgate.engines.draft.scenes.meadow_sky import Sky
from filmgate.engines.draft.scenes.meadow_strip import Strip
from filmgate.engines.draft.scenes.meadow_view import placing
from filmgate.engines.draft.scenes.mood_motes import Motes

_SLEEP = frozenset(("sleep", "sleeps", "sleeping", "nap", "napping", "asleep"))
_SIT = _SLEEP | {"sit", "sits", "sitting", "rest", "resting", "lying"}
_WALK = frozenset(
    ("walk", "walks", "walking", "stand", "stands", "standing", "stroll", "strolling", "wandering")
)
_ANIMALS = frozenset(("cats", "cat", "dogs", "animals"))
_WIND_SHARE = 8


def gait_of(look: Look) -> Gait:
    """How the words want the animal to move: it runs unless they say otherwise."""
    if look.words & _SIT:
        return Gait.SIT
    return Gait.WALK if look.words & _WALK else Gait.GALLOP


class Meadow:
    """Sky, hills, grass in the wind, and a cat; the seed decides which way it runs."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        light = light_of(look)
        self._framing = framing_of(width_px, height_px)
        rng = np.random.default_rng((look.seed, 0x3EAD))
        self._is_flipped = bool(rng.integers(2))
        gait = gait_of(look)
        self._speed = SPEED[gait] * self._framing.body * (1.0 if gait is not Gait.GALLOP else 0.92)
        self._drift = 0.0 if gait is Gait.SIT else self._speed
        self._sky = Sky(look, light, self._framing)
        self._land = land_strips(look, light, self._framing)
        rows = grass_rows(look, light, self._framing, self._speed)
        self._far_rows = [row for row in rows if row.nearness < 1.02]
        self._near_rows = [row for row in rows if row.nearness >= 1.02]
        self._wind_noise = tile_noise(1.35, look.seed + 90, 256)
        self._wind_strength = 0.34 if not light.is_dark else 0.22
        self._cat = None
        if not look.without & _ANIMALS:
            lamp = _lamp(light, self._sky.sun_x)
            asleep = bool(look.words & _SLEEP)
            self._cat = Cat(coat_of(look), gait, lamp, seed=look.seed, is_asleep=asleep)
        self._shade = _shadow_colour(light)
        self._fliers = self._living(look, light)
        self._motes = self._lights(look, light)
        self._is_glowing = self._sky.has_disc
        self._sun_paint = film(light.sun * light.sun_strength) * 255

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        framing = self._framing
        pose = self._aimed(pose)
        image = np.empty((framing.height_px, framing.width_px, 3), np.uint8)
        scroll = self._drift * t_s
        self._sky.lay(image, t_s, pose)
        for flier in self._fliers:
            if isinstance(flier, Birds):
                flier.fly(image, t_s, pose)
        for strip in self._land:
            until = self._far_rows[0].opaque_from_px(pose, framing.height_px)
            is_field = strip.nearness == FIELD_NEARNESS
            strip.lay(image, pose, scroll, t_s, until if is_field else None)
        self._grow(image, self._far_rows, t_s, pose, scroll)
        self._blow(image, t_s, pose, scroll)
        self._stand_cat(image, t_s, pose)
        self._grow(image, self._near_rows, t_s, pose, scroll)
        for flier in self._fliers:
            if isinstance(flier, Butterflies):
                flier.fly(image, t_s, pose)
        glow = self._glow(image, pose)
        if self._motes is not None:
            self._motes.shine(image, glow, t_s, pose)
        if self._is_flipped:
            image = cv2.flip(image, 1).astype(np.uint8)
            glow = cv2.flip(glow, 1).astype(np.uint8)
        return Picture(image, glow)

    def _aimed(self, pose: Pose) -> Pose:
        """The pose in the scene's own left and right; close up, the animal stays in view."""
        dolly = pose.dolly * (self._framing.push if pose.dolly > 0 else 1.0)
        closer = placing(Pose(dolly=dolly, zoom=pose.zoom), 1.0).scale - 1
        middle = self._framing.ground - 0.55 * self._framing.body
        tilt = pose.tilt - 0.85 * middle * max(closer, 0) / pose.zoom
        side = -1 if self._is_flipped else 1
        return Pose(side * pose.x, pose.y, pose.zoom, dolly, 0.0, side * pose.pan, tilt)

    def _living(self, look: Look, light: Light) -> list[Birds | Butterflies]:
        """What flies: nothing in rain, no butterflies in the cold or the dark."""
        fliers: list[Birds | Butterflies] = []
        is_fair = look.weather in (Weather.CLEAR, Weather.CLOUDY)
        if is_fair and not light.is_dark and "birds" not in look.without:
            fliers.append(Birds(self._framing, light, look.seed))
        if is_fair and not light.is_dark and "butterflies" not in look.without:
            fliers.append(Butterflies(self._framing, light, look.seed))
        return fliers

    def _lights(self, look: Look, light: Light) -> Motes | None:
        """Fireflies by night, lit pollen by a low sun."""
        if look.weather in (Weather.RAIN, Weather.SNOW):
            return None
        size = (self._framing.width_px, self._framing.height_px)
        area = (self._framing.horizon + 0.02, self._framing.ground + 0.16)
        if look.time is TimeOfDay.NIGHT and not look.without & {"fireflies", "lights"}:
            return Motes(
                count=34, colours=(bgr(0.85, 1.0, 0.35), bgr(1.0, 0.85, 0.35)), seed=look.seed,
                size=size, radius=(0.005, 0.017), strength=1.25, rise=0.012,
                pulse_hz=(0.15, 0.45), area=area,
            )  # fmt: skip
        if look.time is TimeOfDay.DAY or "particles" in look.without:
            return None
        return Motes(
            count=26, colours=(np.minimum(light.sun * 1.1, 1).astype(np.float32),),
            seed=look.seed, size=size, radius=(0.002, 0.010), strength=0.55, rise=0.018, area=area,
        )  # fmt: skip

    def _grow(self, image: Bytes, rows: list[Strip], t_s: float, pose: Pose, scroll: float) -> None:
        """Lay rows of grass, each down to where the next one hides it."""
        height = image.shape[0]
        ends = [row.opaque_from_px(pose, height) for row in rows[1:]] + [float(height)]
        for row, end in zip(rows, ends, strict=True):
            row.lay(image, pose, scroll, t_s, end)

    def _blow(self, image: Bytes, t_s: float, pose: Pose, scroll: float) -> None:
        """Let waves of wind run over the grass as light and shade."""
        height, width = image.shape[:2]
        where, framing = placing(pose, 0.5), self._framing
        first = int((framing.ground_at(0.10) * where.scale + where.dy + 0.5) * height)
        first = min(max(first, 0), height - _WIND_SHARE)
        n, m = max((height - first) // _WIND_SHARE, 2), max(width // _WIND_SHARE, 2)
        rows = np.linspace(first, height, n, dtype=np.float32) / height - 0.5
        y = (rows - where.dy) / where.scale
        near = np.maximum((y - framing.horizon) / framing.eye, 0.05)[:, None]
        x = (np.linspace(-0.5, 0.5, m, dtype=np.float32) * width / height - where.dx) / where.scale
        u = 0.22 * (x[None] / near + scroll + 0.55 * t_s)
        v = np.broadcast_to(0.20 / near + 0.05 * t_s, u.shape)
        gust = sample(self._wind_noise, u, v) - 0.5
        gain = 1 + self._wind_strength * gust * smooth(0.06, 0.3, near)
        small = np.clip(gain * 128, 0, 255).astype(np.uint8)
        full = cv2.resize(
            cv2.merge([small] * 3), (width, height - first), interpolation=cv2.INTER_LINEAR
        )
        ground = image[first:]
        cv2.multiply(ground, full, dst=ground, scale=1 / 128)

    def _stand_cat(self, image: Bytes, t_s: float, pose: Pose) -> None:
        if self._cat is None:
            return
        height, width = image.shape[:2]
        where, framing = placing(pose, 1.0), self._framing
        unit = framing.body * where.scale * height
        x = width / 2 + ((0.21 * framing.body) * where.scale + where.dx) * height
        y = height / 2 + (framing.ground * where.scale + where.dy) * height
        self._cast_shadow(image, x, y, unit)
        self._cat.paint(image, x, y, unit, t_s)

    def _cast_shadow(self, image: Bytes, x: float, y: float, unit: float) -> None:
        """Darken the grass under the animal."""
        height, width = image.shape[:2]
        left, right = max(int(x - 1.0 * unit), 0), min(int(x + 0.95 * unit), width)
        top, bottom = max(int(y - 0.16 * unit), 0), min(int(y + 0.14 * unit), height)
        if left >= right or top >= bottom:
            return
        u = (np.arange(left, right, dtype=np.float32) - x)[None] / np.float32(0.85 * unit)
        v = (np.arange(top, bottom, dtype=np.float32) - y)[:, None] / np.float32(0.11 * unit)
        shade = np.exp(-1.6 * u**4 - 1.4 * v * v) * self._shade
        gain = np.clip((1 - shade) * 255, 0, 255).astype(np.uint8)
        ground = image[top:bottom, left:right]
        cv2.multiply(ground, cv2.merge([gain] * 3), dst=ground, scale=1 / 255)

    def _glow(self, image: Bytes, pose: Pose) -> Bytes:
        """The sun's own light for the bloom."""
        height, width = image.shape[:2]
        glow = np.zeros((height // 4, width // 4, 3), np.uint8)
        if self._is_glowing:
            where = placing(pose, 0.0)
            x = (width / 2 + (self._sky.sun_x * where.scale + where.dx) * height) / 4
            y = (height / 2 + (self._sky.sun_y * where.scale + where.dy) * height) / 4
            if math.isfinite(x) and -99 < x < width and -99 < y < height:
                r = 0.035 * height / 4 * where.scale
                cv2.circle(
                    glow, (round(x), round(y)), round(r), self._sun_paint.tolist(), -1, cv2.LINE_AA
                )
        return glow


def _lamp(light: Light, sun_x: float) -> Lamp:
    ambient = film(light.ambient * 0.62 + light.sun * np.float32(0.22 * light.sun_strength))
    key = film(light.sun * np.float32(max(light.sun_strength, 0.3)))
    level = np.float32(1.12 if not light.is_dark else 1.3)
    is_low = light.sun_height < 0.4
    rim = 0.75 if light.is_dark else 0.28
    rim += 0.42 * is_low * min(light.sun_strength + 0.3, 1)
    return Lamp(
        ambient=ambient * level, key=key, x=0.75 if sun_x > 0 else -0.75,
        rim=rim,
    )  # fmt: skip


def _shadow_colour(light: Light) -> float:
    return 0.40 + 0.22 * light.sun_strength
