"""The dancer scene: one to three people dancing on a stage or at the shore.

No grade and no falling weather here.

place (stage or shore) -> shadow and mirror image -> dancers -> what stands before them
"""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Picture, Pose, TimeOfDay
from filmgate.engines.draft.scenes.city_layers import Array
from filmgate.engines.draft.scenes.dancer_body import outfit_of
from filmgate.engines.draft.scenes.dancer_figure import Figure, figure_at
from filmgate.engines.draft.scenes.dancer_motion import root_at, style_of
from filmgate.engines.draft.scenes.dancer_shore import Shore
from filmgate.engines.draft.scenes.dancer_stage import Stage
from filmgate.engines.draft.scenes.dancer_view import Place, Spotlight, View

_INDOORS = frozenset(
    {
        "stage",
        "concert",
        "club",
        "theatre",
        "theater",
        "studio",
        "disco",
        "nightclub",
        "spotlight",
        "hall",
    }
)
_OUTDOORS = frozenset({"beach", "shore", "sea", "ocean", "sand", "sunset", "sunrise"})
_TWO = frozenset({"couple", "two", "pair", "duet"})
_MORE = frozenset({"people", "group", "dancers", "crew", "friends", "three"})


class Dancer:
    """People dancing to music, seen from the front."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        rng = np.random.default_rng((look.seed, 8))
        self._size = width_px, height_px
        aspect = width_px / height_px
        self._metre = min(0.345, aspect * 0.46)
        """Frame heights of a metre at the dancers."""
        indoors = bool(_INDOORS & look.words) or (
            look.time is TimeOfDay.NIGHT and not (_OUTDOORS & look.words)
        )
        self._place: Place = (
            Stage(look, width_px, height_px, self._metre)
            if indoors
            else Shore(look, width_px, height_px)
        )
        count = _count(look, rng, aspect)
        if {"people", "dancers", "person"} & look.without:
            count = 0
        self._detail = (1.0, 1.0, 0.85, 0.72)[count]
        """Part of the frame's pixels that a dancer is painted with: a group is painted coarser."""
        spots = {
            0: [],
            1: [(0.0, 0.0)],
            2: [(-0.42, -0.05), (0.42, 0.0)],
            3: [(-0.92, -0.35), (0.92, -0.35), (0.0, 0.0)],
        }
        narrow = min(aspect / 1.3, 1.0)
        self._dancers = [
            (style_of(rng), outfit_of(rng, look.words), x * narrow, z) for x, z in spots[count]
        ]

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        w, h = self._size
        out = np.empty((h, w, 3), np.uint8)
        glow = np.zeros((h // 4, w // 4, 3), np.uint8)
        view = View(w, h, pose)
        self._place.draw(out, glow, view, t_s)
        light = self._place.light(t_s)
        for style, outfit, x_m, z_m in self._dancers:
            nearness = 1.0 + 0.18 * z_m
            k, ox, oy = view.layer(nearness)
            ppm = k * self._metre * outfit.height * (1 + 0.10 * z_m)
            foot = ox + x_m * k * self._metre, oy + (self._place.floor + 0.05 * z_m) * k
            figure = figure_at(style, outfit, t_s, ppm * self._detail, light.ambient, light.lamps)
            root = root_at(style, t_s)
            self._floor(out, figure, light, foot, (float(root[0]), float(root[2])), ppm)
            corner = foot[0] + figure.left_m * ppm, foot[1] - figure.top_m * ppm
            _lay(out, figure, corner, 1 / self._detail)
        self._place.front(out, view, t_s)
        return Picture(out, glow)

    def _floor(
        self,
        out: Array,
        figure: Figure,
        light: Spotlight,
        foot: tuple[float, float],
        root: tuple[float, float],
        ppm: float,
    ) -> None:
        """Draw the shadow and the mirror image of a figure."""
        h, w = figure.cover.shape
        x, y = foot[0] + figure.left_m * ppm, foot[1] + root[1] * 0.05 * ppm
        feet = figure.top_m * ppm
        half = ((w + 1) // 2, (h + 1) // 2)
        sx, sy = w / half[0] / self._detail, h / half[1] / self._detail
        cover = cv2.resize(figure.cover, half, interpolation=cv2.INTER_AREA)
        veil = cv2.convertScaleAbs(cover, alpha=255)
        if light.mirror > 0:
            image = cv2.resize(figure.image, half, interpolation=cv2.INTER_AREA)
            source = cv2.blur(np.dstack([image, veil]), (3, 5))
            move = np.array([[sx, 0, x], [0, -0.86 * sy, y + 0.86 * feet]], np.float32)
            _lay_warped(out, source, move, light.mirror, y, 0.9 * feet)
        if light.shadow > 0:
            right, near = light.cast
            move = np.array(
                [[sx, -right * sy, x + right * feet], [0, -near * sy, y + near * feet]], np.float32
            )
            soft = cv2.blur(veil, (max(int(0.025 * ppm), 3), max(int(0.08 * ppm), 3)))
            black = np.zeros((half[1], half[0], 3), np.uint8)
            _lay_warped(
                out, np.dstack([black, soft]), move, light.shadow, y - 0.12 * ppm, 1.1 * feet
            )


def _count(look: Look, rng: np.random.Generator, aspect: float) -> int:
    if _TWO & look.words:
        return 2
    if _MORE & look.words:
        return 3
    if {
        "person",
        "woman",
        "man",
        "girl",
        "boy",
        "dancer",
        "she",
        "he",
        "solo",
    } & look.words or aspect < 0.8:
        return 1
    return int(rng.choice((1, 1, 1, 2, 3)))


def _lay(out: Array, figure: Figure, corner: tuple[float, float], grow: float) -> None:
    """Blend a figure, `grow` times its size, into the frame at a place between pixels."""
    h, w = figure.cover.shape
    x0, y0 = max(int(np.floor(corner[0])), 0), max(int(np.floor(corner[1])), 0)
    x1 = min(int(corner[0] + w * grow) + 2, out.shape[1])
    y1 = min(int(corner[1] + h * grow) + 2, out.shape[0])
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    middle = 0.5 * grow - 0.5
    move = np.array(
        [[grow, 0, corner[0] - x0 + middle], [0, grow, corner[1] - y0 + middle]], np.float32
    )
    size = (x1 - x0, y1 - y0)
    alpha = cv2.warpAffine(figure.cover, move, size)
    image = cv2.warpAffine(figure.image, move, size, borderMode=cv2.BORDER_REPLICATE)
    roi = out[y0:y1, x0:x1]
    roi[:] = cv2.blendLinear(image, np.ascontiguousarray(roi), alpha, 1 - alpha)


def _lay_warped(
    out: Array, source: Array, move: Array, strength: float, top: float, length: float
) -> None:
    """Blend BGRA `source` moved by `move`, fading from `top` downwards over `length` pixels."""
    h, w = out.shape[:2]
    corners = np.array(
        [
            [0, 0, 1],
            [source.shape[1], 0, 1],
            [0, source.shape[0], 1],
            [source.shape[1], source.shape[0], 1],
        ]
    )
    placed = corners @ np.asarray(move, np.float64).T
    x0, x1 = max(int(placed[:, 0].min()) - 1, 0), min(int(placed[:, 0].max()) + 2, w)
    y0, y1 = max(int(max(placed[:, 1].min(), top)), 0), min(int(placed[:, 1].max()) + 2, h)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    shifted = np.array(move, np.float32)
    shifted[:, 2] -= (x0, y0)
    warped = cv2.warpAffine(source, shifted, (x1 - x0, y1 - y0))
    rows = (np.arange(y0, y1, dtype=np.float32) - np.float32(top)) / np.float32(length)
    fade = np.clip(1 - rows, 0, 1) ** 1.5 * np.float32(strength / 255)
    alpha = (warped[..., 3] * fade[:, None]).astype(np.float32)
    roi = out[y0:y1, x0:x1]
    roi[:] = cv2.blendLinear(
        np.ascontiguousarray(warped[..., :3]), np.ascontiguousarray(roi), alpha, 1 - alpha
    )
