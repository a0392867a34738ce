"""The light of a time of day and a weather: sky colours, sun, haze.

Linear BGR. No drawing of things here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import Floats, bgr


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Colours in linear light, BGR float32 [3]."""

    horizon: Floats
    middle: Floats
    zenith: Floats
    sun: Floats
    """Colour of the sun (or moon) and of what it touches."""
    sun_height: float
    """Frame heights above the horizon."""
    sun_strength: float
    haze: Floats
    ambient: Floats
    """Colour of the shadowless light on the ground; about 1.0 by day, far less at night."""
    is_dark: bool
    """True when lamps are lit."""


_LIGHTS = {
    TimeOfDay.DAWN: Light(
        horizon=bgr(0.95, 0.55, 0.42), middle=bgr(0.42, 0.34, 0.50), zenith=bgr(0.10, 0.16, 0.36),
        sun=bgr(1.0, 0.62, 0.42), sun_height=0.05, sun_strength=0.8,
        haze=bgr(0.80, 0.52, 0.46), ambient=bgr(0.52, 0.47, 0.52), is_dark=False,
    ),
    TimeOfDay.DAY: Light(
        horizon=bgr(0.66, 0.80, 0.94), middle=bgr(0.28, 0.50, 0.86), zenith=bgr(0.09, 0.24, 0.62),
        sun=bgr(1.0, 0.93, 0.80), sun_height=0.42, sun_strength=1.0,
        haze=bgr(0.62, 0.74, 0.86), ambient=bgr(1.0, 1.0, 1.0), is_dark=False,
    ),
    TimeOfDay.SUNSET: Light(
        horizon=bgr(1.0, 0.36, 0.10), middle=bgr(0.36, 0.13, 0.22), zenith=bgr(0.030, 0.045, 0.14),
        sun=bgr(1.0, 0.47, 0.16), sun_height=0.07, sun_strength=1.0,
        haze=bgr(0.90, 0.34, 0.10), ambient=bgr(0.62, 0.44, 0.36), is_dark=False,
    ),
    TimeOfDay.NIGHT: Light(
        horizon=bgr(0.05, 0.06, 0.11), middle=bgr(0.02, 0.028, 0.066), zenith=bgr(.006, .01, .03),
        sun=bgr(0.62, 0.70, 0.90), sun_height=0.30, sun_strength=0.25,
        haze=bgr(0.035, 0.045, 0.085), ambient=bgr(0.10, 0.12, 0.18), is_dark=True,
    ),
}  # fmt: skip


def light_of(look: Look) -> Light:
    """Return the light of a look; overcast weathers are greyer and have a weaker sun."""
    clear = _LIGHTS[look.time]
    grey_share = {
        Weather.CLEAR: 0.0, Weather.CLOUDY: 0.35, Weather.RAIN: 0.55, Weather.SNOW: 0.5,
        Weather.FOG: 0.6,
    }[look.weather]  # fmt: skip

    def greyed(colour: Floats) -> Floats:
        return (colour + (np.float32(colour.mean()) - colour) * np.float32(grey_share)).astype(
            np.float32
        )

    return Light(
        horizon=greyed(clear.horizon), middle=greyed(clear.middle), zenith=greyed(clear.zenith),
        sun=greyed(clear.sun), sun_height=clear.sun_height,
        sun_strength=clear.sun_strength * (1 - 0.8 * grey_share),
        haze=greyed(clear.haze), ambient=greyed(clear.ambient), is_dark=clear.is_dark,
    )  # fmt: skip
