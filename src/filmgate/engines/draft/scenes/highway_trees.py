"""The land side of the road: a wooded hillside, and trees that stand one by one. No road here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, film, sample, smooth, tile_noise
from filmgate.engines.draft.scenes.highway_leaves import broad, conifer
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_view import Upright, View

_LOOP_M = 165.0
"""Trees stand in a loop of this length; a tree passed stands again far ahead, faded in."""
_KINDS, _BUSHES = 6, 2


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
        autumn = float(rng.uniform(0, 1))
        broad_kinds = int(rng.choice((0, 2, 4)))
        light, has_snow = sky.light, look.weather is Weather.SNOW
        self._stamps = [
            broad(rng, light, autumn, has_snow=has_snow)
            if k < broad_kinds
            else conifer(rng, light, has_snow=has_snow)
            for k in range(_KINDS)
        ]
        self._stamps += [
            broad(rng, light, autumn, has_snow=has_snow, is_bush=True) for _ in range(_BUSHES)
        ]
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
                kind=_KINDS + int(rng.integers(_BUSHES)),
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
        stamp = self._stamps[tree.kind]
        stamp.lay(out, at, px_m * tree.size, self._sky.haze_colour, clear, share)


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
