"""The words between a worker and its studio child: one JSON object a line, over pipes.

worker → child   {"type": "picture"|"sound"|"crop"|"film"|"shoot"|"animate"|"warm", ...}
child → worker   {"type": "progress"|"preview", ...}*  then one of {"type":
"picture_facts"|"sound_facts"|"cropped"|"film_facts"|"shot"|"animation_facts"|"warm_told"|"refused"}

worker → child   {"type": "stop"}  while an order is worked on: nobody wants it any more
child → worker   {"type": "stopped"}  unless it was done already
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


class CropOrder(msgspec.Struct, tag="crop", frozen=True, kw_only=True):
    """Write a picture anew, of just that size."""

    path: str
    target: str
    width_px: int
    height_px: int
    param: str


class MakeOrder(msgspec.Struct, tag="film", frozen=True, kw_only=True):
    """Make a film; with `rushes`, of the footage that was laid down in that folder."""

    order: FilmOrder
    rushes: str | None = None


class ShootOrder(msgspec.Struct, tag="shoot", frozen=True, kw_only=True):
    """Make a film's footage, and lay it down in an empty folder."""

    order: FilmOrder
    rushes: str


class StopOrder(msgspec.Struct, tag="stop", frozen=True, kw_only=True):
    """Leave what is being made."""


class StoppedTold(msgspec.Struct, tag="stopped", frozen=True, kw_only=True):
    """It was left."""


class AnimateOrder(msgspec.Struct, tag="animate", frozen=True, kw_only=True):
    """Draw a moving preview of a film that is made."""

    film: str
    target: str


class WarmOrder(msgspec.Struct, tag="warm", frozen=True, kw_only=True):
    """Say when the engines that are kept in memory are ready."""


class WarmTold(msgspec.Struct, tag="warm_told", frozen=True, kw_only=True):
    """They are, or say at each film why not."""


class Told(msgspec.Struct, tag="progress", frozen=True, kw_only=True):
    """How far a film is."""

    stage: Stage
    share: float


class PreviewTold(msgspec.Struct, tag="preview", frozen=True, kw_only=True):
    """What a film in the making looks like; the bytes cross the pipe as base64."""

    jpeg: bytes


class PictureTold(msgspec.Struct, tag="picture_facts", frozen=True, kw_only=True):
    """A picture's facts."""

    facts: PictureFacts


class SoundTold(msgspec.Struct, tag="sound_facts", frozen=True, kw_only=True):
    """A sound's facts."""

    facts: SoundFacts


class CropTold(msgspec.Struct, tag="cropped", frozen=True, kw_only=True):
    """The picture lies there."""


class FilmTold(msgspec.Struct, tag="film_facts", frozen=True, kw_only=True):
    """A film's facts."""

    facts: FilmFacts


class ShotTold(msgspec.Struct, tag="shot", frozen=True, kw_only=True):
    """The footage lies there."""


class AnimationTold(msgspec.Struct, tag="animation_facts", frozen=True, kw_only=True):
    """A moving preview's facts."""

    size_bytes: int


class Refused(msgspec.Struct, tag="refused", frozen=True, kw_only=True):
    """The order cannot be done.

    `reason` is set when an input breaks a rule; else the engine failed.
    """

    message: str
    reason: str | None = None
    param: str | None = None


Order = PictureOrder | SoundOrder | CropOrder | MakeOrder | ShootOrder | AnimateOrder | WarmOrder
Answer = (
    Told
    | PreviewTold
    | PictureTold
    | SoundTold
    | CropTold
    | FilmTold
    | ShotTold
    | AnimationTold
    | WarmTold
    | StoppedTold
    | Refused
)


def _say_path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} does not cross the pipe")


def _read_path(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} does not cross the pipe")


_encoder = msgspec.json.Encoder(enc_hook=_say_path)
order_decoder: msgspec.json.Decoder[Order | StopOrder] = msgspec.json.Decoder(
    Order | StopOrder, dec_hook=_read_path
)
answer_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer, dec_hook=_read_path)


def line_of(message: Order | StopOrder | Answer) -> bytes:
    """Return a message as it goes through the pipe."""
    return _encoder.encode(message) + b"\n"
