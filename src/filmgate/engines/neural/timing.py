"""How many frames a model makes, in how many takes, and how its rate becomes the promised one.

5 s at 24 fps   |------ 121 ------|                      120 are kept
10 s            |------ 121 ------|------ 121 ------|    241, of which 240 are kept

The second take begins on the last frame of the first; its rendering of that frame is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import cv2
import numpy as np

from filmgate.engines.neural.profile import Time

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEAM_S = 0.5
"""How long the light and colour of a take's end fade out of the next one."""
SEAM_BLUR_SHARE = 1 / 24
"""Of the frame's width. Only light and colour are carried over the seam, never detail."""


class Motion(StrEnum):
    """What stands between two frames of a model that makes fewer than are delivered."""

    REPEAT = "repeat"
    BLEND = "blend"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class Plan:
    """The takes of one film, each with its number of frames. `kept` of all frames are used."""

    takes: tuple[int, ...]
    kept: int


def plan(time: Time, *, duration_s: int, may_continue: bool) -> Plan:
    """Return the takes that give `duration_s` at the model's rate.

    One frame more than needed is made and dropped, because a model makes `k * step + 1`. Without
    a way to continue from a picture a longer film is one take, longer than the model was trained
    for.
    """
    kept = time.fps * duration_s
    longest = time.frames_max if may_continue else max(time.frames_max, kept + time.frames_step)
    takes, made = list[int](), 0
    while made < kept:
        missing = kept + 1 if not takes else kept - made + 1
        count = min(_on_step(missing, time.frames_step), _on_step(longest, time.frames_step))
        made += count if not takes else count - 1
        takes.append(count)
    return Plan(tuple(takes), kept)


def _on_step(count: int, step: int) -> int:
    return -(-(count - 1) // step) * step + 1


def continued(
    earlier: Sequence[NDArray[np.uint8]], later: Sequence[NDArray[np.uint8]], *, fps: int
) -> list[NDArray[np.uint8]]:
    """Join two takes, the later of which began on the last frame of the earlier.

    The later one's rendering of that frame differs a little in light and colour; the difference is
    laid over its first half second and fades, so that nothing jumps at the seam.
    """
    blur_px = max(1.0, later[0].shape[1] * SEAM_BLUR_SHARE)
    difference = earlier[-1].astype(np.float32) - later[0].astype(np.float32)
    drift = cv2.GaussianBlur(difference, (0, 0), blur_px)
    fading = max(1, round(SEAM_S * fps))
    joined = list(earlier)
    for index, frame in enumerate(later[1:], start=1):
        weight = np.float32(0.5 + 0.5 * np.cos(np.pi * min(index / fading, 1)))
        if weight > 0:
            frame = np.clip(np.rint(frame + weight * drift), 0, 255).astype(np.uint8)
        joined.append(frame)
    return joined


def at_rate(
    frames: Sequence[NDArray[np.uint8]], *, made_fps: int, fps: int, count: int, motion: Motion
) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` frames at `fps` that show the same seconds as `frames` do at `made_fps`.

    Speed never changes: frame i shows the moment i / fps.
    """
    last = len(frames) - 1
    flow_of: tuple[int, NDArray[np.float32]] | None = None
    for index in range(count):
        whole, rest = divmod(index * made_fps, fps)
        at, share = min(whole, last), rest / fps
        if share == 0 or at == last or motion is Motion.REPEAT:
            yield frames[at]
        elif motion is Motion.BLEND:
            yield _mixed(frames[at], frames[at + 1], share)
        else:
            if flow_of is None or flow_of[0] != at:
                flow_of = (at, _flow(frames[at], frames[at + 1]))
            yield _between(frames[at], frames[at + 1], flow_of[1], share)


def _mixed(earlier: NDArray[np.uint8], later: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    mixed = cv2.addWeighted(earlier, 1 - share, later, share, 0)
    return mixed.astype(np.uint8, copy=False)


def _flow(earlier: NDArray[np.uint8], later: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return where each pixel of the earlier frame goes: float32 [h, w, 2]."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = (cv2.cvtColor(earlier, cv2.COLOR_RGB2GRAY), cv2.cvtColor(later, cv2.COLOR_RGB2GRAY))
    blank = np.zeros((*earlier.shape[:2], 2), np.float32)
    return search.calc(grey[0], grey[1], blank).astype(np.float32, copy=False)


def _between(
    earlier: NDArray[np.uint8], later: NDArray[np.uint8], flow: NDArray[np.float32], share: float
) -> NDArray[np.uint8]:
    """Return the moment between two frames: both moved towards it and mixed."""
    height, width = flow.shape[:2]
    down, across = np.indices((height, width), np.float32)

    def moved(frame: NDArray[np.uint8], way: float) -> NDArray[np.uint8]:
        column = across + np.float32(way) * flow[..., 0]
        row = down + np.float32(way) * flow[..., 1]
        seen = cv2.remap(frame, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return seen.astype(np.uint8, copy=False)

    return _mixed(moved(earlier, -share), moved(later, 1 - share), share)
