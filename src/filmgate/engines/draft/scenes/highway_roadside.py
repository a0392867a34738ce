"""The guard rail on the sea side, and the poles with their wires on the land side."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Weather
from filmgate.engines.draft.noise import Bytes, Floats, bgr, film, fixed, smooth
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_view import SHUTTER_M, Field, Upright, View

_RAIL_M = 5.25
_POST_GAP_M = 4.0
_POLE_M = -6.4
_POLE_GAP_M = 34.0
_POLE_TALL_M = 8.4
_NEAR_M = 0.9
"""Nothing is projected from nearer than this: it has long left the frame."""
_CRISP_M = 16.0
"""From here on a post's smear is smaller than a pixel or two."""
_BEAM_POINTS, _BEAM_STEP = 57, 8


class Rail:
    """A W-beam on posts, drawn as three bands of light and shade."""

    def __init__(self, look: Look, sky: Sky) -> None:
        light = sky.light
        self._haze = sky.haze_colour
        self._reach_m = 60.0 if look.weather is Weather.FOG else 190.0
        steel = bgr(0.17, 0.165, 0.16)
        level = light.ambient * 0.8 + light.sun * light.sun_strength * 0.15
        lit = light.horizon * 0.16 + light.sun * light.sun_strength * 0.10
        self._bands = [
            (0.80, 0.735, _shown(steel * level * 0.8 + lit)),
            (0.735, 0.665, _shown(steel * level * 0.28)),
            (0.665, 0.645, _shown(steel * level * 0.9 + lit * 0.5)),
            (0.645, 0.585, _shown(steel * level * 0.45)),
        ]
        self._post = _shown(steel * level * 0.30)

    def draw(self, out: Bytes, view: View) -> None:
        """Draw posts, then the beam, far to near."""
        posts = np.arange(24, 0, -1) * _POST_GAP_M - view.z % _POST_GAP_M
        x, y, px_m = view.project(posts, _RAIL_M + 0.1, 0.0)
        heads, feet = fixed(np.c_[x, y - 0.66 * px_m]).tolist(), fixed(np.c_[x, y]).tolist()
        for k, ahead in enumerate(posts.tolist()):
            clear = math.exp(-ahead / self._reach_m) * min((92 - ahead) / 24, 1.0)
            if ahead > _CRISP_M and clear > 0:  # too small to see a smear
                seen = (self._post + (self._haze - self._post) * (1 - clear)).tolist()
                cv2.line(out, heads[k], feet[k], seen, max(round(0.1 * px_m[k]), 1), cv2.LINE_AA, 4)
            elif ahead > 1.6:
                _post(out, view, ahead, _RAIL_M + 0.1, (0.0, 0.66), 0.05, self._post, clear)
        z = np.geomspace(150, 1.6, _BEAM_POINTS)
        edges = {
            height: fixed(np.stack(view.project(z, _RAIL_M, height)[:2], axis=1))
            for height in {edge for band in self._bands for edge in band[:2]}
        }
        for start in range(0, _BEAM_POINTS - 1, _BEAM_STEP):  # piece by piece, for the haze
            piece = slice(start, start + _BEAM_STEP + 1)
            clear = math.exp(-float(z[start]) / self._reach_m)
            for top, foot, colour in self._bands:
                outline = np.vstack([edges[top][piece], edges[foot][piece][::-1]])
                seen = colour + (self._haze - colour) * (1 - clear)
                cv2.fillPoly(out, [outline], seen.tolist(), cv2.LINE_AA, 4)


class Poles:
    """Telephone poles; their wires run on to the poles that the camera has passed."""

    def __init__(self, look: Look, sky: Sky) -> None:
        light = sky.light
        self._haze = sky.haze_colour
        self._reach_m = 55.0 if look.weather is Weather.FOG else 200.0
        self._wood = _shown(
            bgr(0.040, 0.032, 0.026) * (light.ambient + light.sun * 0.3 * light.sun_strength)
        )

    def upright(self, view: View) -> Iterator[Upright]:
        """Yield each pole in front of the camera, with the wires from it towards the camera."""
        first = -(view.z % _POLE_GAP_M)
        for k in range(8):
            ahead = first + k * _POLE_GAP_M
            if ahead + _POLE_GAP_M > _NEAR_M:
                yield Upright(ahead_m=max(ahead, 0.0), draw=partial(self._draw, view, ahead))

    def _draw(self, view: View, ahead: float, out: Bytes, _glow: Bytes) -> None:
        fade = float(smooth(_POLE_GAP_M * 7, _POLE_GAP_M * 5.6, ahead))
        self._draw_wires(out, view, ahead, fade)
        if ahead < _NEAR_M:
            return
        clear = math.exp(-ahead / self._reach_m) * fade
        colour = (self._wood + (self._haze - self._wood) * (1 - clear)).tolist()
        if ahead > 2 * _POLE_GAP_M:
            (x, y, px_m) = view.project(ahead, _POLE_M, 0.0)
            ends = fixed([(x, y), (x, y - _POLE_TALL_M * px_m)]).tolist()
            thick = max(round(0.2 * float(px_m)), 1)
            cv2.line(out, ends[0], ends[1], colour, thick, cv2.LINE_AA, 4)
        else:
            _post(out, view, ahead, _POLE_M, (0.0, _POLE_TALL_M), 0.11, self._wood, clear)
        for height, half in ((7.7, 1.15), (7.0, 0.8)):
            left = view.project(ahead, _POLE_M - half, height)
            right = view.project(ahead, _POLE_M + half, height)
            thick = max(0.055 * float(left[2]), 0.35)
            outline = [
                (left[0], left[1] - thick), (right[0], right[1] - thick),
                (right[0], right[1] + thick), (left[0], left[1] + thick),
            ]  # fmt: skip
            if fade > 0.99:
                cv2.fillPoly(out, [fixed(outline)], colour, cv2.LINE_AA, 4)

    def _draw_wires(self, out: Bytes, view: View, ahead: float, fade: float) -> None:
        """The wires of the span that begins at this pole and leads away from the camera."""
        u = np.linspace(0, 1, 25 if ahead < _POLE_GAP_M else 11)
        z = ahead + u * _POLE_GAP_M
        near = z > _NEAR_M
        if near.sum() < 2 or fade < 0.99:
            return
        sag = 0.9 * 4 * u * (1 - u)
        clear = math.exp(-max(ahead, 0.0) / self._reach_m) * 0.8
        colour = (self._wood + (self._haze - self._wood) * (1 - clear)).tolist()
        for aside, height in ((-1.1, 7.75), (1.1, 7.75), (0.75, 7.05)):
            if ahead > 3 * _POLE_GAP_M and aside < 1:
                continue
            x, y, _ = view.project(z[near], _POLE_M + aside, height - sag[near])
            cv2.polylines(out, [fixed(np.c_[x, y])], False, colour, 1, cv2.LINE_AA, 4)


def _post(
    out: Bytes, view: View, ahead: float, lateral: float, heights: tuple[float, float],
    half_m: float, colour: Floats, clear: float,
) -> None:  # fmt: skip
    """Draw an upright bar, smeared along the road while the shutter is open."""
    ends = np.array((ahead + SHUTTER_M / 4, max(ahead - SHUTTER_M / 4, _NEAR_M)))
    x0, y0, px_m = view.project(ends, lateral, heights[0])
    x1, y1, _ = view.project(ends, lateral, heights[1])
    half = max(half_m * float(px_m.mean()), 0.4)
    side = half if x0[1] > x0[0] else -half
    share = clear * min(2 * half / (2 * half + abs(float(x0[1] - x0[0]))), 1.0)
    outline = np.array(
        [(x1[0] - side, y1[0]), (x1[1] + side, y1[1]), (x0[1] + side, y0[1]), (x0[0] - side, y0[0])]
    )
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 2, 0).tolist()
    right, foot = np.ceil(outline.max(axis=0)).astype(int).tolist()
    right, foot = min(right + 3, out.shape[1]), min(foot + 3, out.shape[0])
    if top >= foot or left >= right:
        return
    mask = np.zeros((foot - top, right - left), np.uint8)
    cv2.fillPoly(mask, [fixed(outline - (left, top))], 255.0 * share, cv2.LINE_AA, 4)
    smear = int(abs(float(x0[1] - x0[0])) / 2) | 1
    if smear > 1:
        mask = np.asarray(cv2.blur(mask, (smear, 1)), np.uint8)
    part = out[top:foot, left:right]
    alpha = cv2.merge([mask] * 3)
    tint = np.array((*(colour / 255).tolist(), 0.0))
    cv2.add(
        cv2.multiply(part, cv2.bitwise_not(alpha), scale=1 / 255), cv2.multiply(alpha, tint), part
    )


def _shown(linear: Field) -> Floats:
    return (film(linear) * 255).astype(np.float32)
