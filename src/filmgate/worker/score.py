"""Footage whose sound another engine makes where its own makes none. It encodes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from filmgate.ports.engine import Brief, Engine, Footage, Unobserved

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ScoredFootage:
    """See `filmgate.ports.engine.Footage`."""

    def __init__(self, footage: Footage, sound_engine: Engine, brief: Brief) -> None:
        self.pixel_format = footage.pixel_format
        self._footage, self._sound_engine, self._brief = footage, sound_engine, brief

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Return the footage's own frames."""
        return self._footage.frames()

    def sound(self) -> NDArray[np.float32] | None:
        """Return the footage's own sound, or what the sound engine makes of the same brief."""
        own = self._footage.sound()
        if own is not None:
            return own
        return self._sound_engine.make(self._brief, Unobserved()).sound()
