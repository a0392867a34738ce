"""What is in the air before the lens: falling rain and snow, drifting fog.

The sky and the ground belong to the scenes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.light import Light, light_of
from filmgate.engines.draft.look import Look, Pose, Weather
from filmgate.engines.draft.noise import Bytes, Floats, film, sample, smooth, tile_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One layer of falling things and how it moves. Speeds in frame heights a second."""

    tile: Bytes
    """The pattern, followed by its own beginning for the width and height of a frame."""
    rows: int
    columns: int
    """Size of the pattern alone."""
    fall: float
    drift: float
    sway: float
    nearness: float
    is_slow: bool


class Air:
    """The air of one clip. `over` may be called from two threads at once."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        self._width, self._height = width_px, height_px
        self._sheets: list[_Sheet] = []
        self._mist: Floats | None = None
        light = light_of(look)
        rng = np.random.default_rng((look.seed, 0xA1))
        self._side = float(rng.choice((-1, 1)))
        if look.weather is Weather.RAIN:
            self._sheets = [self._rain(rng, k) for k in range(3)]
            self._tint = _tint(light, 0.55)
        elif look.weather is Weather.SNOW:
            self._sheets = [self._snow(rng, k) for k in range(3)]
            self._tint = _tint(light, 1.0)
        elif look.weather is Weather.FOG:
            self._mist = tile_noise(1.7, look.seed + 11, 256)
            self._veil = (film(light.haze * 0.9 + light.ambient * 0.06) * 255).astype(np.float32)

    def over(self, image: Bytes, t_s: float, pose: Pose) -> Bytes:
        """Return the picture through the air at `t_s`; the image itself when the air is clear."""
        if self._sheets:
            image = self._with_sheets(image, t_s, pose)
        if self._mist is not None:
            image = self._with_mist(image, self._mist, t_s, pose)
        return image

    def _with_sheets(self, image: Bytes, t_s: float, pose: Pose) -> Bytes:
        """Zoom is left out: drops are everywhere, and a shift is far cheaper than a warp."""
        width, height = self._width, self._height
        fallen = np.zeros((height, width), np.uint8)
        for sheet in self._sheets:
            across = pose.x * sheet.nearness - pose.pan + sheet.drift * self._side * t_s
            across += sheet.sway * math.sin(t_s * 1.1 + sheet.fall * 9)
            down = pose.y * sheet.nearness + pose.tilt + sheet.fall * t_s
            left, top = -across * height % sheet.columns, -down * height % sheet.rows
            column, row = int(left), int(top)
            cut = sheet.tile[row : row + height + 1, column : column + width + 1]
            if sheet.is_slow:  # whole pixels would show as a tremble
                at = np.array([[1, 0, left - column], [0, 1, top - row]])
                flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
                cut = np.asarray(cv2.warpAffine(cut, at, (width, height), flags=flags))
            cv2.add(fallen, cut[:height, :width], fallen)
        tinted = [cv2.convertScaleAbs(fallen, alpha=float(k)) for k in self._tint]
        return cv2.add(image, cv2.merge(tinted))  # type: ignore[return-value]

    def _with_mist(self, image: Bytes, mist: Floats, t_s: float, pose: Pose) -> Bytes:
        rows, columns = max(self._height // 8, 2), max(self._width // 8, 2)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / np.float32(rows)
        shift_x, shift_y = pose.pan - 0.5 * pose.x, -pose.tilt - 0.5 * pose.y
        far = sample(
            mist, (x + shift_x) * 0.34 + self._side * 0.013 * t_s, (y + shift_y) * 0.8 + 0.006 * t_s
        )
        near = sample(
            mist, (x + shift_x) * 0.21 + self._side * 0.031 * t_s + 0.4, (y + shift_y) * 0.5 + 0.3
        )
        height = smooth(0.02, 0.5, y) * (0.55 + 0.45 * smooth(1.05, 0.6, y))
        thick = np.clip(
            (0.16 + 0.9 * smooth(0.35, 0.8, 0.5 * far + 0.5 * near)) * height * 0.72, 0, 0.75
        )
        keep = cv2.resize(((1 - thick) * 255).astype(np.uint8), (self._width, self._height))
        veil = cv2.resize(
            (thick[..., None] * self._veil).astype(np.uint8), (self._width, self._height)
        )
        return cv2.add(cv2.multiply(image, cv2.merge([keep] * 3), scale=1 / 255), veil)  # type: ignore[return-value]

    def _rain(self, rng: np.random.Generator, depth: int) -> _Sheet:
        """Streaks as long as a drop falls while the shutter is open (1/48 s); depth 0 is far."""
        nearness = (0.25, 0.6, 1.0)[depth]
        fall, drift = 1.5 + 2.6 * nearness, 0.10 + 0.22 * nearness
        unit = self._height
        tile = np.zeros((int(unit * 1.25), max(int(self._width * 1.2), unit)), np.uint8)
        for _ in range((420, 190, 60)[depth] * tile.shape[1] // unit):
            x, y = rng.uniform(0, tile.shape[1]), rng.uniform(0, tile.shape[0])
            length = unit * fall / 48 * rng.uniform(0.8, 1.4)
            lean = self._side * drift / fall * length
            strength = int(rng.uniform(0.4, 1.0) * (60, 74, 60)[depth])
            _wrapped_line(
                tile, x, y, lean, length, strength, 1 if depth < 2 else max(unit // 360, 1)
            )
        soft = _blurred(tile, (0.5, 0.7, 1.6)[depth] * unit / 540)
        return self._sheet(soft, fall=fall, drift=drift, sway=0.0, nearness=nearness, is_slow=False)

    def _snow(self, rng: np.random.Generator, depth: int) -> _Sheet:
        nearness = (0.25, 0.6, 1.0)[depth]
        unit = self._height
        tile = np.zeros((int(unit * 1.2), max(int(self._width * 1.2), unit)), np.uint8)
        radius = (0.0019, 0.0036, 0.010)[depth] * unit
        for _ in range((620, 150, 14)[depth] * tile.shape[1] // unit):
            x, y = rng.uniform(0, tile.shape[1]), rng.uniform(0, tile.shape[0])
            size = radius * rng.uniform(0.6, 1.4)
            _wrapped_dot(tile, x, y, size, int(rng.uniform(0.5, 1.0) * (170, 220, 130)[depth]))
        soft = _blurred(tile, (0.6, 1.0, 4.0)[depth] * unit / 540)
        fall, drift = 0.07 + 0.24 * nearness, 0.03 + 0.10 * nearness
        sway = 0.02 * nearness
        return self._sheet(soft, fall=fall, drift=drift, sway=sway, nearness=nearness, is_slow=True)

    def _sheet(
        self,
        pattern: Bytes,
        *,
        fall: float,
        drift: float,
        sway: float,
        nearness: float,
        is_slow: bool,
    ) -> _Sheet:
        rows, columns = pattern.shape
        tile = np.pad(pattern, ((0, self._height + 1), (0, self._width + 1)), mode="wrap")
        return _Sheet(
            tile=tile, rows=rows, columns=columns, fall=fall, drift=drift, sway=sway,
            nearness=nearness, is_slow=is_slow,
        )  # fmt: skip


def _tint(light: Light, strength: float) -> Floats:
    shown = film(light.haze * 0.5 + light.ambient * 0.6)
    return np.maximum(shown, 0.35).astype(np.float32) * np.float32(strength)


def _blurred(tile: Bytes, sigma_px: float) -> Bytes:
    """Blur a tile so that it still tiles."""
    pad = int(sigma_px * 4) + 1
    wide = cv2.GaussianBlur(np.pad(tile, pad, mode="wrap"), (0, 0), sigma_px)
    return np.ascontiguousarray(wide[pad:-pad, pad:-pad], np.uint8)


def _wrapped_line(
    tile: Bytes, x: float, y: float, lean: float, length: float, strength: int, width_px: int
) -> None:
    """Draw a falling streak; what leaves the tile at the bottom or a side comes in at the other."""
    rows, columns = tile.shape
    for up in (0, rows):
        for aside in (-columns, 0, columns):
            ends = [
                (int((x + aside) * 16), int((y - up) * 16)),
                (int((x + aside + lean) * 16), int((y - up + length) * 16)),
            ]
            cv2.line(tile, ends[0], ends[1], strength, width_px, cv2.LINE_AA, 4)


def _wrapped_dot(tile: Bytes, x: float, y: float, radius: float, strength: int) -> None:
    rows, columns = tile.shape
    for up in (-rows, 0, rows):
        for aside in (-columns, 0, columns):
            centre = int((x + aside) * 16), int((y + up) * 16)
            cv2.circle(tile, centre, max(int(radius * 16), 8), strength, -1, cv2.LINE_AA, 4)
