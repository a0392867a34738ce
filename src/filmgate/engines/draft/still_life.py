"""A trace of life for a still's subject, from the prompt's words. It draws nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from filmgate.engines.draft.look import Look
from filmgate.engines.draft.noise import Floats

_RAMP_S = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How far the top of a subject moves, in the subject's heights; its foot stays."""

    bob: float = 0.0
    sway: float = 0.0
    rate_hz: float = 0.25
    """Sways a second; bobs come twice as often."""

    def offset(self, t_s: float, rise: Floats) -> tuple[Floats, Floats]:
        """Return how far each point is displaced, (x, y), in subject heights.

        `rise` is a point's height above the foot in subject heights. All is at rest at t_s = 0.
        """
        ramp = min(max(t_s, 0.0) / _RAMP_S, 1.0)
        ramp = ramp * ramp * (3 - 2 * ramp)
        turn = 2 * math.pi * self.rate_hz * t_s
        height = np.clip(rise, 0, 1.2)
        lag = np.float32(turn) - np.float32(0.9) * height
        x = np.float32(self.sway * ramp) * height**1.5 * np.sin(lag)
        y = np.float32(-self.bob * ramp * (0.5 - 0.5 * math.cos(2 * turn))) * height
        return x.astype(np.float32), y.astype(np.float32)

    def reach(self, t_s: float) -> float:
        """The largest displacement at the moment, in subject heights."""
        return min(max(t_s, 0.0) / _RAMP_S, 1.0) * max(self.bob, self.sway)


_LIVES = {
    "run runs running sprint sprinting gallop galloping chase chasing": Life(
        bob=0.022, sway=0.008, rate_hz=1.3
    ),
    "dance dances dancing dancer ballet": Life(bob=0.016, sway=0.024, rate_hz=1.0),
    "jump jumps jumping hop hopping play plays playing": Life(bob=0.020, sway=0.010, rate_hz=0.8),
    "walk walks walking stroll strolling march": Life(bob=0.011, sway=0.010, rate_hz=0.85),
    "sway sways swaying swing swinging wind windy": Life(bob=0.004, sway=0.018, rate_hz=0.4),
}
"""By the words that ask for it; the first found counts."""
_LIFELESS = (
    "statue sculpture bottle product logo watch phone building house tower car truck bus boat ship "
    "bicycle motorcycle furniture chair table cup mug shoe shoes perfume mountain rock"
)
_BREATHING = Life(bob=0.0055, sway=0.0025, rate_hz=0.16)


def life_of(look: Look) -> Life:
    """Return how a subject lives: everything breathes that the prompt does not name a thing."""
    for words, life in _LIVES.items():
        if not look.words.isdisjoint(words.split()):
            return life
    return _BREATHING if look.words.isdisjoint(_LIFELESS.split()) else Life()
