"""What the tests of open weights share: a brief, an observer that remembers, and a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from filmgate.ports.engine import Brief, Engine, Unobserved

BRIEF = Brief(
    prompt="Sunset coastal highway, cinematic shot",
    negative_prompt="",
    width_px=128,
    height_px=72,
    fps=4,
    duration_s=5,
    seed=7,
)


class Witness:
    """Remembers what an engine told."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.pictures: list[NDArray[np.uint8]] = []

    def progress(self, share: float) -> None:
        self.shares.append(share)

    def preview(self, picture: NDArray[np.uint8]) -> None:
        self.pictures.append(picture)


def frames_from(engine: Engine, brief: Brief) -> NDArray[np.uint8]:
    """All frames of a film, uint8 [n, h, w, 3]."""
    return np.stack(list(engine.make(brief, Unobserved()).frames()))


def red_and_blue(path: Path, width_px: int = 128, height_px: int = 72) -> Path:
    """A picture, red on its left and blue on its right."""
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    pixels[:, : width_px // 2, 0] = 255
    pixels[:, width_px // 2 :, 2] = 255
    Image.fromarray(pixels).save(path)
    return path
