"""Image-to-video: a given still, filmed by a moving camera. It moves the camera; it does not invent new content."""

from __future__ import annotations

import cv2

from filmgate.engines.draft.look import Look, Picture, Pose
from filmgate.engines.draft.noise import Bytes


class Still:
    """A photograph as a Scene. `image_bgr`: uint8 [h, w, 3], already cropped to the frame's aspect."""

    def __init__(self, image_bgr: Bytes, look: Look, width_px: int, height_px: int) -> None:
        self._image: Bytes = cv2.resize(image_bgr, (width_px, height_px))  # pyright: ignore
        self._look = look

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        return Picture(image=self._image.copy())
