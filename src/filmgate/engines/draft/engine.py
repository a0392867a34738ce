"""The draft engine: understands a brief, paints its scene once, films it on two threads.

It encodes nothing.

brief -> words -> Look -> Scene (or Still, for a picture to start from)
                    |        | frame(t, pose)
                 camera -----+--> Picture -> Air -> Grade -> planes
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import cv2

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.engines.draft.camera import pose_at, roll_max
from filmgate.engines.draft.grade import Grade
from filmgate.engines.draft.look import Look, Picture, Scene
from filmgate.engines.draft.noise import Bytes, Floats
from filmgate.engines.draft.scenes import scene_for
from filmgate.engines.draft.sound import ambience
from filmgate.engines.draft.still import Still
from filmgate.engines.draft.weather import Air
from filmgate.engines.draft.words import understand
from filmgate.ports.engine import Brief, Observer, PixelFormat, Source

_THREADS = 2
_AHEAD = 4
"""Frames in the making at most: what bounds the memory when the reader is slow."""


class DraftEngine:
    """Procedural footage on the CPU: always there, needs no weights and no network."""

    name = "draft"
    version = __version__
    source = Source.ALGORITHMIC

    def make(self, brief: Brief, observer: Observer) -> DraftFootage:  # noqa: ARG002 - frames tell
        """Begin. See `filmgate.ports.engine.Engine`."""
        cv2.setNumThreads(1)  # the threads are ours: OpenCV's own would fight them for the cores
        look = understand(brief.prompt, brief.negative_prompt, brief.seed, brief.duration_s)
        return DraftFootage(brief, look)


class DraftFootage:
    """The footage of one brief; see `filmgate.ports.engine.Footage`."""

    pixel_format = PixelFormat.YUV420P

    def __init__(self, brief: Brief, look: Look) -> None:
        self._brief, self._look = brief, look
        self._inner_px = inner_size(brief.width_px, brief.height_px)

    def frames(self) -> Iterator[Bytes]:
        """Yield the frames in order while up to four more are drawn; closing ends the drawing."""
        brief, look = self._brief, self._look
        scene = self._scene()
        air = Air(look, *self._inner_px)
        grade = Grade(
            (brief.width_px, brief.height_px), self._inner_px,
            seed=look.seed, roll_max=roll_max(look.moves), has_grain="grain" not in look.without,
        )  # fmt: skip

        def draw(index: int) -> Bytes:
            t_s = index / brief.fps
            pose = pose_at(look.moves, t_s, look.duration_s, look.seed)
            picture = scene.frame(t_s * look.tempo, pose)
            seen = Picture(air.over(picture.image, t_s * look.tempo, pose), picture.glow)
            return grade.planes(seen, pose.roll, index)

        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="draft")
        try:
            ahead: deque[Future[Bytes]] = deque()
            for index in range(brief.frame_count):
                ahead.append(pool.submit(draw, index))
                if len(ahead) == _AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def sound(self) -> Floats:
        """Return the scene's ambience, float32 [2, sample_count]."""
        return ambience(self._look, self._brief.duration_s, self._look.seed)

    def _scene(self) -> Scene:
        path = self._brief.image_path
        if path is None:
            return scene_for(self._look, *self._inner_px)
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise EngineFailed("the start image must be a readable picture, and it is not")
        return Still(image, self._look, *self._inner_px)  # type: ignore[arg-type]


def inner_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the size to paint at: smaller than the delivered one, for speed; multiples of 4."""
    pixels = width_px * height_px
    share = 1.0 if pixels <= 500_000 else 0.65 if pixels <= 1_000_000 else 0.6
    return round(width_px * share / 4) * 4, round(height_px * share / 4) * 4
