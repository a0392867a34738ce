"""Draws docs/pictures/draft.jpg: `python docs/pictures/draw.py`.

Frames as the draft engine delivers them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from filmgate.engines.draft import DraftEngine
from filmgate.ports.engine import Brief

SHOTS = (
    ("Sunset coastal highway, cinematic shot", 60),
    ("City night scene, neon lights and rain-soaked streets", 20),
    ("Cat running on the grass", 40),
    ("Person dancing to the music on a concert stage", 70),
    ("Snowy mountain road at dawn", 60),
    ("Quiet memories of a distant dream", 60),
)
WIDTH_PX, HEIGHT_PX = 1280, 720


def frame_of(prompt: str, index: int) -> np.ndarray:
    """Return one delivered frame as BGR."""
    brief = Brief(
        prompt=prompt,
        negative_prompt="",
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        fps=24,
        duration_s=5,
        seed=12345,
    )
    for number, planes in enumerate(DraftEngine().make(brief).frames()):
        if number == index:
            return cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    raise AssertionError("a film has more frames than that")


def main() -> None:
    """Draw the sheet: two columns, three rows."""
    cells = [
        cv2.resize(frame_of(*shot), (640, 360), interpolation=cv2.INTER_AREA) for shot in SHOTS
    ]
    rows = [np.hstack(cells[start : start + 2]) for start in range(0, len(cells), 2)]
    target = Path(__file__).with_name("draft.jpg")
    cv2.imwrite(str(target), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
