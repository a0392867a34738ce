"""What every engine must keep, ours and anybody's: run `check_engine` on yours in your tests.

It makes short films at small sizes, so it needs an engine that can draw at 320 x 192.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from filmgate.ports.engine import (
    Brief,
    Engine,
    PixelFormat,
    Resident,
    Source,
    Unobserved,
    Unwanted,
)

BRIEF = Brief(
    prompt="Sunset coastal highway, cinematic shot",
    negative_prompt="blurry",
    width_px=320,
    height_px=192,
    fps=6,
    duration_s=5,
    seed=12345,
)
SOUND_PEAK_MAX = 1.0


def check_engine(engine: Engine) -> None:
    """Raise AssertionError, naming the rule, if the engine breaks what ports/engine.py says."""
    assert engine.name == engine.name.lower(), "an engine's name is lower case"
    assert engine.name.strip(), "an engine has a name"
    assert engine.version, "an engine has a version"
    assert engine.source in set(Source), "an engine says where its pictures come from"
    first = list(_checked_frames(engine, BRIEF))
    again = list(_checked_frames(engine, BRIEF))
    assert all(map(np.array_equal, first, again)), "the same brief gives the same frames"
    other = list(_checked_frames(engine, replace(BRIEF, seed=54321)))
    assert not all(map(np.array_equal, first, other)), "another seed gives other frames"
    assert not np.array_equal(first[0], first[-1]), "a film moves"
    portrait = replace(BRIEF, width_px=192, height_px=320)
    assert len(list(_checked_frames(engine, portrait))) == portrait.frame_count
    _check_sound(engine)
    _check_early_end(engine)
    _check_unwanted(engine, first)
    if isinstance(engine, Resident):
        _check_rushes(engine, first)


def _checked_frames(engine: Engine, brief: Brief) -> Iterator[NDArray[np.uint8]]:
    footage = engine.make(brief, Unobserved())
    height, width = brief.height_px, brief.width_px
    shape = (
        (height * 3 // 2, width)
        if footage.pixel_format is PixelFormat.YUV420P
        else (height, width, 3)
    )
    count = 0
    for frame in footage.frames():
        assert frame.dtype == np.uint8, "frames are uint8"
        assert frame.shape == shape, f"a frame has the shape {shape}, got {frame.shape}"
        count += 1
        yield frame.copy()
    assert count == brief.frame_count, f"{brief.frame_count} frames were ordered, got {count}"


def _check_sound(engine: Engine) -> None:
    sound, again = (
        engine.make(BRIEF, Unobserved()).sound(),
        engine.make(BRIEF, Unobserved()).sound(),
    )
    if sound is None or again is None:
        assert sound is again, "an engine either has sound or has none"
        return
    assert sound.dtype == np.float32, "sound is float32"
    assert sound.shape == (2, BRIEF.sample_count), "sound is stereo and as long as the film"
    assert float(np.abs(sound).max()) <= SOUND_PEAK_MAX, "sound stays within -1..1"
    assert np.array_equal(sound, again), "the same brief gives the same sound"


def _check_early_end(engine: Engine) -> None:
    """A cancelled film: the frames are no longer read."""
    frames = engine.make(BRIEF, Unobserved()).frames()
    next(frames)
    close = getattr(frames, "close", None)
    if close is not None:
        close()


class _Impatient:
    """An observer that wants no more of the film after a word or two."""

    def __init__(self, words: int) -> None:
        self._words_left = words

    def progress(self, share: float) -> None:  # noqa: ARG002
        if self._words_left == 0:
            raise Unwanted
        self._words_left -= 1

    def preview(self, picture: NDArray[np.uint8]) -> None:
        pass


def _check_unwanted(engine: Engine, frames: list[NDArray[np.uint8]]) -> None:
    """Left after its first and its second word, an engine makes the next film as before."""
    for words in range(2):
        with suppress(Unwanted):
            for _ in engine.make(BRIEF, _Impatient(words)).frames():
                pass
    after = list(_checked_frames(engine, BRIEF))
    assert all(map(np.array_equal, frames, after)), "a film that was left changes no other"


def _check_rushes(engine: Resident, frames: list[NDArray[np.uint8]]) -> None:
    """Footage that was laid down is the footage that was made."""
    made = engine.make(BRIEF, Unobserved())
    with TemporaryDirectory() as folder:
        engine.lay_down(made, Path(folder))
        found = engine.pick_up(Path(folder), BRIEF)
        assert all(map(np.array_equal, frames, found.frames())), "footage keeps every frame"
        sound, kept = made.sound(), found.sound()
        assert (sound is None) is (kept is None), "footage keeps its sound"
        assert sound is None or kept is None or np.array_equal(sound, kept), "sample by sample"
