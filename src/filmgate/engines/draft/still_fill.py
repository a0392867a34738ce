"""Paints what the subject of a still hides, from pieces of the picture. It finds no subject.

    hole -> how well would the picture, shifted, continue what surrounds the hole?
         -> the best shift at each place, seams feathered, colours led over smoothly

After K. He and J. Sun, Statistics of Patch Offsets for Image Completion (2012), with fixed shifts.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from filmgate.engines.draft.noise import Bytes, Floats
from filmgate.engines.draft.still_planes import blurred, dilated, distance_to, enlarged, reduced
from filmgate.engines.draft.still_subject import shrunk

_REACHES = (0.10, 0.17, 0.26, 0.38, 0.55, 0.75)
"""Lengths of the shifts, in frame heights."""
_RISES = (0.0, -0.035, 0.035)
_SHIFTS_USED_MAX = 6
_ZERO, _EDGE = cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE
_IMPOSSIBLE = np.float32(1e6)


def fill(image: Bytes, hole: Bytes) -> Bytes:
    """Return the picture, uint8 [h, w, 3], with the hole (uint8 [h, w], 1 inside) painted over."""
    small = shrunk(image)
    h, w = small.shape[:2]
    gap = dilated((reduced(hole, w, h) > 0.02).astype(np.uint8), 3)
    if gap.all() or not gap.any():
        return image.copy()
    plain = _washed(small, gap)
    shifts = _shifts(h, w)
    labels, used = _labels(small, gap, shifts)
    return _composed(image, hole, gap, plain, labels, shifts, used)


def _shifts(h: int, w: int) -> list[tuple[int, int]]:
    """(x, y) moves to try, in pixels of the small picture: mostly sideways, where things repeat."""
    sideways = [
        (side * round(reach * h), round(rise * h))
        for reach in _REACHES
        for side in (-1, 1)
        for rise in _RISES
        if round(reach * h) < 0.8 * w
    ]
    return [*sideways, *((0, -round(reach * h)) for reach in _REACHES[:3])]


def _washed(small: Bytes, gap: Bytes) -> Floats:
    """The picture with the gap filled by ever wider means of its surroundings; no detail."""
    known = (gap == 0).astype(np.float32)
    filled = small.astype(np.float32) * known[..., None]
    result, weight = filled.copy(), known.copy()
    for sigma in (2.0, 5.0, 12.0, 30.0, 80.0):
        wide = blurred(filled, sigma)
        share = blurred(known, sigma)
        sure = np.clip(share * 4, 0, 1) * (1 - weight)
        result += wide / np.maximum(share, 1e-4)[..., None] * sure[..., None]
        weight += sure
    mean = filled.sum((0, 1)) / max(float(known.sum()), 1.0)
    return (result + mean * (1 - weight)[..., None]).astype(np.float32)


def _moved(plane: Floats | Bytes, shift: tuple[int, int], border: int = _ZERO) -> Floats:
    """What lies `shift` away from each pixel; the border says what lies outside."""
    h, w = plane.shape[:2]
    back = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    return cast(
        Floats, cv2.warpAffine(plane, back, (w, h), flags=cv2.INTER_NEAREST, borderMode=border)
    )


def _labels(small: Bytes, gap: Bytes, shifts: list[tuple[int, int]]) -> tuple[Bytes, list[int]]:
    """The best shift's number at each pixel, len(shifts) where none serves; and those used."""
    soft = blurred(small, 1.0)
    known = (gap == 0).astype(np.float32)
    reach = max(3.0, small.shape[0] / 16)
    ring = known * (distance_to(gap) < reach).astype(np.float32)
    costs = np.empty((len(shifts) + 1, *gap.shape), np.float32)
    for k, shift in enumerate(shifts):
        valid = _moved(known, shift)
        weight = ring * valid
        wrong = ((_moved(soft, shift) - soft) ** 2).sum(axis=2) * weight
        spread = blurred(wrong, reach * 0.6) + np.float32(0.02)
        share = blurred(weight, reach * 0.6) + np.float32(2e-5)
        costs[k] = spread / share + _IMPOSSIBLE * (1 - valid)
    costs[-1] = _IMPOSSIBLE * np.float32(0.9)
    first = costs.argmin(axis=0)
    frequent = np.argsort(-np.bincount(first[gap > 0], minlength=len(costs)), kind="stable")
    used = sorted({*(int(k) for k in frequent[:_SHIFTS_USED_MAX]), len(shifts)})
    again = np.array(used, np.uint8)[costs[used].argmin(axis=0)]
    return cast(Bytes, cv2.medianBlur(again, 5)), used


def _composed(
    image: Bytes,
    hole: Bytes,
    gap: Bytes,
    plain: Floats,
    labels: Bytes,
    shifts: list[tuple[int, int]],
    used: list[int],
) -> Bytes:
    """Lay the shifted pictures into the hole, lead their colours over, feather the rim."""
    height, width = image.shape[:2]
    h, w = gap.shape
    scale = (width / w, height / h)
    known = (gap == 0).astype(np.float32)
    small = reduced(image, w, h)
    share = _plain_share(small, gap)
    total, sum_small = enlarged(plain, width, height) * share, plain * share
    weights = np.full((height, width), share, np.float32)
    weights_small = np.full((h, w), share, np.float32)
    for k in used:
        part = blurred(labels == k, 1.5)
        if k < len(shifts):
            part *= _moved(known, shifts[k]) + np.float32(1e-3)
            far = (round(shifts[k][0] * scale[0]), round(shifts[k][1] * scale[1]))
            near, near_small = _moved(image, far, _EDGE), _moved(small, shifts[k], _EDGE)
        else:
            near, near_small = enlarged(plain, width, height), plain
        large = enlarged(part, width, height)
        total += near * large[..., None]
        weights += large
        sum_small += near_small * part[..., None]
        weights_small += part
    led = _led_over(small, sum_small / weights_small[..., None], gap)
    painted = total / weights[..., None] + enlarged(led, width, height)
    wider = 2 * max(2, round(height / 200)) + 1  # the subject's own soft edge goes with it
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wider, wider))
    cover = cv2.GaussianBlur(cv2.dilate(hole, disc).astype(np.float32), (0, 0), wider / 6)
    mixed = image + (painted - image) * cover[..., None]
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _plain_share(small: Floats, gap: Bytes) -> np.float32:
    """How much of the plain filling to mix in: most where the surroundings are out of focus."""
    fine = np.abs(small - blurred(small, 2.0)).mean(axis=2)
    away = distance_to(gap)
    around = fine[(away > 1) & (away < small.shape[0] / 12)]
    detail = float(np.median(around)) if around.size else 0.0
    return np.float32(0.03 + 4 * max(0.0, 1 - detail / 2.5) ** 2)


def _led_over(small: Floats, painted: Floats, gap: Bytes) -> Floats:
    """What to add to the painted colours so that they meet the picture's at the rim."""
    reach = max(2.0, small.shape[0] / 40)
    away = distance_to(gap)
    rim = ((gap == 0) & (away < reach * 1.5)).astype(np.float32)
    off = (small - painted) * rim[..., None]
    wide = blurred(off, reach) / (blurred(rim, reach)[..., None] + np.float32(0.02))
    return np.clip(wide, -60, 60).astype(np.float32)
