"""What the draft engine understood of a prompt: the nouns the scenes are painted from. No drawing
here.

    prompt, negative prompt, seed --words.py--> Look --camera.py--> Pose at every moment
    --scenes/--> a picture
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SceneName(StrEnum):
    """The scenes the draft engine can paint."""

    HIGHWAY = "highway"
    CITY = "city"
    MEADOW = "meadow"
    DANCER = "dancer"
    MOOD = "mood"


class TimeOfDay(StrEnum):
    """Where the sun stands."""

    DAWN = "dawn"
    DAY = "day"
    SUNSET = "sunset"
    NIGHT = "night"


class Weather(StrEnum):
    """What falls from the sky or hangs in the air."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"


class Move(StrEnum):
    """The twelve camera moves, in the words of film crews."""

    STATIC = "static"
    PUSH_IN = "push in"
    PULL_OUT = "pull out"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"
    ORBIT = "orbit"
    CRANE = "crane"
    TRACKING = "tracking"
    ZOOM = "zoom"
    HANDHELD = "handheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A prompt, understood."""

    scene: SceneName
    time: TimeOfDay
    weather: Weather
    moves: tuple[Move, ...]
    without: frozenset[str]
    """Things that the negative prompt, or 'no …'/'without …' in the prompt, took out: 'cars',
    'people', 'clouds', 'rain', 'trees', 'poles', 'birds', 'neon', 'grain', 'stars', 'flowers',
    'cat', … (plural nouns, lower case, as words.py normalises them).
    """
    words: frozenset[str]
    """All words of the prompt, lower case: a scene may look for details it knows ('red',
    'cyberpunk', 'kitten').
    """
    seed: int
    duration_s: int
    tempo: float = 1.0
    """How fast things move: 0.4 for 'slow motion', 3 for 'timelapse', else 1."""


@dataclass(frozen=True, slots=True)
class Pose:
    """The camera at one moment, relative to the scene's own framing. Lengths in frame heights,
    angles in radians.

    A scene moves each of its layers by (x, y) times that layer's nearness (0 at infinity, 1 at the
    subject's depth) and magnifies by `zoom` (the whole picture) and `dolly` (near layers more than
    far ones).
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    dolly: float = 0.0
    """-1..1; 0.2 means the camera has come a fifth of the way to the subject."""
    roll: float = 0.0
    """Applied to the finished picture by the grade, not by scenes."""
    pan: float = 0.0
    """Turning to the right, in frame heights at infinity: moves all layers alike to the left."""
    tilt: float = 0.0
    """Turning upwards, in frame heights at infinity: moves all layers alike downwards."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One painted frame before the grade."""

    image: NDArray[np.uint8]
    """BGR uint8 [height, width, 3], display-referred."""
    glow: NDArray[np.uint8] | None = None
    """Light sources alone, BGR uint8 [height // 4, width // 4, 3], for the bloom; None: only
    the image's own highlights.
    """


class Scene(Protocol):
    """A place that can be filmed. Painted once in its constructor `(look, width_px, height_px)`,
    then animated.

    `frame` is called from two threads at once and out of order: it changes nothing in the scene,
    draws nothing from a shared random generator, and depends on (t_s, pose) alone. Every pixel of
    the picture is written on each call.
    """

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint the moment `t_s` (seconds of scene time; tempo already applied) as seen
        from `pose`.
        """
        ...
