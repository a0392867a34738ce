"""Hills and the edge of the wood, painted once as strips. No grass here."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.engines.draft.light import Light
from filmgate.engines.draft.look import Look, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, fixed, smooth, tile_noise, to_bytes
from filmgate.engines.draft.scenes.meadow_frame import Framing
from filmgate.engines.draft.scenes.meadow_strip import Strip, strip_of

FIELD_NEARNESS = 0.06
"""Of the strip that must reach down to the first row of blades."""


def land_strips(look: Look, light: Light, framing: Framing) -> list[Strip]:
    """Far hills, near hills, the field's far end, trees: as many of them as the look keeps."""
    strips: list[Strip] = []
    if not look.without & {"hills", "mountains"}:
        strips += [_hills(look, light, framing, k) for k in range(3)]
    strips.append(_far_field(look, light, framing))
    if "trees" not in look.without:
        strips += [_trees(look, light, framing, k) for k in range(2)]
    return strips


def _hazed(colour: NDArray[np.floating[Any]], light: Light, look: Look, share: float) -> Floats:
    if look.weather in (Weather.FOG, Weather.RAIN, Weather.SNOW):
        share = 1 - (1 - share) * (0.3 if look.weather is Weather.FOG else 0.65)
    air = light.haze * np.float32(0.85) + light.horizon * np.float32(0.15)
    return (colour + (air - colour) * np.float32(share)).astype(np.float32)


def _sunlit(light: Light) -> Floats:
    lit = light.ambient * 0.55 + light.sun * (0.6 * light.sun_strength)
    return lit.astype(np.float32)


def _hills(look: Look, light: Light, framing: Framing, k: int) -> Strip:
    """One chain of hills; k = 0 is the farthest."""
    h = framing.height_px
    rng = np.random.default_rng((look.seed, 0x417, k))
    period = math.ceil(framing.width_px * (1.9 - 0.2 * k))
    u = np.arange(period, dtype=np.float32) / period * math.tau
    chain = np.zeros(period, np.float32)
    for wave in range(1, 26):
        power = wave ** (-1.25 if k == 0 else -1.7)
        chain += np.float32(power) * np.sin(wave * u + rng.uniform(0, 6.3)).astype(np.float32)
    ridge: Floats = (chain - chain.min()) / np.float32(np.ptp(chain))
    tall = (0.135, 0.085, 0.052)[k] * h * (0.8 + 0.4 * float(rng.uniform()))
    top = tall * 1.05 * (1 - ridge) + 2
    rows = math.ceil(tall * 1.1 + 0.07 * h)
    y = np.arange(rows, dtype=np.float32)[:, None]
    noise = tile_noise(1.1, look.seed + 60 + k)
    tx = (np.arange(period) * 512 / period * 2).astype(int) % 512
    ty = np.clip(np.arange(rows) * 3, 0, None).astype(int) % 512
    field = cv2.GaussianBlur(noise[np.ix_(ty, tx)], (0, 0), 1.0)
    eased = cv2.Sobel(cv2.GaussianBlur(ridge[None], (0, 0), 6), cv2.CV_32F, 1, 0, ksize=1)
    slope: Floats = eased.astype(np.float32).reshape(-1) * np.float32(period / 12)
    woods = bgr(0.045, 0.10, 0.045) if k else bgr(0.10, 0.13, 0.12)
    pasture = bgr(0.17, 0.26, 0.07) if k else bgr(0.16, 0.19, 0.15)
    if look.weather is Weather.SNOW:
        woods, pasture = bgr(0.30, 0.34, 0.38), bgr(0.72, 0.76, 0.82)
    share = smooth(0.38, 0.66, field)[..., None]
    side = np.clip(0.75 + 0.35 * slope, 0.35, 1.25)[None, :, None]
    colour = (woods + (pasture - woods) * share) * side * _sunlit(light)
    colour = _hazed(colour, light, look, (0.68, 0.50, 0.34)[k])
    foot = smooth(tall * 0.3, rows, y)[..., None] * 0.45
    colour = colour + (light.haze * 0.9 - colour) * foot
    alpha = np.clip(y - top[None] + 0.5, 0, 1).astype(np.float32)
    return strip_of(
        to_bytes(colour), alpha[: math.ceil(tall * 1.05) + 4], view_px=framing.width_px,
        top=framing.horizon + 0.012 - tall * 1.05 / h, nearness=(0.012, 0.024, 0.04)[k],
    )  # fmt: skip


def _far_field(look: Look, light: Light, framing: Framing) -> Strip:
    """The grass between the trees and the farthest row of blades."""
    h = framing.height_px
    period = framing.width_px
    rows = math.ceil(framing.eye * 0.12 * h) + math.ceil(0.10 * h)
    noise = tile_noise(0.9, look.seed + 70)
    tx = (np.arange(period) * 1536 // period) % 512
    field = noise[np.ix_(np.arange(rows) * 7 % 512, tx)]
    tone = bgr(0.20, 0.31, 0.07) if look.weather is not Weather.SNOW else bgr(0.75, 0.79, 0.85)
    colour = tone * _sunlit(light) * (0.72 + 0.5 * field[..., None])
    colour = _hazed(colour, light, look, 0.30)
    alpha = np.tile(smooth(0, 3, np.arange(4.0))[:, None], (1, period))
    return strip_of(
        to_bytes(colour),
        alpha,
        view_px=framing.width_px,
        top=framing.horizon + 0.004,
        nearness=FIELD_NEARNESS,
    )


def _trees(look: Look, light: Light, framing: Framing, k: int) -> Strip:
    """The edge of a wood: crowns of many lit clumps, with gaps."""
    h = framing.height_px
    rng = np.random.default_rng((look.seed, 0x7EE5, k))
    period = math.ceil(framing.width_px * (1.55 + 0.3 * k))
    tall = (0.070, 0.150)[k] * h
    rows = math.ceil(tall * 1.3 + 0.03 * h)
    base = tall * 1.25
    sun = light.sun * np.float32(light.sun_strength)
    dark = bgr(0.020, 0.045, 0.018) * light.ambient
    lit = bgr(0.17, 0.26, 0.06) * (light.ambient * 0.6 + sun * 0.7)
    if look.weather is Weather.SNOW:
        lit = bgr(0.72, 0.76, 0.82) * _sunlit(light)
    canvas = np.empty((rows, period, 3), np.float32)
    canvas[:] = dark * 0.8 + lit * 0.15
    cover = np.zeros((rows, period), np.uint8)
    count = round((period / tall) * (2.1, 0.34)[k])
    for at in np.sort(rng.uniform(0, period, count)):
        _tree(canvas, cover, float(at), base, tall * float(rng.uniform(0.5, 1.15)), dark, lit, rng)
    if k == 0:
        for at in rng.uniform(0, period, round(period / tall * 3)):
            _crown(canvas, cover, float(at), base - 0.1 * tall, 0.16 * tall, dark, lit, rng, 7)
    canvas = _hazed(canvas, light, look, (0.30, 0.16)[k])
    alpha = cv2.GaussianBlur(cover.astype(np.float32) / np.float32(255), (0, 0), 0.5)
    nearness = (0.07, 0.13)[k]
    foot = framing.ground_at(nearness) + 0.006
    keep = min(rows, math.ceil(base) + 2)
    return strip_of(
        cv2.GaussianBlur(to_bytes(canvas), (0, 0), 0.5)[:keep].astype(np.uint8),
        alpha[:keep].astype(np.float32), view_px=framing.width_px, top=foot - base / h,
        nearness=nearness,
    )  # fmt: skip


def _tree(
    canvas: Floats, cover: Bytes, x: float, base: float, tall: float, dark: Floats, lit: Floats,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """A trunk and a crown of clumps."""
    period = canvas.shape[1]
    for turn in (x - period, x, x + period):
        if -tall < turn < period + tall:
            foot, top, fork = 0.03 * tall, 0.018 * tall, base - 0.6 * tall
            trunk = [
                (turn - foot, base),
                (turn - top, fork),
                (turn + top, fork),
                (turn + foot, base),
            ]
            cv2.fillConvexPoly(canvas, fixed(trunk), (dark * 1.3).tolist(), cv2.LINE_8, 4)
            cv2.fillConvexPoly(cover, fixed(trunk), (255,), cv2.LINE_AA, 4)
    _crown(canvas, cover, x, base - 0.62 * tall, 0.36 * tall, dark, lit, rng, 60)


def _crown(
    canvas: Floats, cover: Bytes, x: float, y: float, size: float, dark: Floats, lit: Floats,
    rng: np.random.Generator, clumps: int,
) -> None:  # fmt: skip
    period = canvas.shape[1]
    angle, reach = rng.uniform(0, math.tau, clumps), np.sqrt(rng.uniform(0, 1, clumps))
    cx, cy = x + size * reach * np.cos(angle) * 0.95, y + size * reach * np.sin(angle) * 0.9
    up = np.clip(0.5 - 0.5 * (cy - y) / size - 0.22 * (cx - x) / size, 0, 1)
    for k in np.argsort(up + rng.normal(0, 0.15, clumps)):
        tone = float(np.clip(up[k] ** 1.5 * rng.uniform(0.55, 1.25), 0, 1.2))
        paint = (dark + (lit - dark) * np.float32(tone)).tolist()
        r = max(int(size * rng.uniform(0.13, 0.27) * 16), 12)
        for turn in (cx[k] - period, cx[k], cx[k] + period):
            if -size < turn < period + size:
                at = tuple(fixed((turn, cy[k])).tolist())
                cv2.circle(canvas, at, r, paint, -1, cv2.LINE_8, 4)
                cv2.circle(cover, at, r, (255,), -1, cv2.LINE_AA, 4)
