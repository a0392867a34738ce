"""What the verbs need of the room where films are made: a child process that decodes, draws and
encodes.

Users' files are only ever decoded there. The child may die at any moment; every call then raises
EngineCrashed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Stage(StrEnum):
    """The steps of making, in their order; what the progress bar shows."""

    QUEUE = "queue"
    INPUTS = "inputs"
    REWRITE = "rewrite"
    MAKE = "make"
    FINISH = "finish"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """A picture that was decoded. Sizes are upright (EXIF orientation applied)."""

    width_px: int
    height_px: int
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """A sound file that was decoded to its end (or to the limit)."""

    duration_s: float
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a film's provenance is signed with: two PEM files on this machine."""

    certificate: Path
    """The signer's certificate first, then those that lead to its authority."""
    key: Path
    algorithm: str
    """As C2PA names it, such as es256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrder:
    """Everything the studio needs to make one film."""

    engine: str
    """An engine by name; with `footage_path`, the name of who made that."""
    prompt: str
    negative_prompt: str
    width_px: int
    height_px: int
    fps: int
    duration_s: int
    seed: int
    image_path: Path | None
    """The caller's picture as it was fetched; the studio turns, converts, scales and crops it."""
    sound_path: Path | None
    """The caller's sound as it was fetched; it replaces the engine's."""
    has_watermark: bool
    metadata: dict[str, str]
    """Written into the file: engine, seed, task, model."""
    target: Path
    credential: Credential | None = None
    """None: the film carries no signed provenance."""
    footage_path: Path | None = None
    """A film made elsewhere, to be brought to this size, length and form; None: the engine makes
    it.
    """
    footage_source: str = ""
    """Its digital source type: ports/engine.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A JPEG made of the film, beside it."""

    name: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFacts:
    """A film that lies complete at `FilmOrder.target`."""

    size_bytes: int
    engine: str
    engine_version: str
    source: str
    stills: tuple[Still, ...] = ()
    """A thumbnail and a sprite sheet, named as domain/asset.py names them."""


Progress = Callable[[Stage, float], None]
"""Called with the stage and its share done, 0..1. Never blocks."""

ShowPreview = Callable[[bytes], None]
"""Called now and then with a small JPEG of how far the film is. Never blocks."""


class Studio(Protocol):
    """Decodes, draws and encodes, away from the event loop."""

    async def inspect_picture(self, path: Path, *, param: str) -> PictureFacts:
        """Decode a picture. Raises InputRejected with the rule it breaks."""
        ...

    async def inspect_sound(self, path: Path, *, param: str) -> SoundFacts:
        """Decode a sound file. Raises InputRejected with the rule it breaks."""
        ...

    async def prepare_picture(
        self, path: Path, target: Path, *, width_px: int, height_px: int, param: str
    ) -> None:
        """Turn, convert, scale and crop a picture to that size, as a PNG. Raises InputRejected."""
        ...

    async def make(
        self, order: FilmOrder, on_progress: Progress, on_preview: ShowPreview
    ) -> FilmFacts:
        """Make the film. Cancelling this call returns at once; what worked for it stops within a
        frame or a sampling step, or is killed.

        A word of Stage.FINISH says that the engine is free: from then on the studio can begin
        another film beside this one.

        Raises InputRejected, EngineFailed, EngineCrashed.
        """
        ...

    async def close(self) -> None:
        """End the child."""
        ...


class Seat(Protocol):
    """An attempt's right to a studio."""

    @property
    def studio(self) -> Studio:
        """The studio, while it isn't lent."""
        ...

    def lent(self) -> AbstractAsyncContextManager[None]:
        """Give the studio to others for as long as this lasts, and wait for one at its end."""
        ...

    def leave(self) -> None:
        """Give the studio to others for good. Does nothing if it is not held."""
        ...


class Animator(Protocol):
    """Draws moving previews of films that are made, away from the event loop."""

    async def animate(self, film: Path, target: Path) -> int:
        """Write the film's beginning as a small moving picture and return its size in bytes.

        The target's suffix, .webp or .gif, names its format. Raises EngineFailed, EngineCrashed.
        """
        ...

    async def close(self) -> None:
        """End the child."""
        ...
