"""A cut-out that is stamped into the frame at any place and size, without a tremble."""

from __future__ import annotations

import math

import cv2
import numpy as np

from filmgate.engines.draft.noise import Bytes, Floats
from filmgate.engines.draft.scenes.highway_view import Field


class Stamp:
    """A picture with coverage, kept at halved sizes so that far ones do not shimmer.

    Args:
        colour: display values float32 [h, w, 3], 0..255.
        cover: float32 [h, w], 0..1.
        px_m: its pixels of a metre.
        foot_px: (x, y) of the point that stands on the ground.
    """

    def __init__(
        self, colour: Field, cover: Field, px_m: float, foot_px: tuple[float, float]
    ) -> None:
        premultiplied = np.dstack((colour * cover[..., None], cover * 255))
        self._sizes: list[Bytes] = [np.clip(premultiplied + 0.5, 0, 255).astype(np.uint8)]
        while min(self._sizes[-1].shape[:2]) > 8:
            half = cv2.resize(self._sizes[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            self._sizes.append(np.asarray(half, np.uint8))
        self._px_m, self._foot = px_m, foot_px

    def lay(
        self,
        out: Bytes,
        at: tuple[float, float],
        px_m: float,
        haze: Floats,
        clear: float,
        share: float = 1.0,
    ) -> None:
        """Stamp it with its foot at `at`.

        `clear` (0..1) of it shows through the haze, `share` of it is there at all.
        """
        k = px_m / self._px_m
        level = min(max(math.floor(-math.log2(k)), 0), len(self._sizes) - 1)
        picture = self._sizes[level]
        rows, columns = picture.shape[:2]
        kx = k * self._sizes[0].shape[1] / columns
        ky = k * self._sizes[0].shape[0] / rows
        left, top = at[0] - self._foot[0] * k, at[1] - self._foot[1] * k
        height, width = out.shape[:2]
        x0, y0 = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
        x1 = min(math.ceil(left + columns * kx) + 1, width)
        y1 = min(math.ceil(top + rows * ky) + 1, height)
        if x1 - x0 < 1 or y1 - y0 < 1 or share <= 0.004:
            return
        place = np.array(
            [[kx, 0, left - x0 + kx / 2 - 0.5], [0, ky, top - y0 + ky / 2 - 0.5]], np.float64
        )
        cut = cv2.warpAffine(picture, place, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        veil = haze * np.float32((1 - clear) / 255)
        to_colour = np.zeros((3, 4), np.float32)
        to_colour[:, :3] = np.eye(3, dtype=np.float32) * np.float32(clear * share)
        to_colour[:, 3] = veil * np.float32(share)
        alpha = cv2.extractChannel(cut, 3)
        if share < 1:
            alpha = cv2.convertScaleAbs(alpha, alpha=share)
        gap = cv2.bitwise_not(cv2.merge([alpha, alpha, alpha]))
        ground = out[y0:y1, x0:x1]
        cv2.add(cv2.multiply(ground, gap, scale=1 / 255), cv2.transform(cut, to_colour), ground)
