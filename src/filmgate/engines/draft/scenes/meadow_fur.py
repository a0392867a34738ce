"""Brushes for soft round bodies: tubes of changing girth and their light. It knows no animal."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.noise import Bytes, Floats, fixed, smooth

Points = NDArray[np.float64]
Paint = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """The light on the animal, display-referred BGR."""

    ambient: Floats
    key: Floats
    x: float
    """Where the sun stands: -1 left to 1 right."""
    rim: float


def by(x: float, y: float) -> Points:
    """A step of x, y, float64 [2]."""
    return np.array((x, y), np.float64)


def curve(joints: Points, count: int) -> Points:
    """`count` points along a smooth line through the joints (Catmull-Rom), float64 [count, 2]."""
    p = np.vstack([2 * joints[0] - joints[1], joints, 2 * joints[-1] - joints[-2]])
    at = np.linspace(0, len(joints) - 1 - 1e-9, count)
    i = at.astype(int)
    u = (at - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    return 0.5 * (
        2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3
    )


def girth(radii: tuple[float, ...], count: int) -> Points:
    """Radii at the joints, spread smoothly over `count` points."""
    at = np.linspace(0, len(radii) - 1, count)
    return np.interp(at, np.arange(len(radii)), np.array(radii))


def tube(image: Bytes, points: Points, radii: Points, paint: Paint) -> None:
    """Fill a tube along `points` (pixels), as wide as `radii` on either side."""
    line = np.diff(points, axis=0)
    length = np.maximum(np.hypot(line[:, 0], line[:, 1]), 1e-6)[:, None]
    across = np.stack([-line[:, 1], line[:, 0]], 1) / length
    ends = radii[:, None]
    quads = fixed(
        np.stack(
            [points[:-1] + across * ends[:-1], points[1:] + across * ends[1:],
             points[1:] - across * ends[1:], points[:-1] - across * ends[:-1]], 1,
        )
    )  # fmt: skip
    for quad in quads:
        cv2.fillConvexPoly(image, quad, paint, cv2.LINE_AA, 4)
    for (x, y), r in zip(fixed(points).tolist(), fixed(radii).tolist(), strict=True):
        cv2.circle(image, (x, y), max(r, 8), paint, -1, cv2.LINE_AA, 4)


def polygon(image: Bytes, points: Points, paint: Paint) -> None:
    """Fill a polygon given in pixels."""
    cv2.fillPoly(image, [fixed(points)], paint, cv2.LINE_AA, 4)


@dataclass(slots=True)
class Easel:
    """A patch of the picture on which one animal is painted, limb by limb, from back to front."""

    colour: Bytes
    cover: Bytes
    lamp: Lamp
    hair: Floats
    unit_px: float

    @staticmethod
    def of(width: int, height: int, lamp: Lamp, hair: Floats, unit_px: float) -> Easel:
        """An empty patch of some pixels; `unit_px` is a body length."""
        return Easel(
            np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8),
            lamp, hair, unit_px,
        )  # fmt: skip

    def blank(self, base: Paint) -> tuple[Bytes, Bytes]:
        """A mask to draw a shape on, and a ground of the base colour to draw markings on."""
        ground = np.empty_like(self.colour)
        cv2.rectangle(ground, (0, 0), (ground.shape[1], ground.shape[0]), base, -1)
        return np.zeros_like(self.cover), ground

    def lay(self, mask: Bytes, paint: Bytes, *, dark: float = 1.0, roundness: float = 1.0) -> None:
        """Light a painted shape as a round, furry body and lay it over the others."""
        x, y, w, h = cv2.boundingRect(mask)
        if w < 2 or h < 2:
            return
        pad = 3
        x0, y0 = max(x - pad, 0), max(y - pad, 0)
        x1, y1 = min(x + w + pad, mask.shape[1]), min(y + h + pad, mask.shape[0])
        box = (slice(y0, y1), slice(x0, x1))
        light = self._light(mask[box], roundness) * (self.hair[box][..., None] * np.float32(dark))
        soft = cv2.GaussianBlur(paint[box], (0, 0), max(self.unit_px * 0.010, 0.5))
        lit = np.clip(soft.astype(np.float32) * light, 0, 255).astype(np.uint8)
        alpha = mask[box].astype(np.float32) * np.float32(1 / 255)
        ground = self.colour[box]
        ground[:] = cv2.blendLinear(lit, np.ascontiguousarray(ground), alpha, 1 - alpha)
        np.maximum(self.cover[box], mask[box], out=self.cover[box])

    def _light(self, mask: Bytes, roundness: float) -> Floats:
        """Light on a body swollen from its outline, BGR float32 [h, w, 3]."""
        size = (max(mask.shape[1] // 2, 2), max(mask.shape[0] // 2, 2))
        small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        reach = max(self.unit_px * 0.5 * 0.075, 1.0)
        height = cv2.GaussianBlur(small, (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
        wide = cv2.GaussianBlur(small, (0, 0), 2.2 * reach, borderType=cv2.BORDER_CONSTANT)
        field = 0.6 * height + 0.6 * wide
        gx = cv2.Sobel(field, cv2.CV_32F, 1, 0, scale=reach / 5)
        gy = cv2.Sobel(field, cv2.CV_32F, 0, 1, scale=reach / 5)
        up = np.clip(0.62 + roundness * (1.25 * gy + 0.35 * gx * -self.lamp.x), 0.42, 1.25)
        facing = np.clip(roundness * (1.3 * gy - 1.6 * gx * self.lamp.x), 0, 1)
        edge = smooth(0.92, 0.45, height)
        rim = self.lamp.rim * facing * (0.25 + 0.75 * edge)
        light = up[..., None] * self.lamp.ambient + rim[..., None] * self.lamp.key
        full = cv2.resize(light, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR)
        return full.astype(np.float32)
