"""A painted strip of land that repeats sideways: opaque below, ragged above. It is laid over a picture at a pose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.engines.draft.look import Pose
from filmgate.engines.draft.noise import Bytes, Floats
from filmgate.engines.draft.scenes.meadow_view import placing


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One layer of the meadow. Positions in frame heights from the picture's middle, y downwards."""

    colour: Bytes
    """BGR uint8 [rows, period_px, 3], as large as seen from the usual place."""
    alpha: Floats
    """Cover of the upper rows, float32 [fringe_rows, period_px] in 0..1; rows below are opaque."""
    top: float
    nearness: float
    sway: float = 0.0
    """How far the tips lean in the wind, frame heights."""
    phase: float = 0.0

    def lay(self, image: Bytes, pose: Pose, scroll: float, t_s: float) -> None:
        """Lay the strip over `image` in place; `scroll` is how far the camera has run at the subject's depth."""
        height, width = image.shape[:2]
        where = placing(pose, self.nearness)
        scale, rows = where.scale, self.colour.shape[0]
        top_px = (self.top * scale + where.dy + 0.5) * height
        fringe_px = self.alpha.shape[0] * scale
        first = max(math.floor(top_px) + 1, 0)
        middle = min(max(math.floor(top_px + fringe_px) - 1, first), height)
        last = min(math.floor(top_px + (rows - 1) * scale), height)
        if first >= last:
            return
        lean = self._lean(t_s) * height
        shear = -lean / max(self.alpha.shape[0], 1)
        left = (scroll * self.nearness - (where.dx + 0.5 * width / height) / scale) * height
        x0 = left % self.colour.shape[1] + lean
        down = (first - top_px) / scale

        def seen(source: Bytes | Floats, from_row: float, count: int) -> Bytes | Floats:
            back = np.array(
                [[1 / scale, shear / scale, x0 + shear * from_row], [0, 1 / scale, from_row]],
                np.float64,
            )
            return cv2.warpAffine(  # type: ignore[return-value]
                source, back, (width, count), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_WRAP,
            )  # fmt: skip

        colour = seen(self.colour, down, last - first)
        edge = min(middle, last) - first
        if edge > 0:
            cover = seen(self.alpha, down, edge)
            ground = image[first : first + edge]
            ground[:] = cv2.blendLinear(colour[:edge], ground, cover, 1 - cover)
        image[first + edge : last] = colour[edge:]

    def _lean(self, t_s: float) -> float:
        gust = math.sin(1.7 * t_s + self.phase) + 0.5 * math.sin(2.9 * t_s + 2.3 * self.phase)
        return self.sway * (0.4 + 0.6 * gust)
