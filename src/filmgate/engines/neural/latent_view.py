"""What half-denoised latents look like, cheaply: one matrix from latent channels to RGB.

The matrix is fitted to a model's own VAE when the model is loaded: a picture of known colours is
encoded, and colour = latent @ matrix solved by ridge regression. No decoder runs while sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 16
"""Latent cells along each side of the colour picture."""
RIDGE = 1e-2
SHOWN_PX = 320


class LatentView:
    """Shows latents of one model as pictures."""

    def __init__(self, matrix: NDArray[np.float32]) -> None:
        self._matrix = matrix

    @classmethod
    def fitted(
        cls, encode: Callable[[NDArray[np.float32]], NDArray[np.float32]], *, cell_px: int
    ) -> LatentView:
        """Fit to a VAE.

        Args:
            encode: float32 [h, w, 3] within 0..1 -> normalised latents, float32 [c, h / cell_px,
                w / cell_px].
            cell_px: side of the square of pixels that one latent cell stands for.
        """
        colours = _colours()
        side_px = CELLS * cell_px
        picture = cv2.resize(colours, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
        latents = encode(np.clip(picture, 0, 1).astype(np.float32))
        known = _with_bias(latents.reshape(latents.shape[0], -1).T)
        weight = known.T @ known + RIDGE * np.eye(known.shape[1], dtype=np.float32)
        return cls(np.linalg.solve(weight, known.T @ colours.reshape(-1, 3)).astype(np.float32))

    def picture(self, latents: Any) -> NDArray[np.uint8]:
        """Return latents, a tensor [c, h, w], as uint8 [height, width, 3]."""
        cells: NDArray[np.float32] = latents.detach().float().cpu().numpy()
        count, height, width = cells.shape
        shown = _with_bias(cells.reshape(count, -1).T) @ self._matrix
        small = (np.clip(shown, 0, 1) * 255).astype(np.uint8).reshape(height, width, 3)
        scale = SHOWN_PX / max(height, width)
        size_px = (max(1, round(width * scale)), max(1, round(height * scale)))
        return cv2.resize(small, size_px, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def _colours() -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 1, (CELLS, CELLS, 3)).astype(np.float32)


def _with_bias(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.hstack([latents, np.ones((len(latents), 1), np.float32)]).astype(np.float32)
