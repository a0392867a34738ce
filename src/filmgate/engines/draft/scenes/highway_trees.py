"""The land side of the road: a wooded hillside, and trees that stand one by one. No road here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, film, fixed, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_stamp import Stamp
from filmgate.engines.draft.scenes.highway_view import Upright, View

_PX_M = 26.0
_LOOP_M = 165.0
"""Trees stand in a loop of this length; a tree passed stands again far ahead, faded in."""
_KINDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    at_m: float
    lateral_m: float
    size: float
    kind: int


class Trees:
    """Conifers and broad trees, each a stamp."""

    def __init__(self, look: Look, sky: Sky) -> None:
        self._sky = sky
        self._reach_m = {Weather.FOG: 45.0, Weather.RAIN: 130.0, Weather.SNOW: 110.0}.get(
            look.weather, 260.0
        )
        rng = np.random.default_rng((look.seed, 0x7E))
        leaf = rng.uniform(0, 1)
        broad_share = float(rng.choice((0.0, 0.25, 0.6)))
        self._stamps = [
            _broad(rng, look, sky, leaf) if k < _KINDS * broad_share else _conifer(rng, look, sky)
            for k in range(_KINDS)
        ]
        self._bushes = [_broad(rng, look, sky, leaf, is_bush=True) for _ in range(2)]
        self._standing = [
            _Tree(
                at_m=float(z + rng.uniform(-1.6, 1.6)),
                lateral_m=float(-10.5 - rng.gamma(1.6, 2.6)),
                size=float(rng.uniform(0.75, 1.25)),
                kind=int(rng.integers(_KINDS)),
            )
            for z in np.arange(0, _LOOP_M, 5.0)
        ]
        self._standing += [
            _Tree(
                at_m=float(rng.uniform(0, _LOOP_M)),
                lateral_m=float(rng.choice((-7.9, 8.3), p=(0.75, 0.25)) - rng.uniform(0, 0.8)),
                size=float(rng.uniform(0.6, 1.2)),
                kind=_KINDS + int(rng.integers(2)),
            )
            for _ in range(15)
        ]
        self._at_m = np.array([tree.at_m for tree in self._standing])
        self._lateral_m = np.array([tree.lateral_m for tree in self._standing])

    def upright(self, view: View) -> Iterator[Upright]:
        """Yield every tree that is in front of the camera."""
        aheads = (self._at_m - view.z) % _LOOP_M
        xs, ys, pxs = view.project(np.maximum(aheads, 1.0), self._lateral_m, 0.0)
        reach = 5 * pxs
        seen = (aheads > 2.2) & (xs > -reach) & (xs < view.course.width_px + reach)
        for k in np.flatnonzero(seen):
            ahead, at = float(aheads[k]), (float(xs[k]), float(ys[k]))
            draw = partial(self._draw, ahead, self._standing[k], at, float(pxs[k]))
            yield Upright(ahead_m=ahead, draw=draw)

    def _draw(
        self,
        ahead: float,
        tree: _Tree,
        at: tuple[float, float],
        px_m: float,
        out: Bytes,
        _glow: Bytes,
    ) -> None:
        clear = math.exp(-((ahead / self._reach_m) ** 1.3))
        share = min((_LOOP_M - ahead) / 45, 1.0)
        stamps = self._stamps + self._bushes
        stamps[tree.kind].lay(out, at, px_m * tree.size, self._sky.haze_colour, clear, share)


class Hillside:
    """A wooded slope behind the trees: for every column of the frame its distance is known."""

    def __init__(self, look: Look, sky: Sky) -> None:
        self._sky = sky
        self._reach_m = {Weather.FOG: 40.0, Weather.RAIN: 120.0, Weather.SNOW: 100.0}.get(
            look.weather, 210.0
        )
        self._noise = [
            tile_noise(beta, look.seed * 11 + k, 256) for k, beta in enumerate((1.5, 0.7))
        ]
        rng = np.random.default_rng((look.seed, 0x48))
        self._lateral_m = float(rng.uniform(-30, -22))
        self._tall_m = float(rng.uniform(10, 17))
        y, x = np.mgrid[0:256, 0:256].astype(np.float32) / 256
        crown = sample(self._noise[1], x, y) * (0.4 + sample(self._noise[1], x * 3 + 0.5, y * 2))
        light = sky.light
        level = light.ambient * 0.8 + light.sun * light.sun_strength * 0.35
        wood = bgr(0.030, 0.042, 0.018) if "trees" not in look.without else bgr(0.10, 0.085, 0.045)
        if look.weather is Weather.SNOW:
            wood = bgr(0.22, 0.24, 0.27)
        texture = film(wood * level * (0.25 + 1.9 * crown)[..., None]) * 255
        self._texture: Bytes = np.pad(texture, ((0, 1), (0, 1), (0, 0)), mode="wrap").astype(
            np.uint8
        )

    def draw(self, out: Bytes, view: View) -> None:
        """Draw the slope left of the road, from the frame's edge to where it hides itself."""
        height, width = out.shape[:2]
        depth = np.geomspace(6.0, 420.0, 400)
        x = (view.shift(depth) + self._lateral_m) / depth * view.px + view.x0
        last = int(np.argmax(np.maximum.accumulate(x) >= x.max())) + 1
        right = int(np.clip(x[:last].max(), 0, width))
        if right < 4 or last < 3:
            return
        columns = np.arange(right)
        near = (1 / np.interp(columns, x[:last], 1 / depth[:last])).astype(np.float32)
        world = near + np.float32(view.z)
        ridge = np.interp(world / 240 % 1 * 256, np.arange(257), self._ridge(0, 40))
        bumps = np.interp(world / 31 % 1 * 256, np.arange(257), self._ridge(1, 90))
        tall = (self._tall_m * (0.45 + 0.95 * ridge) + 1.6 * bumps).astype(np.float32)
        tall = tall * smooth(420, 250, near)
        top = np.float32(view.y0) - (tall - np.float32(view.eye_m)) / near * np.float32(view.px)
        y0, y1 = (
            max(int(top.min()) - 1, 0),
            min(view.row0 + int(view.eye_m / float(near.min()) * view.px) + 2, height),
        )
        if y1 - y0 < 2:
            return
        y = np.arange(y0, y1, dtype=np.float32)[:, None]
        half = slice(None, None, 2)  # the wood is soft: half the size will do
        wide = np.repeat((world[half] * np.float32(256 / 37) % 256)[None], len(y[half]), axis=0)
        high = (np.float32(view.y0) - y[half]) * (near[half] * np.float32(256 / 23 / view.px)) % 256
        rock = cv2.remap(self._texture, wide, high.astype(np.float32), cv2.INTER_LINEAR)
        clear = np.exp(-((near[half] / self._reach_m) ** 1.2)) * 0.85
        gain = np.broadcast_to((clear * 255).astype(np.uint8)[None, :, None], rock.shape)
        veil = np.broadcast_to(
            ((1 - clear)[:, None] * self._sky.haze_colour * 0.8).astype(np.uint8)[None], rock.shape
        )
        rock = cv2.multiply(rock, np.ascontiguousarray(gain), scale=1 / 255)
        rock = cv2.add(rock, np.ascontiguousarray(veil))
        rock = cv2.resize(rock, (rock.shape[1] * 2, rock.shape[0] * 2))[: y1 - y0, :right]
        rock = np.ascontiguousarray(rock)
        foot = np.float32(view.y0) + np.float32(view.eye_m * view.px) / near
        alpha = np.clip(y - top + np.float32(0.5), 0, 1)
        alpha *= np.clip(foot - y + np.float32(0.5), 0, 1)
        part = out[y0:y1, :right]
        part[:] = cv2.blendLinear(rock, np.ascontiguousarray(part), alpha, 1 - alpha)

    def _ridge(self, k: int, row: int) -> Floats:
        line = self._noise[k][row]
        return np.append(line, line[0])


def _leaf_light(sky: Sky) -> tuple[Floats, Floats]:
    """The light on leaves: in the shade, and where the sun touches them."""
    light = sky.light
    shade = (light.ambient * np.float32(0.55)).astype(np.float32)
    touch = light.sun * np.float32(light.sun_strength * (1.5 if not light.is_dark else 0.5))
    return shade, (shade + touch).astype(np.float32)


def _conifer(rng: np.random.Generator, look: Look, sky: Sky) -> Stamp:
    """A fir or pine: whorls of drooping boughs, lit from the sea's side."""
    tall, half = float(rng.uniform(7.5, 12.5)), float(rng.uniform(1.5, 2.4))
    width, height = int(2.4 * half * _PX_M) + 8, int((tall + 0.5) * _PX_M)
    middle = width / 2
    colour = np.zeros((height, width, 3), np.uint8)
    cover = np.zeros((height, width), np.uint8)
    shade, touched = _leaf_light(sky)
    green = bgr(0.036, 0.052, 0.026) * np.float32(rng.uniform(0.8, 1.3))
    foot = height - 0.3 * _PX_M
    _quad(
        colour,
        cover,
        middle,
        foot,
        0.16 * _PX_M,
        tall * 0.9 * _PX_M,
        film(bgr(0.05, 0.035, 0.025) * shade),
    )
    whorls = int(tall * 3.0)
    for k in range(whorls):
        u = k / whorls
        level = foot - (0.55 + u * (tall - 0.55)) * _PX_M
        reach = half * (1 - u) ** 0.85 * (0.75 + 0.25 * np.sin(k * 2.4)) * _PX_M + 2
        for side in (-1, 1):
            for _ in range(4):
                long = reach * rng.uniform(0.35, 1.10)
                droop = long * rng.uniform(0.15, 0.42)
                thick = 0.26 * _PX_M * (1.1 - u) + 2
                sunlit = 0.12 + 0.88 * max(side, 0) * rng.uniform(0.35, 1.0)
                leaf = (
                    green * (shade + (touched - shade) * np.float32(sunlit)) * rng.uniform(0.6, 1.4)
                )
                if look.weather is Weather.SNOW and rng.random() < 0.4:
                    leaf = bgr(0.40, 0.45, 0.52) * (shade * 1.1)
                tip = (middle + side * long, level + droop)
                points = [
                    (middle - side * 2, level - thick), tip,
                    (middle + side * long * 0.62, level + droop * 0.7 + thick * 0.55),
                    (middle + side * long * 0.3, level + droop * 0.3 + thick * 0.9),
                    (middle, level + thick),
                ]  # fmt: skip
                shown = tuple(float(c) for c in film(leaf) * 255)
                cv2.fillPoly(colour, [fixed(points)], shown, cv2.LINE_8, 4)
                cv2.fillPoly(cover, [fixed(points)], 255.0, cv2.LINE_AA, 4)
    return _stamp(colour, cover, (middle, foot))


def _broad(
    rng: np.random.Generator, look: Look, sky: Sky, leaf: float, *, is_bush: bool = False
) -> Stamp:
    """A round tree or a bush: clumps of leaves, the upper and sunward ones brighter."""
    tall = float(rng.uniform(1.0, 1.7) if is_bush else rng.uniform(5.5, 8.5))
    half = tall * float(rng.uniform(0.75, 1.0) if is_bush else rng.uniform(0.40, 0.55))
    width, height = int(2.5 * half * _PX_M) + 8, int((tall + 0.4) * _PX_M)
    middle, foot = width / 2, height - 0.2 * _PX_M
    colour = np.zeros((height, width, 3), np.uint8)
    cover = np.zeros((height, width), np.uint8)
    shade, touched = _leaf_light(sky)
    green = bgr(0.060 + 0.05 * leaf, 0.082, 0.028)
    if not is_bush:
        _quad(
            colour,
            cover,
            middle,
            foot,
            0.24 * _PX_M,
            tall * 0.7 * _PX_M,
            film(bgr(0.06, 0.045, 0.035) * shade),
        )
    crown = 0.5 if is_bush else 0.62
    count = 220 if is_bush else 900
    for k in range(count):
        angle, away = (
            rng.uniform(0, 2 * np.pi),
            rng.uniform(0, 1) ** 0.4 * rng.choice((1.0, 0.93, 0.8)),
        )
        x = middle + np.cos(angle) * away * half * _PX_M * (1 - 0.12 * np.sin(angle))
        y = foot - tall * _PX_M * (crown + np.sin(angle) * away * (1 - crown) * 0.92)
        size = (0.10 if is_bush else 0.17) * _PX_M * rng.uniform(0.5, 1.2)
        lift = np.clip(
            0.35 + 0.45 * (x - middle) / (half * _PX_M) + 0.4 * np.sin(angle) * away, 0.02, 1
        )
        lift = lift * min(k / count * 2.5, 1.0)
        tone = green * (shade + (touched - shade) * np.float32(lift)) * rng.uniform(0.65, 1.35)
        if look.weather is Weather.SNOW and lift > 0.55:
            tone = bgr(0.40, 0.45, 0.52) * (shade * 1.1)
        shown = tuple(float(c) for c in film(tone) * 255)
        centre = fixed((x, y)).tolist()
        axes = fixed((size, size * rng.uniform(0.5, 0.9))).tolist()
        turn = float(rng.uniform(0, 180))
        _ellipse(colour, cover, centre, axes, turn, shown)
    return _stamp(colour, cover, (middle, foot))


def _ellipse(
    colour: Bytes, cover: Bytes, centre: Any, axes: Any, turn: float, shown: tuple[float, ...]
) -> None:
    cv2.ellipse(colour, centre, axes, turn, 0, 360, shown, -1, cv2.LINE_8, 4)
    cv2.ellipse(cover, centre, axes, turn, 0, 360, 255.0, -1, cv2.LINE_AA, 4)


def _quad(
    colour: Bytes, cover: Bytes, x: float, foot: float, half: float, tall: float, shown: Floats
) -> None:
    points = fixed(
        [
            (x - half, foot),
            (x + half, foot),
            (x + half * 0.3, foot - tall),
            (x - half * 0.3, foot - tall),
        ]
    )
    cv2.fillPoly(colour, [points], tuple(float(c) for c in shown * 255), cv2.LINE_8, 4)
    cv2.fillPoly(cover, [points], 255.0, cv2.LINE_AA, 4)


def _stamp(colour: Bytes, cover: Bytes, foot: tuple[float, float]) -> Stamp:
    """Let the colours run a little beyond the cover, so that soft edges are not black."""
    spread = np.asarray(cv2.dilate(colour, np.ones((3, 3), np.uint8)))
    filled = np.where(colour.max(axis=2, keepdims=True) > 0, colour, spread)
    return Stamp(filled.astype(np.float32), cover.astype(np.float32) / 255, _PX_M, foot)
