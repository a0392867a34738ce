"""A film that nobody wants any more is left at its next step, and changes no other: whatever hooks
into the steps, and in whichever take it happens.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmgate.engines.ltx2 import LTX2Engine
from filmgate.engines.wan import WanEngine
from filmgate.ports.engine import Unobserved, Unwanted
from neural.conftest import LTX2_CALL
from neural.watching import BRIEF, Witness

STEPS = 6
MANY_STEPS = f"steps = {STEPS}"
TEN_S = replace(BRIEF, duration_s=10)
CHOICES = {
    "plain": {},
    "first_block": {"neural_cache": "first_block", "neural_cache_threshold": 0.5},
    "magcache": {"neural_cache": "magcache", "neural_cache_threshold": 0.5},
    "fp8_storage": {"neural_quantization": "fp8_storage"},
    "group_offload": {"neural_offload": "group"},
    "text_encoder_on_cpu": {"neural_text_encoder_on_cpu": True},
}


class Leaver(Witness):
    """Wants no more after so many words."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def progress(self, share: float) -> None:
        super().progress(share)
        if len(self.shares) == self._after:
            raise Unwanted


def wan(weights, profile, **choices):
    ratios = ", ".join(["1.0"] * 2 * STEPS)
    path = profile(sampling=f"mag_ratios = [{ratios}]")
    text = path.read_text().replace("steps = 2", MANY_STEPS)
    path.write_text(text)
    settings = {"wan_model": str(weights("wan-ti2v")), "wan_profile": str(path)}
    return WanEngine.configured(settings | choices)


def ltx2(weights, profile, **choices):
    path = profile(step=8, frames_max=81, call=LTX2_CALL)
    path.write_text(path.read_text().replace("steps = 2", MANY_STEPS))
    settings = {"ltx2_model": str(weights("ltx2")), "ltx2_profile": str(path)}
    return LTX2Engine.configured(settings | choices)


def left(engine, brief, *, after: int) -> list[float]:
    """What was told of a film until it was left."""
    leaver = Leaver(after)
    with pytest.raises(Unwanted):
        engine.make(brief, leaver)
    return leaver.shares


def frames(engine, brief):
    return np.stack(list(engine.make(brief, Unobserved()).frames()))


@pytest.mark.parametrize("choice", CHOICES)
def test_a_film_of_wan_that_is_left_changes_no_other(weights, profile, choice):
    engine = wan(weights, profile, **CHOICES[choice])
    whole = frames(engine, BRIEF)
    assert len(left(engine, replace(BRIEF, seed=1), after=4)) == 4, "no step after the word"
    assert np.array_equal(frames(engine, BRIEF), whole)


@pytest.mark.parametrize("choice", ["plain", "group_offload", "text_encoder_on_cpu"])
def test_a_film_of_ltx2_that_is_left_changes_no_other(weights, profile, choice):
    engine = ltx2(weights, profile, **CHOICES[choice])
    footage = engine.make(BRIEF, Unobserved())
    whole, sound = np.stack(list(footage.frames())), footage.sound()
    left(engine, replace(BRIEF, seed=1), after=3)
    again = engine.make(BRIEF, Unobserved())
    assert np.array_equal(np.stack(list(again.frames())), whole)
    assert np.array_equal(again.sound(), sound)


def test_a_film_may_be_left_in_its_second_take(weights, profile):
    engine = wan(weights, profile, neural_cache="first_block", neural_cache_threshold=0.5)
    whole = frames(engine, TEN_S)
    shares = left(engine, TEN_S, after=STEPS + 2)
    assert len(shares) == STEPS + 2
    assert np.array_equal(frames(engine, TEN_S), whole)
