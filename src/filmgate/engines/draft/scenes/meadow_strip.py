"""A painted strip of land that repeats sideways: opaque below, ragged above. It paints nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.noise import Bytes, Floats
from filmgate.engines.draft.scenes.meadow_view import placing


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One layer. Positions in frame heights from the picture's middle, y downwards."""

    colour: Bytes
    """BGR uint8 [rows, period_px + more, 3], life-size; `more` repeats the beginning."""
    alpha: Floats
    """Cover of the upper rows, float32 [fringe, period_px + more]; rows below are opaque."""
    period_px: int
    top: float
    nearness: float
    sway: float = 0.0
    """How far the tips lean in the wind, frame heights."""
    phase: float = 0.0

    def opaque_from_px(self, pose: Pose, height_px: int) -> float:
        """The picture row from which the strip hides all that lies behind it."""
        where = placing(pose, self.nearness)
        top = (self.top * where.scale + where.dy + 0.5) * height_px
        return top + self.alpha.shape[0] * where.scale

    def lay(
        self, image: Bytes, pose: Pose, scroll: float, t_s: float, until_px: float | None = None
    ) -> None:
        """Lay the strip over `image` in place, down to row `until_px` (or to its own last row).

        `scroll` is how far the camera has run, in frame heights at the subject. Rows that were
        never painted mirror those that were.
        """
        height, width = image.shape[:2]
        where = placing(pose, self.nearness)
        scale, rows = where.scale, self.colour.shape[0]
        top_px = (self.top * scale + where.dy + 0.5) * height
        own_px = math.floor(top_px + (rows - 1) * scale)
        first = max(math.floor(top_px) + 1, 0)
        last = min(own_px if until_px is None else math.ceil(until_px), height)
        if first >= last:
            return
        lean = self._lean(t_s) * height
        shear = -lean / max(self.alpha.shape[0], 1)
        from_row = (first - top_px) / scale
        left = (scroll * self.nearness - (where.dx + 0.5 * width / height) / scale) * height
        left = left % self.period_px + lean + shear * from_row
        right = left + width / scale + abs(shear) * (last - first) / scale
        start = math.floor(min(left, left + shear * (last - first) / scale)) - 1
        columns = self._columns(start, math.ceil(right) + 3 - start)
        back = np.array(
            [[1 / scale, shear / scale, left - start], [0, 1 / scale, from_row]], np.float64
        )
        edge = min(max(math.floor(top_px + self.alpha.shape[0] * scale) - 1, first), last) - first
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        mirror = cv2.BORDER_REFLECT
        size = (width, last - first)
        seen = cv2.warpAffine(columns(self.colour), back, size, flags=how, borderMode=mirror)
        if edge > 0:
            cover = columns(self.alpha)
            cover = cv2.warpAffine(cover, back, (width, edge), flags=how, borderMode=mirror)
            ground = image[first : first + edge]
            cv2.blendLinear(seen[:edge], ground, cover, 1 - cover, dst=ground)
        image[first + edge : last] = seen[edge:]

    def _columns(self, start: int, count: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """How to cut `count` columns from `start` on, round the seam if need be."""
        period = self.period_px
        start %= period

        def cut(source: NDArray[Any]) -> NDArray[Any]:
            if start + count <= source.shape[1]:
                return source[:, start : start + count]
            turns = math.ceil((start + count) / period)
            return np.concatenate([source[:, :period]] * turns, 1)[:, start : start + count]

        return cut

    def _lean(self, t_s: float) -> float:
        gust = math.sin(1.7 * t_s + self.phase) + 0.5 * math.sin(2.9 * t_s + 2.3 * self.phase)
        return self.sway * (0.4 + 0.6 * gust)


def strip_of(
    colour: Bytes, alpha: Floats, *, view_px: int, top: float, nearness: float, sway: float = 0.0,
    phase: float = 0.0,
) -> Strip:  # fmt: skip
    """A strip from one period of paint, lengthened for a view of `view_px`."""
    period = colour.shape[1]
    more = min(round(view_px * (1.12 + 0.25 * nearness)) + 8, 2 * period)

    def longer(source: NDArray[Any]) -> NDArray[Any]:
        turns = math.ceil((period + more) / period)
        return np.ascontiguousarray(np.concatenate([source] * turns, 1)[:, : period + more])

    return Strip(
        colour=longer(colour), alpha=longer(alpha.astype(np.float32)), period_px=period, top=top,
        nearness=nearness, sway=sway, phase=phase,
    )  # fmt: skip
