"""What a model made, as footage: in memory, or laid down in a folder for another process. It needs
no torch.

    frames.npy    uint8 [n, height, width, 3], as the model made them: its size, its rate
    sound.npy     float32 [2, samples] at 48 kHz, where the model makes sound
    rushes.json   its rate, and what else the finishing has to know; written last
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.framing import fitted
from filmgate.engines.neural.timing import Motion, at_rate
from filmgate.ports.engine import Brief, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAMES, SOUND, FACTS = "frames.npy", "sound.npy", "rushes.json"


class Rushes(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with the frames and the sound."""

    made_fps: int
    motion: Motion
    version: str
    """Of the engine, with its model."""


class NeuralFootage:
    """See `filmgate.ports.engine.Footage`. All frames are made; they are fitted while read."""

    pixel_format = PixelFormat.RGB24

    def __init__(
        self,
        brief: Brief,
        frames: Sequence[NDArray[np.uint8]],
        sound: NDArray[np.float32] | None,
        made: Rushes,
    ) -> None:
        self._brief, self._frames, self._sound = brief, frames, sound
        self.made = made

    @classmethod
    def picked_up(cls, folder: Path, brief: Brief) -> Self:
        """Return what was laid down there. Raises EngineFailed when it is not whole."""
        try:
            made = msgspec.json.decode((folder / FACTS).read_bytes(), type=Rushes)
            frames = list(np.load(folder / FRAMES, mmap_mode="r"))
            has_sound = (folder / SOUND).is_file()
            sound = np.load(folder / SOUND) if has_sound else None
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise EngineFailed("the footage that was laid down cannot be read") from error
        return cls(brief, frames, sound, made)

    def lay_down(self, folder: Path) -> None:
        """Write it into an empty folder. Raises EngineFailed when it cannot be written."""
        try:
            with (folder / FRAMES).open("wb") as file:  # not mapped: a full disk would kill us
                shape = (len(self._frames), *self._frames[0].shape)
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for frame in self._frames:
                    file.write(np.ascontiguousarray(frame).data)
            if self._sound is not None:
                np.save(folder / SOUND, self._sound)
            (folder / FACTS).write_bytes(msgspec.json.encode(self.made))
        except OSError as error:
            raise EngineFailed(f"the footage cannot be laid down: {error.strerror}") from error

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames at the promised rate and size."""
        brief, made = self._brief, self.made
        paced = at_rate(
            self._frames,
            made_fps=made.made_fps,
            fps=brief.fps,
            count=brief.frame_count,
            motion=made.motion,
        )
        for frame in paced:
            yield fitted(frame, brief.width_px, brief.height_px)

    def sound(self) -> NDArray[np.float32] | None:
        """Return the model's own sound, cut or filled with silence to the film's length."""
        if self._sound is None:
            return None
        track = np.zeros((2, self._brief.sample_count), np.float32)
        length = min(track.shape[1], self._sound.shape[1])
        track[:, :length] = np.clip(self._sound[:, :length], -1, 1)
        return track
