"""A meadow that an animal runs through; the camera keeps pace. No words are read from prompts here."""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.light import light_of
from filmgate.engines.draft.look import Look, Picture, Pose
from filmgate.engines.draft.noise import smooth, to_bytes


class Meadow:
    """Sky, hills, grass in the wind, and a cat."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        light = light_of(look)
        y = np.linspace(0, 1, height_px, dtype=np.float32)[:, None, None]
        sky = light.zenith + (light.horizon - light.zenith) * smooth(0, 0.5, y)
        ground = light.ambient * np.array((0.03, 0.2, 0.1), np.float32) * (0.4 + y)
        below = smooth(0.49, 0.51, y)
        rows = sky + (ground - sky) * below
        self._image = to_bytes(np.broadcast_to(rows, (height_px, width_px, 3)))

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` as seen from `pose`."""
        dy = round((pose.y * 0.5 + pose.tilt) * self._image.shape[0])
        move = np.array([[1, 0, 0], [0, 1, dy]], np.float32)
        size = (self._image.shape[1], self._image.shape[0])
        image = cv2.warpAffine(self._image, move, size, borderMode=cv2.BORDER_REPLICATE)
        return Picture(image.astype(np.uint8))
