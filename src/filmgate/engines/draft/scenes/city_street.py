"""The city's street as numbers: its measures, its palette, and where a camera sees a point of it.

Nothing is drawn here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.light import light_of
from filmgate.engines.draft.look import Look, Pose, TimeOfDay, Weather
from filmgate.engines.draft.noise import bgr
from filmgate.engines.draft.scenes.city_layers import Array

FAR_M = 150.0
"""The street ends here, in haze."""
SUBJECT_M = 8.0
"""Depth at which a pose's sideways move is a whole one, and the way that dolly 1 would go."""
WALK_M_S = 0.34
REAR_M = -2.6
"""The rearmost place of the camera, for which the facades are painted."""
EYE_M = 1.75
_PX_MAX = 1e6

_PALETTES = (
    (bgr(1.0, 0.06, 0.42), bgr(0.04, 0.78, 1.0), bgr(1.0, 0.46, 0.06)),
    (bgr(1.0, 0.10, 0.62), bgr(0.42, 0.14, 1.0), bgr(0.06, 1.0, 0.80)),
    (bgr(1.0, 0.09, 0.10), bgr(1.0, 0.52, 0.08), bgr(0.08, 0.66, 1.0)),
    (bgr(0.05, 0.90, 0.95), bgr(1.0, 0.12, 0.50), bgr(0.60, 1.0, 0.20)),
)

_WET_WORDS = frozenset({"rain", "rainy", "raining", "wet", "soaked", "rain-soaked", "puddles"})
_CLEAR_AIR_M = {
    Weather.CLEAR: 95.0,
    Weather.CLOUDY: 80.0,
    Weather.RAIN: 58.0,
    Weather.SNOW: 46.0,
    Weather.FOG: 24.0,
}


def shown(red: float) -> float:
    """One linear value on the display, 0..255: `film` without an array."""
    c = max(red, 0.0)
    c = min((c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14), 1.0)
    return math.sqrt(c) * (0.92 + 0.08 * c) * 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A street canyon along z. Lengths in metres, colours linear BGR."""

    width_px: int
    height_px: int
    focal: float
    """Frame heights."""
    horizon: float
    """Frame heights from the top."""
    wall_m: float
    """From the middle of the street to the facades."""
    curb_m: float
    air_m: float
    """Depth at which haze has taken 63 % of the contrast."""
    is_wet: bool
    is_dark: bool
    has_umbrellas: bool
    haze: Array
    palette: tuple[Array, Array, Array]

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.width_px / self.height_px

    def tone(self, colour: Array, depth_m: float) -> tuple[int, int, int]:
        """A linear colour on the display, seen through the air."""
        clear = math.exp(-max(depth_m, 0) / self.air_m)
        b, g, r = (
            shown(float(c)) * clear + shown(float(v)) * 0.85 * (1 - clear)
            for c, v in zip(colour, self.haze, strict=True)
        )
        return int(b), int(g), int(r)

    def clear(self, z_m: float | Array) -> Array:
        """How much of a thing's own colour the air leaves at a depth, 0..1."""
        return np.exp(-np.maximum(z_m, 0) / np.float32(self.air_m)).astype(np.float32)


def street_of(look: Look, width_px: int, height_px: int) -> Street:
    """Return the street of a look; narrower and seen wider in tall frames."""
    aspect = min(width_px / height_px, 1.9)
    light, rng = light_of(look), np.random.default_rng((look.seed, 11))
    palette = _PALETTES[int(rng.integers(len(_PALETTES)))]
    order = rng.permutation(3)
    rainy = look.weather is Weather.RAIN or bool(_WET_WORDS & look.words)
    rainy = rainy and "rain" not in look.without
    haze = light.haze
    if light.is_dark:
        neon = palette[int(order[0])] * 0.55 + palette[int(order[1])] * 0.45
        share = 0.0 if "neon" in look.without else 1.0
        haze = light.haze * 0.75 + neon * np.float32(0.095 * share) + bgr(0.012, 0.010, 0.020)
    elif look.time is TimeOfDay.DAY:
        haze = light.haze * 0.9
    return Street(
        width_px=width_px,
        height_px=height_px,
        focal=0.50 + 0.22 * aspect,
        horizon=0.60 - 0.02 * aspect,
        wall_m=6.3 + 1.4 * aspect,
        curb_m=3.5 + 1.2 * aspect,
        air_m=_CLEAR_AIR_M[look.weather] * _clearer(look),
        is_wet=rainy or (light.is_dark and "dry" not in look.words),
        is_dark=light.is_dark,
        has_umbrellas=(rainy or look.weather is Weather.SNOW) and "umbrellas" not in look.without,
        haze=haze.astype(np.float32),
        palette=tuple(palette[int(i)] for i in order),  # type: ignore[arg-type]
    )


def _clearer(look: Look) -> float:
    if look.weather is Weather.FOG:
        return 1.0
    return {TimeOfDay.DAY: 3.0, TimeOfDay.NIGHT: 1.0}.get(look.time, 1.7)


class View:
    """The street through the camera at one moment."""

    __slots__ = ("ahead_m", "cx", "eye_m", "px", "side_m", "street", "y0")

    def __init__(self, street: Street, t_s: float, pose: Pose) -> None:
        h = street.height_px
        self.street = street
        self.px = h * pose.zoom
        """Pixels of a frame height."""
        self.cx = street.width_px / 2 - pose.pan * self.px
        self.y0 = h / 2 + (street.horizon - 0.5 + pose.tilt) * self.px
        """Row of the horizon."""
        self.ahead_m = WALK_M_S * t_s + SUBJECT_M * pose.dolly
        reach = SUBJECT_M / street.focal
        self.side_m = -pose.x * reach
        rise = pose.y * reach
        self.eye_m = EYE_M + rise if rise > 0 else EYE_M * float(np.exp(rise / EYE_M))

    def scale(self, z_m: float) -> float:
        """Pixels of a metre at a depth (z along the street, not from the camera)."""
        return self.street.focal * self.px / max(z_m - self.ahead_m, 0.3)

    def at(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float]:
        """Pixel of a point; y up from the ground."""
        k = self.scale(z_m)
        return self.cx + (x_m - self.side_m) * k, self.y0 - (y_m - self.eye_m) * k

    def outline(self, points_m: list[tuple[float, float, float]]) -> NDArray[np.int32]:
        """Points (x, y, z) as OpenCV's sub-pixel polygon."""
        points = [self.at(*p) for p in points_m]
        ends = [(min(max(x, -_PX_MAX), _PX_MAX), min(max(y, -_PX_MAX), _PX_MAX)) for x, y in points]
        return (np.array(ends) * 16).astype(np.int32)
