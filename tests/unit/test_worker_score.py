"""The sound of a film whose engine makes none."""

from __future__ import annotations

import numpy as np

from filmgate.ports.engine import Brief, PixelFormat
from filmgate.testing.engines import TestcardEngine
from filmgate.worker.score import ScoredFootage

BRIEF = Brief(
    prompt="Rain on a roof",
    negative_prompt="",
    width_px=64,
    height_px=64,
    fps=4,
    duration_s=5,
    seed=1,
)


class Footage:
    pixel_format = PixelFormat.RGB24

    def __init__(self, sound):
        self._sound = sound

    def frames(self):
        yield np.zeros((64, 64, 3), np.uint8)

    def sound(self):
        return self._sound


def test_footage_without_sound_gets_the_other_engines():
    footage = ScoredFootage(Footage(None), TestcardEngine(), BRIEF)
    assert footage.sound().shape == (2, BRIEF.sample_count)
    assert np.abs(footage.sound()).max() > 0.05
    assert footage.pixel_format is PixelFormat.RGB24
    assert len(list(footage.frames())) == 1


def test_footage_with_sound_keeps_its_own():
    own = np.full((2, BRIEF.sample_count), 0.5, np.float32)
    assert ScoredFootage(Footage(own), TestcardEngine(), BRIEF).sound() is own
