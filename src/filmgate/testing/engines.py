"""Engines for tests: one that draws a test card quickly, and ones that misbehave on a word in the
prompt.

[crash]  the process dies at the third frame        [fail]  says that it cannot
[slow]   a tenth of a second a frame                [short] too few frames
[steady] a thirtieth of a second a frame            [greedy] takes up to 4 GiB of memory
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.ports.engine import Brief, Observer, PixelFormat, Source

CRASH_FRAME = 2
GREED_BYTES, GREED_PIECES = 2**28, 16
FRAME_S = {"[slow]": 0.1, "[steady]": 1 / 30}


class TestcardEngine:
    """Colour bars with a moving line: no model, hardly any work. The fake engine."""

    __test__ = False
    name = "testcard"
    version = __version__
    source = Source.ALGORITHMIC

    def make(self, brief: Brief, observer: Observer) -> TestcardFootage:  # noqa: ARG002
        """Begin. Raises EngineFailed for a prompt with [fail]."""
        if "[fail]" in brief.prompt:
            raise EngineFailed("the test card was told to fail")
        return TestcardFootage(brief)


class TestcardFootage:
    """The footage of one brief."""

    __test__ = False
    pixel_format = PixelFormat.YUV420P

    def __init__(self, brief: Brief) -> None:
        self._brief = brief

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames."""
        brief = self._brief
        count = brief.frame_count - (1 if "[short]" in brief.prompt else 0)
        bars = np.repeat(np.linspace(16, 235, 8, dtype=np.uint8), -(-brief.width_px // 8))[
            : brief.width_px
        ]
        shift = brief.seed % 64
        frame_s = max([s for word, s in FRAME_S.items() if word in brief.prompt], default=0)
        taken: list[NDArray[np.uint8]] = []
        for index in range(count):
            if "[crash]" in brief.prompt and index == CRASH_FRAME:
                os._exit(9)
            if "[greedy]" in brief.prompt and len(taken) < GREED_PIECES:
                taken.append(np.ones(GREED_BYTES, np.uint8))
            time.sleep(frame_s)
            frame = np.full((brief.height_px * 3 // 2, brief.width_px), 128, np.uint8)
            frame[: brief.height_px] = np.roll(bars, shift)
            line = (index * 4 + shift) % (brief.width_px - 4)
            frame[: brief.height_px, line : line + 4] = 235
            yield frame

    def sound(self) -> NDArray[np.float32] | None:
        """Return a quiet 440 Hz tone."""
        at = np.arange(self._brief.sample_count, dtype=np.float32) / 48_000
        tone = (0.1 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
        return np.stack([tone, tone])
