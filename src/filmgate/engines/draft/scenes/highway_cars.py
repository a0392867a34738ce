"""The traffic: cars painted end on, driving ahead and coming towards the camera. No road here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, film, fixed, smooth
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_stamp import Stamp
from filmgate.engines.draft.scenes.highway_view import SPEED_M_S, Field, Upright, View

_PX_M = 110.0
_LANE_M = 2.0
_LOOP_M = 236.0
_PAINTS = (
    (0.020, 0.022, 0.026), (0.30, 0.020, 0.015), (0.42, 0.43, 0.45), (0.030, 0.07, 0.18),
    (0.55, 0.53, 0.48), (0.05, 0.11, 0.08), (0.36, 0.16, 0.03), (0.10, 0.11, 0.12),
)  # fmt: skip


class Cars:
    """All cars of the film; none at all where they were taken out."""

    def __init__(self, look: Look, sky: Sky) -> None:
        self._sky = sky
        self._has_lamps = look.time is not TimeOfDay.DAY or look.weather in (
            Weather.RAIN,
            Weather.FOG,
        )
        self._is_wet = look.weather is Weather.RAIN
        self._reach_m = {Weather.FOG: 50.0, Weather.RAIN: 150.0, Weather.SNOW: 130.0}.get(
            look.weather, 300.0
        )
        rng = np.random.default_rng((look.seed, 0xCA5))
        order: list[int] = rng.permutation(len(_PAINTS)).tolist()
        paints = [bgr(*_PAINTS[k]) for k in order]
        if "red" in look.words:
            paints[0] = bgr(0.42, 0.015, 0.012)
        count = 0 if "cars" in look.without else 3
        self._ahead = [
            (
                15.5 + k * float(rng.uniform(21, 30)) + float(rng.uniform(0, 4)),
                float(rng.uniform(0, 6)),
            )
            for k in range(count)
        ]
        self._ahead_stamps = [self._painted(paint, rng, is_front=False) for paint in paints[:count]]
        self._coming = [
            float(180.0 - k * 58 + rng.uniform(-14, 14)) for k in range(count + (count > 0))
        ]
        self._coming_stamps = [
            self._painted(paint, rng, is_front=True) for paint in paints[3 : 3 + count]
        ]

    def upright(self, view: View, t_s: float) -> Iterator[Upright]:
        """Yield every car in front of the camera."""
        for k, (gap, phase) in enumerate(self._ahead):
            ahead = gap + 1.6 * math.sin(t_s * 0.45 + phase) - view.came_m * 0.55
            yield self._standing(
                view, ahead, _LANE_M + 0.12 * math.sin(t_s * 0.6 + phase), k, is_front=False
            )
        for k, start in enumerate(self._coming):
            ahead = (start - t_s * (SPEED_M_S + 12) - view.came_m) % _LOOP_M
            if ahead > 1.6:
                yield self._standing(view, ahead, -_LANE_M, k, is_front=True)

    def _standing(
        self, view: View, ahead: float, lateral: float, k: int, *, is_front: bool
    ) -> Upright:
        x, y, px_m = view.project(ahead, lateral, 0.0)
        at = float(x), float(y)
        return Upright(ahead_m=ahead, draw=partial(self._draw, ahead, at, float(px_m), k, is_front))

    def _draw(
        self,
        ahead: float,
        at: tuple[float, float],
        px_m: float,
        k: int,
        is_front: bool,
        out: Bytes,
        glow: Bytes,
    ) -> None:
        reach = 2.5 * px_m
        if at[0] < -reach or at[0] > out.shape[1] + reach:
            return
        clear = math.exp(-((ahead / self._reach_m) ** 1.2))
        share = float(smooth(_LOOP_M, _LOOP_M - 40, ahead))
        stamps = self._coming_stamps if is_front else self._ahead_stamps
        stamps[k % len(stamps)].lay(out, at, px_m, self._sky.haze_colour, clear, share)
        if self._has_lamps:
            self._shine(glow, at, px_m, clear * share, is_front=is_front)

    def _shine(
        self, glow: Bytes, at: tuple[float, float], px_m: float, power: float, *, is_front: bool
    ) -> None:
        """Lamps, and their streaks on the road, at a quarter of the picture's size."""
        power *= 0.35 + 0.65 * self._sky.light.is_dark
        lamp_colour = (170, 215, 255) if is_front else (14, 26, 235)
        streak_colour = (34, 40, 46) if is_front else (3, 5, 44)
        wet = 1.6 if self._is_wet else 0.8
        for side in (-0.68, 0.68):
            x, y = (at[0] + side * px_m) / 4, (at[1] - 0.70 * px_m) / 4
            radius = max(0.13 * px_m / 4, 0.55)
            colour = tuple(c * power for c in lamp_colour)
            cv2.circle(glow, fixed((x, y)).tolist(), int(radius * 16), colour, -1, cv2.LINE_AA, 4)
            long = 2.4 * px_m / 4
            streak = tuple(c * power * wet for c in streak_colour)
            ends = fixed([(x, y + 0.8 * px_m / 4), (x, y + long)]).tolist()
            width = max(int(0.26 * px_m / 4), 1)
            cv2.line(glow, ends[0], ends[1], streak, width, cv2.LINE_AA, 4)

    def _painted(self, paint: Floats, rng: np.random.Generator, *, is_front: bool) -> Stamp:
        """One car, from its tyres' shadow to its roof."""
        is_tall = rng.random() < 0.4
        roof = 1.68 if is_tall else 1.42
        x, y = np.meshgrid(
            (np.arange(int(2.8 * _PX_M), dtype=np.float32) / np.float32(_PX_M) - np.float32(1.4)),
            np.float32(1.9) - np.arange(int(2.15 * _PX_M), dtype=np.float32) / np.float32(_PX_M),
        )
        belt = 0.93 if is_tall else 0.86
        cabin_half = 0.78 - 0.19 * smooth(belt, roof, y)
        body = _cover(_box(x, y - 0.57, 0.915 - 0.03 * np.abs(y - 0.6), 0.37, 0.17))
        cabin = _cover(
            _box(x, y - (belt + roof) / 2 + 0.06, cabin_half, (roof - belt) / 2 + 0.06, 0.15)
        )
        glass = _cover(
            _box(x, y - (belt + roof - 0.06) / 2, cabin_half - 0.09, (roof - belt) / 2 - 0.06, 0.09)
        )
        tyres = _cover(_box(np.abs(x) - 0.73, y - 0.19, 0.125, 0.21, 0.05))
        colour = self._lacquer(paint, x, y, belt)
        colour = self._with_glass(colour, glass, x, y, belt, roof)
        colour = _mixed(
            colour, bgr(0.012, 0.012, 0.013), _cover(_box(x, y - 0.33, 0.84, 0.10, 0.06)) * 0.85
        )
        plate = _cover(_box(x, y - (0.40 if is_front else 0.60), 0.255, 0.058, 0.015))
        seam = _cover(np.abs(y - 0.80) - 0.006) * (np.abs(x) < 0.70)
        colour = _mixed(colour, colour * 0.35, seam * 0.7)
        colour = (
            self._with_face(colour, x, y)
            if is_front
            else self._with_lamps(colour, x, y, is_tall=is_tall)
        )
        colour = _mixed(colour, bgr(0.34, 0.33, 0.30) * self._sky.light.ambient, plate)
        colour = _mixed(
            bgr(0.006, 0.006, 0.007) * np.ones_like(colour), colour, np.maximum(body, cabin)
        )
        cover = np.maximum(np.maximum(body, cabin), tyres)
        shadow = np.exp(-((x / 0.98) ** 6) - ((y + 0.01) / 0.13) ** 2) * 0.78
        whole = np.maximum(cover, shadow * (1 - cover))
        colour = colour * (cover / np.maximum(whole, 1e-3))[..., None]
        return Stamp(
            film(colour) * 255, whole.astype(np.float32), _PX_M, (1.4 * _PX_M, 1.9 * _PX_M)
        )

    def _lacquer(self, paint: Floats, x: Field, y: Field, belt: float) -> Floats:
        """Paint that mirrors the sky upwards, and the sun along its seaward edge."""
        light = self._sky.light
        dark = 0.5 if light.is_dark else 1.0
        up = smooth(0.25, 1.0, y)
        level = light.ambient * np.float32(0.55) + light.sun * np.float32(0.22 * light.sun_strength)
        colour = paint * level * (0.35 + 1.0 * up)[..., None]
        crease = np.exp(-(((y - belt + 0.03) / 0.035) ** 2)) + 0.5 * np.exp(
            -(((y - 0.66) / 0.03) ** 2)
        )
        sheen = (0.03 + 0.16 * up**2 + 0.30 * crease) * dark
        colour = colour + (light.horizon * 0.35 + light.middle * 0.4) * sheen[..., None]
        rim = smooth(0.62, 0.92, x) * smooth(0.2, 0.6, y)
        return (colour + light.sun * (rim * 0.30 * light.sun_strength)[..., None]).astype(
            np.float32
        )

    def _with_glass(
        self, colour: Field, glass: Field, x: Field, y: Field, belt: float, roof: float
    ) -> Floats:
        light = self._sky.light
        up = smooth(belt, roof, y)
        mirror = (light.middle * 0.55 + light.horizon * 0.10) * (0.12 + 0.75 * up**2)[..., None]
        heads = _cover(_box(np.abs(x) - 0.33, y - belt - 0.16, 0.125, 0.17, 0.10))
        return _mixed(colour, mirror * (1 - 0.65 * heads[..., None]), glass)

    def _with_lamps(self, colour: Field, x: Field, y: Field, *, is_tall: bool) -> Floats:
        lamp = _cover(
            _box(
                np.abs(x) - 0.68,
                y - 0.71,
                0.075 if is_tall else 0.17,
                0.16 if is_tall else 0.07,
                0.05,
            )
        )
        bar = _cover(_box(x, y - 0.735, 0.80, 0.014, 0.01)) * (not is_tall)
        core = _cover(
            _box(
                np.abs(x) - 0.69,
                y - 0.71,
                0.05 if is_tall else 0.12,
                0.11 if is_tall else 0.025,
                0.02,
            )
        )
        lit = bgr(1.5, 0.05, 0.03) if self._has_lamps else bgr(0.22, 0.012, 0.010)
        hot = bgr(3.6, 0.45, 0.22) if self._has_lamps else bgr(0.34, 0.03, 0.02)
        colour = _mixed(colour, lit, np.maximum(lamp, bar * 0.8))
        return _mixed(colour, hot, core)

    def _with_face(self, colour: Field, x: Field, y: Field) -> Floats:
        grille = _cover(_box(x, y - 0.60, 0.40, 0.085, 0.04))
        colour = _mixed(colour, bgr(0.010, 0.010, 0.012) * np.ones(3, np.float32), grille)
        lamp = _cover(_box(np.abs(x) - 0.66, y - 0.70, 0.165, 0.070, 0.05))
        lit = bgr(6.5, 5.6, 4.3) if self._has_lamps else bgr(0.55, 0.58, 0.60)
        return _mixed(colour, lit, lamp)


def _box(x: Field, y: Field, half_wide: Field | float, half_tall: float, radius: float) -> Floats:
    """Distance in metres to a rounded box around 0 (negative inside)."""
    dx, dy = np.abs(x) - half_wide + radius, np.abs(y) - half_tall + radius
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return (outside + np.minimum(np.maximum(dx, dy), 0) - radius).astype(np.float32)


def _cover(distance_m: Field) -> Floats:
    return np.clip(0.5 - distance_m * _PX_M, 0, 1).astype(np.float32)


def _mixed(ground: Field, top: Field, cover: Field) -> Floats:
    return (ground + (top - ground) * cover[..., None]).astype(np.float32)
