"""Has prompts read by a text encoder that several workers share: the worker's end of the socket."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.prompt_reader import OwnReader, PromptReader
from filmgate.engines.neural.text_identity import text_identity
from filmgate.engines.neural.text_wire import (
    PREFIX,
    Answer,
    Question,
    head_of,
    header_in,
    lengths_in,
    tensors_in,
)

CONNECT_S = 5.0
ABSENT_S = 120.0
"""How long it may be away: as long as loading its weights takes."""
LOOK_EVERY_S = 0.5
ANSWER_S = 300.0
"""Others may be before us, and a CPU may read."""


class SharedReader:
    """See PromptReader. `weights` and `dtype` say how this worker's own encoder would read."""

    def __init__(self, path: Path, *, weights: str, dtype: str) -> None:
        self._path, self._weights, self._dtype = path, weights, dtype

    def read(self, pipeline: Any, text: str, *, tokens_max: int) -> dict[str, Any]:
        """See PromptReader."""
        question = Question(
            version=__version__,
            weights=self._weights,
            dtype=self._dtype,
            text=text,
            tokens_max=tokens_max,
        )
        there = pipeline._execution_device
        read = tensors_in(ask(self._path, question))
        return {name: tensor.to(there) for name, tensor in read.items()}


def reader_for(levers: Levers, *, engine: str, folder: Path) -> PromptReader:
    """Return who reads prompts for the weights in a folder, as settled levers want it."""
    if not levers.text_encoder_socket:
        return OwnReader(on_cpu=levers.text_encoder_on_cpu)
    path = Path(levers.text_encoder_socket).expanduser()
    return SharedReader(path, weights=text_identity(engine, folder), dtype=levers.dtype)


def ask(path: Path, question: Question) -> bytes:
    """Return the body of the answer to a question. Raises EngineFailed."""
    head = head_of(question)
    with socket.socket(socket.AF_UNIX) as line:
        _connect_in_time(line, path)
        line.settimeout(ANSWER_S)
        try:
            line.sendall(head)
            header_bytes, body_bytes = lengths_in(_received(line, PREFIX.size))
            answer = header_in(_received(line, header_bytes), Answer)
            body = _received(line, body_bytes)
        except TimeoutError as error:
            raise EngineFailed(f"the text encoder said nothing for {ANSWER_S:.0f} s") from error
        except OSError as error:
            raise EngineFailed("the text encoder ended before it answered") from error
    if answer.refusal:
        raise EngineFailed(answer.refusal)
    return body


def is_listening(path: Path) -> bool:
    """Whether somebody listens at a socket."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            _connect(line, path)
        except EngineFailed:
            return False
    return True


def _connect_in_time(line: socket.socket, path: Path) -> None:
    """Connect, also if the text encoder is just being started again: no film fails for that."""
    give_up_s = time.monotonic() + ABSENT_S
    while True:
        try:
            return _connect(line, path)
        except EngineFailed:
            if time.monotonic() >= give_up_s:
                raise
            time.sleep(LOOK_EVERY_S)


def _connect(line: socket.socket, path: Path) -> None:
    line.settimeout(CONNECT_S)
    try:
        line.connect(str(path))
    except OSError as error:
        raise EngineFailed(
            "nobody listens at neural_text_encoder_socket; start `filmgate text-encoder`"
        ) from error


def _received(line: socket.socket, count: int) -> bytes:
    """Return just so many bytes. Raises OSError."""
    taken = bytearray(count)
    rest = memoryview(taken)
    while rest:
        got = line.recv_into(rest)
        if not got:
            raise ConnectionResetError
        rest = rest[got:]
    return bytes(taken)
