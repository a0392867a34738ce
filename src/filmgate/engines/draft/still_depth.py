"""Guesses how near each part of a still is: ground, horizon, a subject on it. It cuts out nothing.

sky 0.08 ....................
------------- horizon -------
ground, nearer downwards,
1 where the subject stands
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from filmgate.engines.draft.noise import Bytes, Floats, smooth
from filmgate.engines.draft.still_planes import blurred, grey_of, lab_of, reduced
from filmgate.engines.draft.still_subject import CutOut, shrunk

_SKY = 0.08
_NEAREST = 1.25
_USUAL_HORIZON = 0.45
_BEHIND_A_PORTRAIT = 0.45
_ALOFT = 0.35
_OPEN_GROUND, _UNSURE = 0.6, 0.32
"""At the foot of a picture without a subject, with and without a horizon: upright things lean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Nearness in the sense of `Pose`: 0 at infinity, 1 at the subject's depth."""

    background: Floats
    """float32, any size, to be read by relative place."""
    subject: float
    foot: float
    """Row of the subject's lowest point, 0..1."""


def depth_of(image: Bytes, cut: CutOut | None) -> Depth:
    """Return the depth of a picture with or without a subject."""
    small = shrunk(image)
    h, w = small.shape[:2]
    y = (np.arange(h, dtype=np.float32)[:, None] + 0.5) / h
    hidden = None if cut is None else reduced(cut.alpha, w, h)
    found = _horizon(small, hidden)
    horizon = _USUAL_HORIZON if found is None else found
    if cut is None:
        nearest = _UNSURE if found is None else _OPEN_GROUND
        near = _plane(y, horizon, 1.0, nearest) * np.ones((1, w), np.float32)
        return Depth(background=near + _striking(small), subject=0.0, foot=1.0)
    foot = cut.box[3] / image.shape[0]
    subject = 1.0
    if "bottom" in cut.sides:  # a portrait: what stands behind is far, whatever its row
        near = _plane(y, horizon, 1.0, _BEHIND_A_PORTRAIT)
    elif foot < horizon + 0.06:  # a bird, a balloon: it stands on nothing
        near, subject = _plane(y, horizon, 1.0, 0.9), _ALOFT
    else:
        near = _plane(y, horizon, foot, 1.0)
    return Depth(background=near * np.ones((1, w), np.float32), subject=subject, foot=foot)


def _plane(y: Floats, horizon: float, foot: float, at_foot: float) -> Floats:
    """Nearness by row: the sky's down to the horizon, then rising to `at_foot` at `foot`."""
    slope = (at_foot - _SKY) / max(foot - horizon, 0.08)
    over = y - horizon
    bend = np.float32(0.03)
    rising = (over + np.sqrt(over * over + bend * bend)) / 2
    level = np.float32(_SKY) + np.float32(slope) * rising
    return np.minimum(level, np.float32(_NEAREST)).astype(np.float32)


def _horizon(small: Bytes, hidden: Floats | None) -> float | None:
    """The row, 0..1, of the strongest level edge near the middle, if one stands out."""
    grey = blurred(grey_of(small), 1.5)
    step = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.125))
    open_ = np.ones_like(step) if hidden is None else (hidden < 0.05).astype(np.float32)
    rows = (step * open_).sum(axis=1) / (open_.sum(axis=1) + 1)
    rows = np.convolve(rows, np.ones(5) / 5, "same")
    h = len(rows)
    top, bottom = int(0.22 * h), max(int(0.72 * h), int(0.22 * h) + 1)
    best = top + int(np.argmax(rows[top:bottom]))
    is_clear = rows[best] > 1.2 and rows[best] > 2.2 * float(np.median(rows))
    return (best + 0.5) / h if is_clear else None


def _striking(small: Bytes) -> Floats:
    """A gentle bulge, 0..0.2, where colours differ from the picture's mean."""
    lab = lab_of(small)
    far = np.linalg.norm(lab - lab.mean((0, 1)), axis=2).astype(np.float32)
    wide = blurred(far, max(small.shape[:2]) / 9)
    low, high = float(wide.min()), float(wide.max())
    if high - low < 2:
        return np.zeros_like(wide)
    return cast(Floats, smooth(low, high, wide) * np.float32(0.2))
