"""Image-to-video: a given still, filmed by a moving camera. It invents no new content.

still --still_subject--> cut-out --still_fill--> background
  |                         |
  +---still_depth---> nearness of both --still_view, still_life--> a warp of each
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from filmgate.engines.draft.camera import pose_at
from filmgate.engines.draft.look import Look, Picture, Pose
from filmgate.engines.draft.noise import Bytes, Floats, smooth
from filmgate.engines.draft.still_depth import depth_of
from filmgate.engines.draft.still_fill import fill
from filmgate.engines.draft.still_life import life_of
from filmgate.engines.draft.still_planes import blurred, distance_to, reduced
from filmgate.engines.draft.still_subject import CutOut, find_subject
from filmgate.engines.draft.still_view import View, grid, read, spread, view_of

_RELATIVE = 0.62
"""A shot opens on the given picture, so a move goes all to one side, but less far."""
_RELIEF = 0.10
"""How much more the middle of the subject moves than its outline."""
_AT_REST_PX = 2.5


class Still:
    """A photograph as a Scene; see `filmgate.engines.draft.look.Scene`.

    At rest the picture is shown exactly as given. A shot is filmed relative to where its camera
    begins, so that it opens on the given picture, at most a little closer.

    Args:
        image_bgr: uint8 [h, w, 3] of any size, already cropped to the frame's aspect.
    """

    def __init__(self, image_bgr: Bytes, look: Look, width_px: int, height_px: int) -> None:
        if image_bgr.ndim != 3 or image_bgr.shape[2] != 3 or image_bgr.dtype != np.uint8:
            raise ValueError(
                f"a still must be uint8 [h, w, 3], got {image_bgr.dtype} {image_bgr.shape}"
            )
        self._size = (width_px, height_px)
        self._image = _fitted(image_bgr, width_px, height_px)
        self._opening = pose_at(look.moves, 0.0, look.duration_s, look.seed)
        self._life = life_of(look)
        cut = find_subject(self._image)
        depth = depth_of(self._image, cut)
        self._nearness, self._near, self._foot = depth.background, depth.subject, depth.foot
        self._cells = grid(0, 0, width_px, height_px)
        self._cut = cut
        self._background, self._subject, self._relief = self._image, None, None
        if cut is not None:
            self._background = fill(self._image, (cut.alpha > 0.02).astype(np.uint8))
            self._subject = _layer(self._image, cut)
            self._relief = _relief(cut)

    @property
    def has_subject(self) -> bool:
        """Whether a subject was found, cut out and given a layer of its own."""
        return self._cut is not None

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        view = view_of(self._relative(pose), *self._size)
        stir_px = view.stir_px()
        if self._cut is not None:
            stir_px += self._life.reach(t_s) * self._size[1]
        if stir_px < 1e-3:
            return Picture(self._image.copy())
        view = view.mended(self._cells, self._nearness)
        places = spread(view.settled(self._cells, self._nearness), *self._size)
        image = _warped(self._background, places, cv2.BORDER_REFLECT_101)
        if self._subject is not None and self._cut is not None:
            self._lay_subject(image, self._subject, self._cut, view, t_s)
            shown = float(smooth(0, _AT_REST_PX, stir_px))
            if (
                shown < 1
            ):  # the seams of the cut-out show only when it moves; until then, the photograph
                whole = _warped(self._image, places, cv2.BORDER_REFLECT_101)
                image = cast(Bytes, cv2.addWeighted(image, shown, whole, 1 - shown, 0))
        return Picture(image)

    def _relative(self, pose: Pose) -> Pose:
        """The pose as seen from the shot's first one; zoom and dolly stay as they are."""
        start = self._opening
        return Pose(
            x=_moved(pose.x, start.x), y=_moved(pose.y, start.y), zoom=pose.zoom,
            dolly=pose.dolly, pan=_moved(pose.pan, start.pan), tilt=_moved(pose.tilt, start.tilt),
        )  # fmt: skip

    def _lay_subject(
        self, image: Bytes, subject: Bytes, cut: CutOut, view: View, t_s: float
    ) -> None:
        """Blend the subject over the background in place, where it stands and as it lives."""
        left, top, right, bottom = self._box(cut, view)
        width, height = right - left, bottom - top
        if width <= 0 or height <= 0:
            return
        at = grid(left, top, width, height)
        near = np.full(at.shape[:2], self._near, np.float32)
        places = view.source(at, near)
        if self._relief is not None:
            bulge = read(self._relief, places, *self._size)
            places = view.source(at, (near * (1 + _RELIEF * bulge)).astype(np.float32))
        tall = max((self._foot - cut.box[1] / self._size[1]) * self._size[1], 1.0)
        rise = (np.float32(self._foot * self._size[1]) - places[..., 1]) / np.float32(tall)
        dx, dy = self._life.offset(t_s, rise)
        places[..., 0] -= dx * np.float32(tall)
        places[..., 1] -= dy * np.float32(tall)
        border = cv2.BORDER_REFLECT_101 if cut.sides else cv2.BORDER_CONSTANT
        layer = _warped(subject, spread(places, width, height), border)
        alpha = layer[..., 3].astype(np.float32) * np.float32(1 / 255)
        under = image[top:bottom, left:right]
        under[:] = cv2.blendLinear(
            np.ascontiguousarray(layer[..., :3]), np.ascontiguousarray(under), alpha, 1 - alpha
        )

    def _box(self, cut: CutOut, view: View) -> tuple[int, int, int, int]:
        """The part of the frame where the subject can be seen."""
        width, height = self._size
        slack = 0.05 * height + 2
        near = self._near
        if near != 1.0:
            return 0, 0, width, height
        left, top = view.placed(cut.box[0], cut.box[1])
        right, bottom = view.placed(cut.box[2], cut.box[3])
        low_x, low_y, high_x, high_y = view.rim
        sides = cut.sides
        return (
            0 if "left" in sides else max(0, int(left - slack - low_x)),
            0 if "top" in sides else max(0, int(top - slack - low_y)),
            width if "right" in sides else min(width, int(right + slack + high_x)),
            height if "bottom" in sides else min(height, int(bottom + slack + high_y)),
        )


def _moved(now: float, start: float) -> float:
    return (now - start) * (_RELATIVE if start else 1.0)


def _fitted(image: Bytes, width: int, height: int) -> Bytes:
    """Scale to the frame; an aspect that is not the frame's is cropped around the middle."""
    h, w = image.shape[:2]
    scale = max(width / w, height / h)
    keep_w, keep_h = min(w, max(1, round(width / scale))), min(h, max(1, round(height / scale)))
    x, y = (w - keep_w) // 2, (h - keep_h) // 2
    part = np.ascontiguousarray(image[y : y + keep_h, x : x + keep_w])
    if (keep_w, keep_h) == (width, height):
        return part
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cast(Bytes, cv2.resize(part, (width, height), interpolation=how))


def _warped(picture: Bytes, places: Floats, border: int) -> Bytes:
    """Read the picture at `places`, float32 [h, w, 2]."""
    return cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[return-value, call-overload]


def _layer(image: Bytes, cut: CutOut) -> Bytes:
    """The subject with its alpha, uint8 [h, w, 4]; its own colours run on past its outline."""
    sigma = max(1.5, image.shape[0] / 180)
    sure = (cut.alpha > 0.92).astype(np.float32)
    wide = blurred(image * sure[..., None], sigma)
    share = blurred(sure, sigma)
    own = wide / np.maximum(share, 1e-3)[..., None]
    mix = (1 - smooth(0.6, 1.0, cut.alpha)) * np.clip(share * 25, 0, 1)
    colours = image + (own - image) * mix[..., None]
    alpha = (cut.alpha * 255 + 0.5).astype(np.uint8)
    return np.dstack((np.clip(colours + 0.5, 0, 255).astype(np.uint8), alpha))


def _relief(cut: CutOut) -> Floats:
    """A soft bulge at an eighth of the size: 0 at the outline, 1 in the middle of the subject."""
    h, w = cut.alpha.shape
    small = reduced(cut.alpha, max(2, w // 8), max(2, h // 8)) > 0.5
    inside = distance_to(~small)
    return blurred(inside / max(float(inside.max()), 1.0), max(1.0, h / 200))
