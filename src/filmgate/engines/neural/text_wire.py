"""What workers and a shared text encoder say to each other; it opens no socket.

    worker → encoder   Question           one a connection
    encoder → worker   Answer, and as its body the tensors read, as safetensors

    "FGT1" │ header bytes, u32 │ body bytes, u64 │ header, JSON │ body

Both lengths are known, and bounded, before anything of that length is read.
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

import msgspec

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library
from filmgate.engines.neural.prompt_reader import READ

PREFIX = struct.Struct(">4sIQ")
MAGIC = b"FGT1"
HEADER_BYTES_MAX = 256 * 1024
BODY_BYTES_MAX = 2**30
"""1024 tokens of LTX-2 in float32 are three quarters of it."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text to read, and how the worker would have read it."""

    version: str
    """The worker's release."""
    weights: str
    """See `text_identity`."""
    dtype: str
    text: str
    tokens_max: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the question was taken."""

    refusal: str = ""
    """Why there is no body; empty: there is."""


Header = TypeVar("Header", Question, Answer)


def head_of(header: Question | Answer, *, body_bytes: int = 0) -> bytes:
    """Return all that comes before the body. Raises EngineFailed if it is too long to be taken."""
    text = msgspec.json.encode(header)
    prefix = PREFIX.pack(MAGIC, len(text), body_bytes)
    lengths_in(prefix)
    return prefix + text


def lengths_in(prefix: bytes, *, body_bytes_max: int = BODY_BYTES_MAX) -> tuple[int, int]:
    """Return how many bytes of header and body follow a prefix. Raises EngineFailed."""
    magic, header_bytes, body_bytes = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise EngineFailed("the text encoder's socket speaks another language")
    if header_bytes > HEADER_BYTES_MAX:
        raise EngineFailed(f"a header has at most {HEADER_BYTES_MAX} bytes, got {header_bytes}")
    if body_bytes > body_bytes_max:
        raise EngineFailed(f"a body has at most {body_bytes_max} bytes, got {body_bytes}")
    return header_bytes, body_bytes


def header_in(text: bytes, kind: type[Header]) -> Header:
    """Read a header. Raises EngineFailed."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise EngineFailed(f"the text encoder's socket brought no {kind.__name__}") from error


def body_of(read: dict[str, Any]) -> bytes:
    """Return tensors as a body.

    Without padding, which a mask tells from words: of LTX-2's 385 MB a prompt few are words.
    """
    mask = read.get(READ[1])
    if mask is not None:
        read = {**read, READ[0]: read[READ[0]][:, mask[0].bool()]}
    here = {name: tensor.cpu().contiguous() for name, tensor in read.items()}
    return library("safetensors.torch").save(here)


def tensors_in(body: bytes) -> dict[str, Any]:
    """Return the tensors of a body, zeros for padding, on the CPU. Raises EngineFailed.

    No model looks at padding: LTX-2's connectors put zeros and then learned registers there.
    """
    try:
        read: dict[str, Any] = library("safetensors.torch").load(body)
    except library("safetensors").SafetensorError as error:
        raise EngineFailed("the text encoder's socket brought no tensors") from error
    mask = read.get(READ[1])
    if mask is not None:
        texts = read[READ[0]]
        padded = texts.new_zeros(1, mask.shape[1], texts.shape[2])
        padded[:, mask[0].bool()] = texts
        read[READ[0]] = padded
    return read
