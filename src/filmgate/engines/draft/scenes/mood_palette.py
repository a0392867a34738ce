"""The colours of a mood, from the words, the hour and the weather. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from filmgate.engines.draft.look import Look, TimeOfDay, Weather
from filmgate.engines.draft.noise import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Five display colours, BGR float32 [3] in 0..1, from the depths to the lights."""

    deep: Floats
    dark: Floats
    middle: Floats
    bright: Floats
    accent: Floats


_PALETTES = {
    "fire": ("0c0406", "3a0a0c", "b8280e", "ffb04a", "ff5a1e"),
    "ember": ("0d0710", "37122c", "a23a36", "ffc98a", "ff7a4d"),
    "forest": ("03100c", "0a2e22", "2c7a4a", "d8f09a", "6fd18a"),
    "ocean": ("020b18", "062c4a", "0f7fa0", "b8f4f0", "35c6d4"),
    "space": ("05040f", "171038", "55309c", "f0c4ff", "ff6fb0"),
    "dream": ("140f24", "43305e", "c070a8", "ffe2d2", "8fb4ff"),
    "ice": ("050e1a", "123450", "4c93c4", "f0fbff", "a5d8ff"),
    "gold": ("0d0905", "33210d", "a8752a", "ffe9b0", "ffc04a"),
    "rose": ("13060f", "45142f", "c34a72", "ffd6dc", "ff8fa8"),
    "violet": ("0a0516", "2b1450", "7c3fd0", "e2ccff", "4fd0ff"),
    "neon": ("05030f", "1a0b3c", "e0218a", "aef6ff", "12d6ff"),
    "dusk": ("0a0b1c", "2a2752", "8a4f8c", "ffc79a", "ff8a6a"),
    "ink": ("07080a", "1c2127", "66727d", "f2f4f2", "c4a878"),
}  # fmt: skip

_WORDS = {
    "fire": "fire flame flames lava volcano burning hot inferno dragon hell phoenix",
    "ember": "warm autumn fall campfire hearth amber coffee candle rust",
    "forest": "forest jungle nature leaf leaves moss green garden bamboo tea plant spring earth",
    "ocean": "ocean sea water underwater river lake fish whale coral blue wave waves dolphin swim",
    "space": "space galaxy nebula universe cosmos cosmic planet stars star astronaut alien rocket",
    "dream": "dream dreams dreamy magic magical fairy fantasy unicorn pastel soft baby cloud",
    "ice": "ice cold winter snow frozen arctic glacier frost snowy crystal",
    "gold": "gold golden honey desert sand dune dunes luxury sun sunlight wheat egypt yellow",
    "rose": "rose love romantic pink wedding heart kiss valentine blossom cherry",
    "violet": "violet purple music jazz melody sound mystic spirit meditation lavender aurora",
    "neon": "neon cyberpunk cyber future futuristic robot digital technology data synthwave party",
    "dusk": "dusk twilight evening sunset calm peace peaceful quiet nostalgia memory",
    "ink": "ink black white noir monochrome minimal smoke shadow mystery ghost silver grey gray",
}  # fmt: skip

_BY_WORD = {word: name for name, words in _WORDS.items() for word in words.split()}

_TIME_TINT = {
    TimeOfDay.DAWN: ((1.06, 0.99, 1.00), 0.035),
    TimeOfDay.DAY: ((1.05, 1.06, 1.08), 0.050),
    TimeOfDay.SUNSET: ((1.12, 0.96, 0.86), 0.015),
    TimeOfDay.NIGHT: ((0.72, 0.78, 0.95), 0.0),
}
"""Red, green, blue gains, and how far the darks are lifted."""

_WEATHER_GREY = {
    Weather.CLEAR: (0.0, 0.0), Weather.CLOUDY: (0.30, 0.02), Weather.RAIN: (0.35, 0.0),
    Weather.SNOW: (0.40, 0.05), Weather.FOG: (0.45, 0.07),
}  # fmt: skip
"""How grey the colours become, and how far the darks are lifted."""


def mood_number(look: Look) -> int:
    """A number from the words and the seed, the same on every machine."""
    return crc32((" ".join(sorted(look.words)) + f"|{look.seed}").encode())


def palette_name(look: Look) -> str:
    """The palette that most words ask for, or else one drawn from the words and the seed."""
    votes = [_BY_WORD[word] for word in sorted(look.words) if word in _BY_WORD]
    if votes:
        return max(votes, key=lambda name: (votes.count(name), -votes.index(name)))
    names = sorted(_PALETTES)
    return names[mood_number(look) // 7 % len(names)]


def _colour(code: str) -> Floats:
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return np.array((blue, green, red), np.float32)


def palette_of(look: Look) -> Palette:
    """The look's palette, tinted by its hour and greyed by its weather."""
    gains, lift = _TIME_TINT[look.time]
    grey_share, grey_lift = _WEATHER_GREY[look.weather]
    tint = np.array(gains[::-1], np.float32)

    def tinted(code: str) -> Floats:
        colour = _colour(code)
        colour = colour + (np.float32(colour.mean()) - colour) * np.float32(grey_share)
        lifted = colour * tint + np.float32(lift + grey_lift) * (1 - colour)
        return np.clip(lifted, 0, 1).astype(np.float32)

    deep, dark, middle, bright, accent = (tinted(code) for code in _PALETTES[palette_name(look)])
    return Palette(deep=deep, dark=dark, middle=middle, bright=bright, accent=accent)
