"""The stage: a dark hall with a wall of light, beams that sweep through haze, a glossy floor.

An audience stands before it; the dancers are not drawn here.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.look import Look
from filmgate.engines.draft.noise import bgr, fixed, sample, smooth, tile_noise, to_bytes
from filmgate.engines.draft.scenes.city_layers import Array, paste
from filmgate.engines.draft.scenes.dancer_figure import Lamp
from filmgate.engines.draft.scenes.dancer_motion import BEAT_S
from filmgate.engines.draft.scenes.dancer_view import Spotlight, View, plate, plate_matrix

_MARGIN = 0.40
_PALETTES = (
    (bgr(1.0, 0.10, 0.55), bgr(0.10, 0.45, 1.0), bgr(1.0, 0.52, 0.16)),
    (bgr(0.50, 0.16, 1.0), bgr(0.06, 0.85, 0.95), bgr(1.0, 0.25, 0.50)),
    (bgr(1.0, 0.34, 0.06), bgr(0.95, 0.06, 0.20), bgr(0.20, 0.36, 1.0)),
    (bgr(0.05, 0.75, 0.85), bgr(0.20, 0.25, 1.0), bgr(0.95, 0.20, 0.80)),
)


def _pulse(t_s: float, beats: float = 1.0) -> float:
    """1 on the beat, falling softly to 0."""
    u = (t_s / (BEAT_S * beats)) % 1.0
    return math.exp(-3.2 * u) * min(u * 9, 1.0)


class Stage:
    """A concert stage."""

    def __init__(self, look: Look, width_px: int, height_px: int, metre: float) -> None:
        rng = np.random.default_rng((look.seed, 3))
        self.floor = 0.33 if width_px >= height_px else 0.27
        self._edge = self.floor - 0.15
        self._part = min(1.0, 560 / height_px)
        self._colours = _PALETTES[int(rng.integers(len(_PALETTES)))]
        self._lit = "lights" not in look.without
        self._hazy = not ({"smoke", "haze", "fog"} & look.without)
        self._mirror = 0.0 if "reflections" in look.without else 0.42
        self._crowded = not ({"audience", "crowd", "people"} & look.without)
        self._aspect = width_px / height_px
        self._metre = metre
        self._noise = tile_noise(1.5, look.seed + 3, 256)
        self._design = int(rng.integers(3))
        wall, panels = self._paint(width_px, height_px)
        self._image = to_bytes(wall, look.seed)
        self._panels = to_bytes(panels, look.seed + 1) if self._lit else None
        count = 8 if self._aspect > 1 else 6
        spread = np.linspace(-0.5, 0.5, count) * min(self._aspect * 1.05, 1.9)
        self._lamps = [(float(x), float(rng.uniform(0, 6.28)), i % 3) for i, x in enumerate(spread)]
        self._crowd = self._audience(rng, height_px) if self._crowded else []

    def _paint(self, width_px: int, height_px: int) -> tuple[Array, Array]:
        """The hall without its luminous wall, and that wall with its mirror image: linear light."""
        x, y = plate(width_px, height_px, self._part, _MARGIN)
        above = smooth(self._edge + 0.002, self._edge - 0.002, y)
        mirrored = np.where(y < self._edge, y, self._edge - (y - self._edge) * 1.25)
        panels = self._panels_at(x, mirrored)
        boards = self._boards(x, y)
        fade = np.exp(-np.maximum(y - self._edge, 0) * 3.2)
        floor_share = np.where(
            above > 0.5, 1.0, fade * 0.34 * (0.7 + 0.6 * boards) if self._mirror else 0.0
        )
        rows = y[:, 0] > self._edge
        smeared = cv2.blur(cv2.blur(panels[rows], (3, 17)), (5, 9))
        panels[rows] = smeared
        panels = panels * floor_share[..., None]
        a, b, _ = self._colours
        low = np.exp(-((np.minimum(y, self._edge) - self._edge) ** 2) * 9 - 0.35 * x * x)[..., None]
        hall = (a * 0.035 + b * 0.06) * low * np.float32(1.0 if self._lit else 0.45) + bgr(
            0.006, 0.006, 0.010
        )
        hall = (
            hall * (0.75 + 0.5 * sample(self._noise, x * 0.3 + 0 * y, y * 0.2 + 0 * x))[..., None]
        )
        floor = (
            (b * 0.035 + 0.012) * (0.5 + 0.9 * boards)[..., None] * np.exp(-0.7 * x * x)[..., None]
        )
        pool = np.exp(-((x / 0.55) ** 2) - ((y - self.floor - 0.01) / 0.12) ** 2)[..., None]
        if self._lit:
            floor = (
                floor + (self._colours[2] * 0.25 + 0.20) * pool * (0.55 + 0.55 * boards)[..., None]
            )
        hall = hall * above[..., None] + floor * (1 - above[..., None])
        return self._truss(hall, x, y), panels

    def _boards(self, x: Array, y: Array) -> Array:
        """Planks of the floor running towards the camera, 0..1."""
        depth = 1 / np.maximum(y - self._edge + 0.10, 0.05)
        across = x * depth * 1.1
        seam = smooth(0.0, 0.05, np.abs((across % 1) - 0.5) * 2)
        tone = sample(self._noise, np.floor(across) * 0.137 + 0 * y, depth * 0.11 + 0 * x)
        grain = sample(self._noise, across * 1.7, depth * 0.15 + 0 * x)
        return (seam * (0.45 + 0.4 * tone + 0.25 * grain)).astype(np.float32)

    def _panels_at(self, x: Array, y: Array) -> Array:
        """The luminous wall: a ring, columns, or a great disc of slats."""
        a, b, c = self._colours
        mid = self.floor - 0.36
        field = np.zeros((y.shape[0], x.shape[1], 3), np.float32)
        if self._design == 0:
            d = np.hypot(x, y - mid)
            for radius, colour, thick in ((0.40, a, 0.008), (0.47, b, 0.003)):
                near = np.abs(d - radius)
                field += (
                    colour
                    * (
                        1.5 * smooth(thick + 0.003, thick - 0.003, near) + 0.20 * np.exp(-near * 16)
                    )[..., None]
                )
        elif self._design == 1:
            gap = 0.105
            place = np.round(x / gap)
            near = np.abs(x - place * gap)
            tall = 0.26 + 0.20 * np.cos(place * 0.62) ** 2
            inside = smooth(-0.01, 0.02, y - self._edge + tall)
            share = (0.5 + 0.5 * np.sin(place * 1.1))[..., None]
            colour = a * share + b * (1 - share)
            field += (
                colour
                * ((1.2 * smooth(0.011, 0.006, near) + 0.18 * np.exp(-near * 34)) * inside)[
                    ..., None
                ]
            )
        else:
            d = np.hypot(x, y - mid)
            up = np.clip((mid + 0.38 - y) / 0.76, 0, 1)
            slat = smooth(0.0, 0.10, ((up * 15) % 1) - (0.78 - 0.62 * up)) + 0 * x
            disc = smooth(0.384, 0.378, d) * np.maximum(slat, 0.05)
            field += (c * up[..., None] + a * (1 - up[..., None])) * (disc * 0.62)[..., None]
            field += a * (0.16 * np.exp(-np.maximum(d - 0.37, 0) * 9))[..., None]
        return field

    def _truss(self, hall: Array, x: Array, y: Array) -> Array:
        """A lattice girder that carries the lamps."""
        top = -0.43
        lattice = np.abs(((x * 14 + np.abs(((y - top) * 28) % 2 - 1)) % 1) - 0.5) < 0.10
        bars = (
            (np.abs(y - top) < 0.004)
            | (np.abs(y - top - 0.045) < 0.004)
            | (lattice & (y > top) & (y < top + 0.045))
        )
        cover = cv2.GaussianBlur((bars & (x > -9)).astype(np.float32), (0, 0), 0.7)[..., None]
        return hall * (1 - cover) + (bgr(0.012, 0.012, 0.016) + self._colours[1] * 0.03) * cover

    def _audience(
        self, rng: np.random.Generator, height_px: int
    ) -> list[tuple[Array, float, float]]:
        """Three ranks of heads and raised arms: picture, top in frame heights, phase."""
        ranks: list[tuple[Array, float, float]] = []
        for rank in range(3):
            px = height_px
            w, h = int((self._aspect * 1.4 + 0.9) * px), int(0.42 * px)
            cover = np.zeros((h, w), np.uint8)
            size = (0.030 + 0.010 * rank) * px
            base = 0.20 * px
            step = size * 2.9
            for i in range(int(w / step) + 2):
                x = (i + rng.uniform(-0.25, 0.25) + 0.4 * rank) * step
                y = base + rng.uniform(-0.5, 0.6) * size
                _person(cover, rng, x, y, size)
            tone = self._colours[1] * (0.010 - 0.003 * rank) + 0.001
            body = np.zeros((h, w, 3), np.uint8)
            rim = cv2.subtract(cover, np.roll(cover, int(0.10 * size) + 1, axis=0))
            flat = to_bytes(np.broadcast_to(tone, (1, 1, 3)))[0, 0].astype(np.float32)
            edge = to_bytes(np.broadcast_to(self._colours[0] * (0.24 - 0.07 * rank), (1, 1, 3)))[
                0, 0
            ].astype(np.float32)
            share = cv2.GaussianBlur(rim, (0, 0), 0.8).astype(np.float32)[..., None] / 255
            body = (flat + edge * share) * (cover[..., None] / np.float32(255))
            picture = np.dstack([np.clip(body, 0, 255).astype(np.uint8), cover])
            ranks.append((picture, 0.5 - 0.245 + 0.055 * rank, float(rank * 2.1)))
        return ranks

    def draw(self, out: Array, glow: Array, view: View, t_s: float) -> None:
        """Fill `out` with hall, wall of light, lamps and beams."""
        matrix = plate_matrix(view, self._image, self._part, 0.55)
        size = (out.shape[1], out.shape[0])
        cv2.warpAffine(self._image, matrix, size, dst=out, borderMode=cv2.BORDER_REPLICATE)
        if self._panels is None:
            return
        strength = 0.62 + 0.38 * _pulse(t_s, 2)
        panels = cv2.warpAffine(self._panels, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        out[:] = cv2.scaleAdd(panels, strength, out)
        air = self._beams(view, t_s, (glow.shape[1], glow.shape[0]))
        out[:] = cv2.add(out, cv2.resize(air, size, interpolation=cv2.INTER_LINEAR))
        for x, _, colour in self._lamps:
            px, py = view.at(x, -0.385, 0.55)
            hot = (np.minimum(self._colours[colour] * 90 + 165, 255)).tolist()
            radius = 0.011 * view.px
            cv2.circle(out, fixed((px, py)).tolist(), int(radius * 16), hot, -1, cv2.LINE_AA, 4)
            cv2.circle(
                glow,
                fixed((px / 4, py / 4)).tolist(),
                int(radius * 6),
                (self._colours[colour] * 170).tolist(),
                -1,
                cv2.LINE_AA,
                4,
            )

    def _beams(self, view: View, t_s: float, size: tuple[int, int]) -> Array:
        """Light of the beams in the haze, quarter size."""
        w, h = size
        k, ox, oy = view.layer(0.55)
        x = ((np.arange(w, dtype=np.float32) * 4 + 2 - np.float32(ox)) / np.float32(k))[None]
        y = ((np.arange(h, dtype=np.float32) * 4 + 2 - np.float32(oy)) / np.float32(k))[:, None]
        below = y + np.float32(0.385)
        reach = np.exp(-np.maximum(below, 0) * np.float32(1.7)) * (below > 0)
        sums = [np.zeros((h, w), np.float32) for _ in range(3)]
        for lamp_x, phase, colour in self._lamps:
            lean = 0.42 * math.sin(t_s * 0.55 * math.pi / 2 + phase) - lamp_x * 0.42
            width = 0.012 + below * np.float32(0.085)
            off = (x - np.float32(lamp_x) - below * np.float32(lean)) / width
            sums[colour] += np.exp(-off * off)
        light = (
            cv2.transform(cv2.merge(sums), np.stack(self._colours, axis=1))
            * (reach * np.float32(0.30))[..., None]
        )
        if self._hazy:
            drift = sample(
                self._noise, x * 0.45 + t_s * 0.03 + 0 * y, y * 0.6 + t_s * 0.012 + 0 * x
            )
            fine = sample(self._noise, x * 1.1 - t_s * 0.05 + 0 * y, y * 1.4 + 0.3 + 0 * x)
            light *= (0.25 + 1.5 * smooth(0.15, 0.95, 0.6 * drift + 0.4 * fine))[..., None]
            low = (
                np.exp(-(((y - self._edge - 0.03) / 0.10) ** 2))
                * smooth(0.3, 1.0, drift)
                * np.float32(0.16)
            )
            light += low[..., None] * (self._colours[1] * 0.6 + self._colours[0] * 0.4)
        else:
            light *= np.float32(0.16)
        return np.clip(255 * light / (1 + 0.6 * light), 0, 255).astype(np.uint8)

    def front(self, out: Array, view: View, t_s: float) -> None:
        """Draw the audience."""
        for i, (picture, top, phase) in enumerate(self._crowd):
            nearness = 1.25 + 0.2 * i
            k, ox, oy = view.layer(nearness)
            bob = 0.006 * math.sin(math.pi * t_s / BEAT_S + phase)
            step = k / view.height_px
            left = ox - picture.shape[1] / 2 * step
            paste(
                out,
                picture,
                np.array([[step, 0, left], [0, step, oy + (top + bob) * k]], np.float32),
            )
            bottom = int(oy + (top + bob) * k + picture.shape[0] * step)
            if bottom < out.shape[0]:
                out[max(bottom - 1, 0) :] = picture[-1, picture.shape[1] // 2, :3]

    def light(self, t_s: float) -> Spotlight:
        """Return the light on the dancers: rims that change colour, a warm key from the front."""
        a, b, c = self._colours
        swap = np.float32(0.5 + 0.5 * math.sin(t_s * math.pi / 4))
        left, right = a * swap + c * (1 - swap), b * swap + a * (1 - swap)
        if not self._lit:
            return Spotlight(
                ambient=bgr(0.10, 0.10, 0.13),
                lamps=[],
                mirror=self._mirror * 0.5,
                shadow=0.3,
                cast=(0, 0.1),
            )
        beat = np.float32(0.85 + 0.3 * _pulse(t_s, 2))
        lamps = [
            Lamp(towards=bgr(-0.82, 0.38, -0.25)[::-1], colour=left * 4.2 * beat, edge=0.75),
            Lamp(towards=bgr(0.82, 0.38, -0.25)[::-1], colour=right * 4.2 * beat, edge=0.75),
            Lamp(
                towards=bgr(-0.25, 0.72, 0.65)[::-1], colour=bgr(1.0, 0.86, 0.70) * 1.15, edge=0.0
            ),
        ]
        return Spotlight(
            ambient=(a + b) * 0.06 + 0.05,
            lamps=lamps,
            mirror=self._mirror,
            shadow=0.55,
            cast=(0.0, 0.10),
        )


def _person(cover: Array, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """A head, shoulders, perhaps raised arms, as cover."""

    def round_line(points: list[tuple[float, float]], width: float) -> None:
        cv2.polylines(cover, [fixed(points)], False, 255, max(int(width), 1), cv2.LINE_AA, 4)

    cv2.ellipse(
        cover,
        fixed((x, y)).tolist(),
        (int(size * 0.78 * 16), int(size * 16)),
        0,
        0,
        360,
        255,
        -1,
        cv2.LINE_AA,
        4,
    )
    turn = np.linspace(np.pi, 2 * np.pi, 15)
    shoulders = np.c_[x + np.cos(turn) * size * 1.7, y + 2.1 * size + np.sin(turn) * size * 0.95]
    body = np.vstack(
        [shoulders, [(x + size * 1.7, cover.shape[0] + 9), (x - size * 1.7, cover.shape[0] + 9)]]
    )
    cv2.fillPoly(cover, [fixed(body)], 255, cv2.LINE_AA, 4)
    for side in (-1, 1):
        if rng.random() < 0.22:
            lean = rng.uniform(-0.3, 0.5) * side
            elbow = (x + side * 1.9 * size, y + 0.3 * size)
            hand = (elbow[0] + lean * size, y - rng.uniform(1.7, 2.9) * size)
            round_line([(x + side * 1.35 * size, y + 1.9 * size), elbow, hand], size * 0.55)
            cv2.circle(cover, fixed(hand).tolist(), int(size * 0.36 * 16), 255, -1, cv2.LINE_AA, 4)
