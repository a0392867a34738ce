"""A sheet of normals, colours and cover that round limbs and folded cloth are laid on.

It knows no anatomy and no light.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.dancer_motion import Point


class Sheet:
    """Normals, colours and cover of what is drawn so far, in pixels."""

    def __init__(
        self, width_px: int, height_px: int, ppm: float, left_m: float, top_m: float
    ) -> None:
        self.normal = np.zeros((height_px, width_px, 3), np.float32)
        self.albedo = np.zeros((height_px, width_px, 3), np.float32)
        self.cover = np.zeros((height_px, width_px), np.float32)
        self._ppm, self._left, self._top = ppm, left_m, top_m

    def to_px(self, p: Point) -> tuple[float, float]:
        """Pixel of a point; what is nearer is drawn a little larger and lower."""
        near = 1 + 0.07 * float(p[2])
        return (float(p[0]) * near - self._left) * self._ppm, (
            self._top - float(p[1]) * near + 0.05 * float(p[2])
        ) * self._ppm

    def cone(self, a: Point, ra: float, b: Point, rb: float, colour: Array) -> None:
        """Lay a limb from a to b: rounded across, not along, so that chains have no seams."""
        self._round(a, ra, b, rb, colour, is_ball=False)

    def ball(self, a: Point, ra: float, b: Point, rb: float, colour: Array) -> None:
        """Lay a round cone from a to b over the sheet, rounded at its ends as well."""
        self._round(a, ra, b, rb, colour, is_ball=True)

    def _round(
        self, a: Point, ra: float, b: Point, rb: float, colour: Array, is_ball: bool
    ) -> None:
        (ax, ay), (bx, by) = self.to_px(a), self.to_px(b)
        ra, rb = max(ra * self._ppm, 0.6), max(rb * self._ppm, 0.6)
        h, w = self.cover.shape
        pad = max(ra, rb) + 1.5
        x0, x1 = max(int(min(ax, bx) - pad), 0), min(int(max(ax, bx) + pad) + 2, w)
        y0, y1 = max(int(min(ay, by) - pad), 0), min(int(max(ay, by) + pad) + 2, h)
        if x1 <= x0 or y1 <= y0:
            return
        px = (np.arange(x0, x1, dtype=np.float32) + np.float32(0.5 - ax))[None]
        py = (np.arange(y0, y1, dtype=np.float32) + np.float32(0.5 - ay))[:, None]
        dx, dy = np.float32(bx - ax), np.float32(by - ay)
        length = np.float32(max(float(np.hypot(dx, dy)), 1e-3))
        u = np.clip((px * dx + py * dy) * (1 / (length * length)), 0, 1)
        ex, ey = px - u * dx, py - u * dy
        r = np.float32(ra) + u * np.float32(rb - ra)
        alpha = np.clip(r - np.sqrt(ex * ex + ey * ey) + np.float32(0.5), 0, 1)
        if is_ball:
            nx, ny = ex / r, -ey / r
        else:
            q = np.clip((px * dy - py * dx) / (r * length), -1, 1)
            nx, ny = q * (dy / length), q * (dx / length)
        nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))
        self._lay(np.s_[y0:y1, x0:x1], alpha, (nx, ny, nz), colour)

    def _lay(
        self,
        cut: tuple[slice, slice],
        alpha: Array,
        normal: tuple[Array, Array, Array],
        colour: Array,
    ) -> None:
        keep = 1 - alpha
        n, c = self.normal[cut], self.albedo[cut]
        n[:] = cv2.blendLinear(cv2.merge(normal), np.ascontiguousarray(n), alpha, keep)
        tint = np.empty_like(c)
        tint[:] = colour
        c[:] = cv2.blendLinear(tint, np.ascontiguousarray(c), alpha, keep)
        self.cover[cut] += alpha * (1 - self.cover[cut])

    def cloth(self, rings: list[Array], colour: Array) -> None:
        """Lay a tube with folds: rings float [n, 3] of points in metres, top first."""
        h, w = self.cover.shape
        shape = np.zeros((h, w, 3), np.uint8)
        cover = np.zeros((h, w), np.uint8)
        depths, quads, shades = _quads(rings, self)
        order: list[int] = np.argsort(depths, kind="stable").tolist()
        for i in order:
            cv2.fillConvexPoly(shape, quads[i], shades[i], cv2.LINE_8, 4)
            cv2.fillConvexPoly(cover, quads[i], 255, cv2.LINE_8, 4)
            cv2.fillConvexPoly(cover, quads[i], 255, cv2.LINE_AA, 4)
        x, y, bw, bh = cv2.boundingRect(cover)
        cut = (slice(y, y + bh), slice(x, x + bw))
        self._lay(cut, cover[cut].astype(np.float32) / 255, self._folds(shape[cut]), colour)

    def _folds(self, shape: Array) -> tuple[Array, Array, Array]:
        """Normals drawn as colours, smoothed within what is drawn: float32 [h, w] each."""
        drawn: Array = np.any(shape > 0, axis=2).astype(np.float32)
        wide = max(int(0.022 * self._ppm) | 1, 3)
        weight = np.maximum(cv2.blur(drawn, (wide, wide)), np.float32(0.02))
        soft = cv2.blur(shape.astype(np.float32), (wide, wide)) / weight[..., None]
        normal: Array = soft / 127 - np.float32(128 / 127)
        nx, ny, nz = (np.ascontiguousarray(normal[..., i]) for i in range(3))
        return nx, ny, nz

    def soften(self) -> None:
        """Round off the creases between parts."""
        wide = max(int(0.020 * self._ppm) | 1, 3)
        weight = np.maximum(cv2.blur(self.cover, (wide, wide)), np.float32(0.02))
        self.normal = cv2.blur(self.normal, (wide, wide)) / weight[..., None]


def _quads(
    rings: list[Array], sheet: Sheet
) -> tuple[Array, NDArray[np.int32], list[tuple[int, int, int]]]:
    """Depths [n], sub-pixel outlines [n, 4, 2] and normals as colours of the patches."""
    points = np.stack(rings)
    flat = np.array([[sheet.to_px(p) for p in ring] for ring in points])
    upper, lower = points[:-1], points[1:]
    beside_u, beside_l = np.roll(upper, -1, axis=1), np.roll(lower, -1, axis=1)
    normal = np.cross(lower - upper, beside_u - upper + beside_l - lower)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)
    normal[..., 2] = np.where(normal[..., 2] < 0, -0.4 * normal[..., 2], normal[..., 2])
    beside = np.roll(flat, -1, axis=1)
    quads = np.stack([flat[:-1], beside[:-1], beside[1:], flat[1:]], axis=2)
    colours = (128 + 127 * normal).astype(int).reshape(-1, 3)
    depths = (upper[..., 2] + beside_l[..., 2]).ravel()
    return (
        depths,
        (quads * 16).astype(np.int32).reshape(-1, 4, 2),
        [(int(a), int(b), int(c)) for a, b, c in colours],
    )
