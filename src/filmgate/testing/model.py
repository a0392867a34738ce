"""A fake model: an engine that waits as for a GPU, sampling step by step, and keeps the Resident
contract. It computes nothing.

[step 0.5]  in the prompt: half a second a step; without it no step takes any time
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from filmgate import __version__
from filmgate.ports.engine import Brief, Footage, Observer, PixelFormat, Source
from filmgate.testing.engines import TestcardFootage

STEPS = 20
FRAMES = "frames.npy"


class FakeModel:
    """The fake resident engine. Its films are test cards, and silent."""

    name = "fakemodel"
    version = __version__
    source = Source.ALGORITHMIC

    def warm(self) -> None:
        """Nothing is loaded."""

    def make(self, brief: Brief, observer: Observer) -> FakeRushes:
        """Wait for each step."""
        word = re.search(r"\[step ([\d.]+)\]", brief.prompt)
        for step in range(STEPS):
            time.sleep(float(word[1]) if word else 0)
            observer.progress((step + 1) / STEPS)
        return FakeRushes(list(TestcardFootage(brief).frames()))

    def lay_down(self, footage: Footage, folder: Path) -> None:
        """See the port."""
        with (folder / FRAMES).open("wb") as file:
            for frame in footage.frames():
                np.save(file, frame)

    def pick_up(self, folder: Path, brief: Brief) -> FakeRushes:
        """See the port."""
        with (folder / FRAMES).open("rb") as file:
            return FakeRushes([np.load(file) for _ in range(brief.frame_count)])


class FakeRushes:
    """Footage whose frames are all made."""

    pixel_format = PixelFormat.YUV420P

    def __init__(self, frames: list[NDArray[np.uint8]]) -> None:
        self._frames = frames

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames."""
        yield from self._frames

    def sound(self) -> None:
        """There is none."""
