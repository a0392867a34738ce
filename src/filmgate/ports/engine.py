"""What an engine promises: frames and sound for one brief. It runs in a child process,
synchronously.

    Brief, Observer -> Engine.make -> Footage -> frames(), one at a time, in order
                                              -> sound(), once

An engine knows nothing of tasks, credits, files to deliver or encoders. The contract is proved for
every engine by `filmgate.testing.engine_contract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SOUND_RATE_HZ = 48_000


class Source(StrEnum):
    """Where pictures come from, in the words of IPTC's digital source types (used by C2PA)."""

    ALGORITHMIC = "algorithmicMedia"
    TRAINED = "trainedAlgorithmicMedia"


class PixelFormat(StrEnum):
    """How a frame's array is to be read."""

    YUV420P = "yuv420p"
    """uint8 [height * 3 / 2, width], planes Y, U, V one after another, BT.709 limited range."""
    RGB24 = "rgb24"
    """uint8 [height, width, 3], sRGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What to make. Everything an engine may know of a task."""

    prompt: str
    negative_prompt: str
    width_px: int
    height_px: int
    fps: int
    duration_s: int
    seed: int
    image_path: Path | None = None
    """A checked, upright sRGB picture already cropped to width x height; None for text-to-video."""

    @property
    def frame_count(self) -> int:
        """The exact number of frames to deliver."""
        return self.fps * self.duration_s

    @property
    def sample_count(self) -> int:
        """The exact number of sound samples of the delivered film, at 48 kHz."""
        return SOUND_RATE_HZ * self.duration_s


class Unwanted(Exception):
    """Raised by an observer: nobody wants the film any more.

    An engine lets it pass, and is as ready for the next brief as if it had not begun.
    """


class Observer(Protocol):
    """Hears how an engine gets on. Both calls return at once and may come from any thread.

    Both may raise Unwanted, so an engine tells at least once a sampling step.
    """

    def progress(self, share: float) -> None:
        """Tell the share of the making that is done, 0..1.

        An engine that draws each frame while it is read need not tell: its frames are counted.
        """
        ...

    def preview(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture of how far it is: uint8 [height, width, 3], sRGB, of any size.

        Only for what its frames do not show while they are read, such as half-denoised latents.
        """
        ...


class Unobserved:
    """An observer that looks away."""

    def progress(self, share: float) -> None:
        """See Observer."""

    def preview(self, picture: NDArray[np.uint8]) -> None:
        """See Observer."""


class Footage(Protocol):
    """What an engine made, or is making: the frames are drawn while they are read."""

    pixel_format: PixelFormat

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield exactly `brief.frame_count` frames of the brief's size, in order.

        To be called once.
        """
        ...

    def sound(self) -> NDArray[np.float32] | None:
        """Return float32 [2, brief.sample_count] at 48 kHz within -1..1, or None if the engine has
        no sound.

        May be called from another thread while the frames are read.
        """
        ...


class Engine(Protocol):
    """Makes footage. One instance serves many briefs, one after another.

    A class with a method `configured(settings)` is made by it: it is given all settings by name.
    """

    name: str
    version: str
    source: Source

    def make(self, brief: Brief, observer: Observer) -> Footage:
        """Begin. The observer hears of the work until the footage is read to its end.

        The same brief gives the same arrays on the same machine and release.

        Raises EngineFailed (domain/errors.py) when the brief cannot be made.
        """
        ...


@runtime_checkable
class Resident(Engine, Protocol):
    """An engine that keeps something large in memory from film to film.

    Its footage is finished in another process, while the next film is made:

        make -> lay_down(footage, folder)        pick_up(folder, brief) -> frames(), sound()
        the process that holds the models        one that holds none
    """

    def warm(self) -> None:
        """Get ready ahead of the first film: load and try what it keeps. May take minutes.

        Raises EngineFailed.
        """
        ...

    def lay_down(self, footage: Footage, folder: Path) -> None:
        """Write what `make` gave into an empty folder.

        Raises EngineFailed when there is no room for it.
        """
        ...

    def pick_up(self, folder: Path, brief: Brief) -> Footage:
        """Return the footage that lies in a folder. Loads nothing; `version` becomes its maker's.

        Raises EngineFailed when it is not whole.
        """
        ...
