"""Finds the subject of a still and cuts it out, or says that there is none. It moves nothing.

colours unlike the border's -> one central piece -> grabCut -> plausible? -> soft alpha
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.noise import Bytes, Floats
from filmgate.engines.draft.still_planes import (
    blurred,
    dilated,
    distance_to,
    enlarged,
    grey_of,
    lab_of,
)

WORKING_PX = 33_000
"""About how many pixels the analysis looks at: a quarter of 960x540 each way."""

_RNG_SEED = 20_011
_COLOURS = 10
_SAMPLES_MAX = 3_000
_STRANGE = 9.0
"""Lab units from the nearest of the background's colours from which a colour is another."""
_ALIKE_INSIDE_MAX = 0.12
"""Share of a subject that may have its surroundings' colours: more means that it leaked."""
_STRANGE_RIM_MAX, _BAYS_MAX = 0.12, 0.05
"""Shares of its rim, and bays by its own area, that may be strange: more means parts were lost."""
_THICKNESS_MIN = 0.045
"""Radius of the largest circle within, in frame heights."""
_AREA_MIN, _AREA_MAX = 0.008, 0.55
_OVERLAP_MIN = 0.55
_SOLIDITY_MIN = 0.5
_SIDE_CONTACT_MAX = 0.22
_TOP_CONTACT_MAX = 0.12
_BOTTOM_CONTACT_MAX = 0.92
_OFF_CENTRE_MAX = 0.30
_CONTOUR_STEP_MIN = 9.0
"""Lab units across the outline; below this the outline is not an edge anybody sees."""
_CONTOUR_RATIO_MIN = 2.0
_LAMP_BRIGHTNESS, _LAMP_AREA_MAX = 232.0, 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOut:
    """The subject of a still, in the still's own pixels."""

    alpha: Floats
    """float32 [h, w] in 0..1."""
    box: tuple[int, int, int, int]
    """left, top, right, bottom of alpha > 0; right and bottom are exclusive."""
    sides: frozenset[str]
    """Which of 'left', 'top', 'right', 'bottom' the subject is cut by."""


def shrunk(image: Bytes) -> Bytes:
    """Return the picture at the size the analysis works at; never enlarged."""
    height, width = image.shape[:2]
    share = min(1.0, (WORKING_PX / (width * height)) ** 0.5)
    size = (max(8, round(width * share)), max(8, round(height * share)))
    return cast(Bytes, cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def find_subject(image: Bytes) -> CutOut | None:
    """Return the cut-out of the one thing the picture shows, or None when there is no such thing.

    Repeats itself: OpenCV's own generator is seeded here, in the calling thread.
    """
    small = shrunk(image)
    lab = _lab(small)
    unlike = _unlike_the_border(lab)
    rough = _central_piece(unlike)
    if rough is None:
        return None
    piece = _grabbed(small, rough)
    if piece is None or not _is_plausible(piece, lab, unlike):
        return None
    return _soft_edged(image, piece)


def _lab(small: Bytes) -> Floats:
    """CIE Lab, each channel 0..255, a little blurred so that grain and grass do not count."""
    return blurred(lab_of(small), 1.2)


def _unlike_the_border(lab: Floats) -> Floats:
    """How far each pixel's colour is from the nearest of the border's, in Lab units."""
    h, w = lab.shape[:2]
    high, low = max(1, w // 7), max(1, w // 14)
    split = round(0.6 * h)  # shoulders reach the sides of a portrait low down
    bands = (
        lab[: max(1, h // 9)], lab[:split, :high], lab[:split, -high:],
        lab[split:, :low], lab[split:, -low:],
    )  # fmt: skip
    return _unlike(lab, np.concatenate([band.reshape(-1, 3) for band in bands]))


def _unlike(lab: Floats, colours: Floats) -> Floats:
    """How far each pixel's colour is from the nearest of the main ones among `colours` [n, 3]."""
    some = np.ascontiguousarray(colours[:: max(1, len(colours) // _SAMPLES_MAX)])
    cv2.setRNGSeed(_RNG_SEED)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    labels = np.zeros((len(some), 1), np.int32)
    k = min(_COLOURS, len(some))
    _, _, centres = cv2.kmeans(some, k, labels, criteria, 1, cv2.KMEANS_PP_CENTERS)
    far = np.min([np.linalg.norm(lab - centre, axis=2) for centre in centres], axis=0)
    return far.astype(np.float32)


def _central_piece(unlike: Floats) -> Bytes | None:
    """The large, central piece of what is unlike the border, as uint8 0 or 1."""
    w = unlike.shape[1]
    levels = np.clip(unlike * 3, 0, 255).astype(np.uint8)
    limit, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    limit = min(max(limit / 3 * 0.8, _STRANGE * 1.4), 30.0)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    marked = cv2.morphologyEx((unlike > limit).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    marked = cv2.morphologyEx(marked, cv2.MORPH_OPEN, disc[1:-1, 1:-1])
    count, labels, stats, middles = cv2.connectedComponentsWithStats(marked)
    if count < 2:
        return None
    aside = np.abs(middles[1:, 0] / w - 0.5)
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA] * np.exp(-((aside / 0.3) ** 2))))
    rough = (labels == best).astype(np.uint8)
    return rough if _AREA_MIN < rough.mean() < _AREA_MAX else None


def _grabbed(small: Bytes, rough: Bytes) -> Bytes | None:
    """Fit the outline of a piece to the picture by grabCut, within a narrow ring around it."""
    reach = max(3, round(small.shape[0] / 28))
    ring = dilated(rough, 2 * reach + 1)
    mask = np.full(rough.shape, cv2.GC_BGD, np.uint8)
    mask[ring > 0] = cv2.GC_PR_BGD
    mask[rough > 0] = cv2.GC_PR_FGD
    if not (ring == 0).any():
        return None
    cv2.setRNGSeed(_RNG_SEED)
    cv2.grabCut(
        small, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK
    )
    front = (mask == cv2.GC_PR_FGD).astype(np.uint8)
    front = cv2.morphologyEx(
        front, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(front)
    if count < 2:
        return None
    piece = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    is_same = int((piece & rough).sum()) > _OVERLAP_MIN * int((piece | rough).sum())
    return _without_holes(piece) if is_same else None


def _without_holes(piece: Bytes) -> Bytes:
    """Fill the small gaps in a piece: eyes, buttons, highlights."""
    outlines, tree = cv2.findContours(piece, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    limit = 0.04 * float(piece.sum())
    for outline, links in zip(outlines, tree[0], strict=True):
        if links[3] >= 0 and cv2.contourArea(outline) < limit:
            cv2.drawContours(piece, [outline], -1, 1, thickness=-1)
    return piece


def _is_plausible(piece: Bytes, lab: Floats, unlike: Floats) -> bool:
    """Judge a cut-out by its size, place, shape, contact with the frame and outline."""
    h, w = piece.shape
    area = float(piece.mean())
    if not _AREA_MIN < area < _AREA_MAX:
        return False
    edge_x, edge_y = max(2, w // 20), max(2, h // 20)
    touches_side = max(piece[:, :edge_x].max(1).mean(), piece[:, -edge_x:].max(1).mean())
    if touches_side > _SIDE_CONTACT_MAX or piece[:edge_y].max(0).mean() > _TOP_CONTACT_MAX:
        return False
    if piece[-edge_y:].max(0).mean() > _BOTTOM_CONTACT_MAX:
        return False
    if abs(float(np.nonzero(piece)[1].mean()) / w - 0.5) > _OFF_CENTRE_MAX:
        return False
    outlines, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(outline))
    if cv2.contourArea(outline) < _SOLIDITY_MIN * hull:
        return False
    if (unlike[dilated(piece, 9) > dilated(piece, 3)] > 2 * _STRANGE).mean() > _STRANGE_RIM_MAX:
        return False
    if not _stands_apart(piece, outline, lab):
        return False
    is_lamp = float(lab[..., 0][piece > 0].mean()) > _LAMP_BRIGHTNESS and area < _LAMP_AREA_MAX
    return not is_lamp and _is_outlined(outline[:, 0].astype(np.int32), lab)


def _stands_apart(piece: Bytes, outline: NDArray[Any], lab: Floats) -> bool:
    """Say whether a piece is a whole of its own: not a stick, not of its surroundings' colours.

    Its bays must show what is around it, or they hold a part of it that was left behind.
    """
    if float(distance_to(piece == 0).max()) < _THICKNESS_MIN * piece.shape[0]:
        return False
    hull = np.zeros_like(piece)
    cv2.fillPoly(hull, [cv2.convexHull(outline)], (1,))
    around = dilated(hull, 2 * round(piece.shape[0] / 12) + 1) > hull
    if not around.any():
        return False
    unlike = _unlike(lab, lab[around])
    bays = (hull > 0) & (dilated(piece, 5) == 0)
    left_behind = int((bays & (unlike > 2 * _STRANGE)).sum())
    return (
        left_behind < _BAYS_MAX * int(piece.sum())
        and (unlike[piece > 0] < _STRANGE).mean() < _ALIKE_INSIDE_MAX
    )


def _is_outlined(outline: NDArray[np.int32], lab: Floats) -> bool:
    """Say whether the outline lies on edges that stand out from the picture's texture."""
    h, w = lab.shape[:2]
    soft = blurred(lab, 1.0)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=0.25)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=0.25)
    step = np.sqrt((across**2 + down**2).sum(axis=2))
    wide = cv2.dilate(step, np.ones((3, 3), np.uint8))
    x, y = outline[:, 0], outline[:, 1]
    inside = (x > w // 20) & (x < w - w // 20 - 1) & (y > h // 20) & (y < h - h // 20 - 1)
    if inside.sum() < 12:
        return False
    steps = wide[y[inside], x[inside]]
    usual = float(np.median(wide))
    return bool(
        np.median(steps) > max(_CONTOUR_STEP_MIN, _CONTOUR_RATIO_MIN * usual)
        and np.percentile(steps, 20) > usual
    )


def _soft_edged(image: Bytes, piece: Bytes) -> CutOut:
    """Bring a cut-out to the picture's size and fit its edge to the picture's."""
    height, width = image.shape[:2]
    rough = enlarged(piece.astype(np.float32), width, height)
    grey = grey_of(image) / np.float32(255)
    radius = max(2, round(height / 110))
    fitted = _guided(grey, rough, radius, 4e-4)
    alpha = np.clip((fitted - 0.30) / 0.45, 0, 1)
    alpha *= enlarged(dilated(piece, 3).astype(np.float32), width, height)
    h, w = piece.shape
    sides = {
        "left": piece[:, : w // 20 + 1],
        "top": piece[: h // 20 + 1],
        "right": piece[:, -(w // 20) - 1 :],
        "bottom": piece[-2:],
    }
    seen = alpha > 0.01
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    touched = frozenset(side for side, band in sides.items() if band.any())
    return CutOut(alpha=alpha.astype(np.float32), box=box, sides=touched)


def _guided(guide: Floats, plane: Floats, radius: int, eps: float) -> Floats:
    """Smooth `plane` along the edges of `guide` (K. He et al.: Guided Image Filtering, 2010)."""
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(values: NDArray[Any]) -> Floats:
        return cast(Floats, cv2.boxFilter(values.astype(np.float32, copy=False), -1, window))

    of_guide, of_plane = mean(guide), mean(plane)
    slope = (mean(guide * plane) - of_guide * of_plane) / (
        mean(guide * guide) - of_guide * of_guide + np.float32(eps)
    )
    return mean(slope) * guide + mean(of_plane - slope * of_guide)
