"""Mixes what a scene sounds like into one stereo track. No encoding here."""

from __future__ import annotations

import numpy as np

from filmgate.engines.draft.look import Look
from filmgate.engines.draft.noise import Floats


def ambience(look: Look, duration_s: int, seed: int) -> Floats:
    """Return the sound of a look, float32 [2, 48000 * duration_s], within ±0.89, about -18 dBFS RMS."""
    rng = np.random.default_rng(seed)
    count = 48_000 * duration_s
    sound = rng.standard_normal((2, count), dtype=np.float32) * np.float32(0.126)
    return np.clip(sound, -0.89, 0.89)
