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
from filmgate.domain.errors import EngineFailed
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
        np.save(folder / FRAMES, np.stack(list(footage.frames())))

    def pick_up(self, folder: Path, brief: Brief) -> FakeRushes:
        """See the port."""
        frames = np.load(folder / FRAMES, mmap_mode="r")
        if len(frames) != brief.frame_count:
            raise EngineFailed(f"{brief.frame_count} frames were ordered, {len(frames)} lie there")
        return FakeRushes(list(frames))


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
