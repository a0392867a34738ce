"""An abstract, moving mood for prompts that name nothing we can paint. It paints no things."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Picture, Pose, Weather
from filmgate.engines.draft.noise import Bytes
from filmgate.engines.draft.scenes.mood_dunes import Dunes
from filmgate.engines.draft.scenes.mood_motes import Motes
from filmgate.engines.draft.scenes.mood_nebula import Nebula
from filmgate.engines.draft.scenes.mood_palette import mood_number, palette_of
from filmgate.engines.draft.scenes.mood_ribbons import Ribbons


class Style(Protocol):
    """One way to move colours."""

    def image(self, t_s: float, pose: Pose) -> Bytes:
        """Paint the colours at `t_s`, BGR uint8 [height, width, 3]."""
        ...


_NEBULA = (
    "space galaxy nebula universe cosmos cosmic planet stars star smoke cloud fire underwater ink "
    "dream magic"
)
_DUNES = (
    "desert sand dune dunes ocean sea wave waves mountain mountains hills landscape snow winter "
    "valley"
)
_RIBBONS = "silk ribbon ribbons music aurora wind dance flow melody light energy love neon data"
_StyleClass = type[Ribbons] | type[Nebula] | type[Dunes]
_STYLES: tuple[tuple[_StyleClass, str], ...] = (
    (Nebula, _NEBULA), (Dunes, _DUNES), (Ribbons, _RIBBONS),
)  # fmt: skip


def style_of(look: Look) -> _StyleClass:
    """The style that the words ask for, or else the one that words and seed draw."""
    votes = [len(look.words.intersection(words.split())) for _, words in _STYLES]
    best = max(votes)
    if best:
        return _STYLES[votes.index(best)][0]
    return _STYLES[mood_number(look) % len(_STYLES)][0]


class Mood:
    """Ribbons of light, a nebula, or waves of dunes, with drifting lights before them."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        palette = palette_of(look)
        size = (width_px, height_px)
        self._style: Style = style_of(look)(look, palette, size)
        self._has_glow = "glow" not in look.without
        self._is_hazy = look.weather in (Weather.FOG, Weather.SNOW)
        self._motes = Motes(
            count=0 if "particles" in look.without else 44,
            colours=(palette.bright, palette.accent, palette.middle),
            seed=mood_number(look) ^ 0x5EED,
            size=size,
        )

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        image = self._style.image(t_s, pose)
        glow = self._glow(image) if self._has_glow else None
        self._motes.shine(image, glow, t_s, pose)
        return Picture(image, glow)

    def _glow(self, image: Bytes) -> Bytes:
        height, width = image.shape[:2]
        small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        return cv2.addWeighted(small, 0.9, small, 0.0, -72).astype(np.uint8)
