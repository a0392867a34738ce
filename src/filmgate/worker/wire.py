"""The words between a worker and its studio child: one JSON object a line, over pipes.

worker → child   {"type": "picture"|"sound"|"film", ...}
child → worker   {"type": "progress", ...}*  then one of {"type":
"picture_facts"|"sound_facts"|"film_facts"|"refused"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from filmgate.ports.studio import FilmFacts, FilmOrder, PictureFacts, SoundFacts, Stage

LINE_BYTES_MAX = 2**20


class PictureOrder(msgspec.Struct, tag="picture", frozen=True, kw_only=True):
    """Decode a picture."""

    path: str
    param: str


class SoundOrder(msgspec.Struct, tag="sound", frozen=True, kw_only=True):
    """Decode a sound file."""

    path: str
    param: str


class MakeOrder(msgspec.Struct, tag="film", frozen=True, kw_only=True):
    """Make a film."""

    order: FilmOrder


class Told(msgspec.Struct, tag="progress", frozen=True, kw_only=True):
    """How far a film is."""

    stage: Stage
    share: float


class PictureTold(msgspec.Struct, tag="picture_facts", frozen=True, kw_only=True):
    """A picture's facts."""

    facts: PictureFacts


class SoundTold(msgspec.Struct, tag="sound_facts", frozen=True, kw_only=True):
    """A sound's facts."""

    facts: SoundFacts


class FilmTold(msgspec.Struct, tag="film_facts", frozen=True, kw_only=True):
    """A film's facts."""

    facts: FilmFacts


class Refused(msgspec.Struct, tag="refused", frozen=True, kw_only=True):
    """The order cannot be done.

    `reason` is set when an input breaks a rule; else the engine failed.
    """

    message: str
    reason: str | None = None
    param: str | None = None


Order = PictureOrder | SoundOrder | MakeOrder
Answer = Told | PictureTold | SoundTold | FilmTold | Refused


def _say_path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} does not cross the pipe")


def _read_path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} does not cross the pipe")


_encoder = msgspec.json.Encoder(enc_hook=_say_path)
order_decoder: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order, dec_hook=_read_path)
answer_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer, dec_hook=_read_path)


def line_of(message: Order | Answer) -> bytes:
    """Return a message as it goes through the pipe."""
    return _encoder.encode(message) + b"\n"
