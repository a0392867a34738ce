"""One call of a pipeline: what goes in, what comes out, and who hears of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from filmgate.engines.neural.latent_view import LatentView
from filmgate.engines.neural.library import library

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from filmgate.ports.engine import Observer

SEED_MAX = 2**63
PREVIEW_EVERY_S = 1.0
SAMPLED_SHARE = 0.9
"""Of a film's making; decoding, fitting and encoding are the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What one call is to make."""

    prompt: str
    negative_prompt: str
    width_px: int
    height_px: int
    frame_count: int
    fps: int
    seed: int
    steps: int
    image: NDArray[np.uint8] | None = None
    """uint8 [height_px, width_px, 3]; None: from words alone."""

    @property
    def pixel_count(self) -> int:
        """Of all its frames: what its memory grows with."""
        return self.width_px * self.height_px * self.frame_count

    def noise(self) -> Any:
        """Return the generator of its noise: on the CPU, so that every device starts equal."""
        torch = library("torch")
        torch.manual_seed(self.seed % SEED_MAX)  # for samplers that draw without a generator
        return torch.Generator("cpu").manual_seed(self.seed % SEED_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What one call made."""

    frames: list[NDArray[np.uint8]]
    """uint8 [height, width, 3] each."""
    sound: NDArray[np.float32] | None = None
    """float32 [2, samples] at 48 kHz, of any length."""


OnStep = Callable[[int, Any], None]
"""Called after a sampling step with its index and a tensor of latents [c, h, w] of one frame."""


class Watcher:
    """Tells an observer of all steps of all takes; what it tells never falls."""

    def __init__(self, observer: Observer, *, step_count: int) -> None:
        self._observer = observer
        self._step_count = step_count
        self._told = 0.0
        self._next_preview_s = 0.0

    def on_step(self, view: LatentView, *, before: int) -> OnStep:
        """Return what hears the steps of a take, of which `before` came in earlier takes."""

        def heard(index: int, latents: Any) -> None:
            self.tell(SAMPLED_SHARE * (before + index + 1) / self._step_count)
            now_s = time.monotonic()
            if now_s >= self._next_preview_s:
                self._next_preview_s = now_s + PREVIEW_EVERY_S
                self._observer.preview(view.picture(latents))

        return heard

    def tell(self, share: float) -> None:
        """Tell a share of the whole, unless more was told before."""
        if share > self._told:
            self._told = share
            self._observer.progress(share)


def frames_of(video: Any) -> list[NDArray[np.uint8]]:
    """Return a tensor [n, 3, h, w] within 0..1 as frames; one leaves the device at a time."""
    torch = library("torch")
    return [
        (frame.permute(1, 2, 0).float().clamp(0, 1) * 255)
        .round()
        .to(torch.uint8)
        .cpu()
        .contiguous()
        .numpy()
        for frame in video
    ]


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that memory ran out, on whatever device."""
    kind = library("torch").OutOfMemoryError
    return isinstance(error, kind) or "can't allocate memory" in str(error)
