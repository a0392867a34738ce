"""A text encoder that several workers share: holds its weights once, and answers their questions.

    connection → question → refused? → its turn → asker still there? → kept, or read now → answer

Texts are read one after another, by one thread. What was read last is kept: negative prompts are
nearly always the same.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from filmgate import __version__
from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.library import library
from filmgate.engines.neural.options import Options
from filmgate.engines.neural.prompt_reader import OwnReader
from filmgate.engines.neural.shot import is_out_of_memory
from filmgate.engines.neural.text_identity import text_identity
from filmgate.engines.neural.text_wire import (
    PREFIX,
    Answer,
    Question,
    body_of,
    head_of,
    header_in,
    lengths_in,
)
from filmgate.engines.neural.weights import INDEX, find_weights, read_json

if TYPE_CHECKING:
    import socket

log = structlog.get_logger()

WAITING_MAX = 64
TOKENS_MAX = 4096
QUESTION_S = 10.0
TAKING_S = 60.0
"""How long an asker may take to take an answer."""
PIECE_BYTES = 2**20
KEPT_BYTES_MAX = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A pipeline of which nothing is loaded but what reads prompts."""

    weights: str
    """See `text_identity`."""
    dtype: str
    pipeline: Any

    def body(self, question: Question) -> bytes:
        """Read a text. Raises EngineFailed."""
        try:
            read = OwnReader().read(self.pipeline, question.text, tokens_max=question.tokens_max)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise EngineFailed("the text encoder's memory ran out") from error
        return body_of(read)


def load_encoders(engine: str, options: Options) -> list[Encoder]:
    """Load what reads prompts of an engine's weights, once where several read alike.

    Raises EngineFailed.
    """
    folders = [find_weights(source).folder for source in options.sources.values() if source]
    distinct = {text_identity(engine, folder): folder for folder in folders}
    levers = options.levers.settled()
    return [
        Encoder(
            weights=weights,
            dtype=levers.dtype,
            pipeline=_text_parts(folder, levers),
        )
        for weights, folder in distinct.items()
    ]


def _text_parts(folder: Path, levers: Levers) -> Any:
    """Return a pipeline of its text encoder and tokenizer; no other part is read."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # as in workers: equal bits
    library("transformers.utils.logging").disable_progress_bar()
    index = read_json(folder / INDEX)
    parts = dict.fromkeys(name for name, value in index.items() if isinstance(value, list))
    # Not DiffusionPipeline.from_pretrained: it loads a transformer even where None is given.
    try:
        for name, options in {"tokenizer": {}, "text_encoder": {"dtype": levers.dtype}}.items():
            home, kind = index[name]
            parts[name] = getattr(library(home), kind).from_pretrained(
                folder, subfolder=name, local_files_only=True, **options
            )
        pipeline = getattr(library("diffusers"), index["_class_name"])(**parts)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise EngineFailed("the weights cannot be loaded; `filmgate models check`") from error
    device = "cpu" if levers.text_encoder_on_cpu else levers.device
    pipeline.text_encoder.to(device)
    log.info("text.loaded", weights=folder.name, device=device, dtype=levers.dtype)
    return pipeline


class Kept:
    """The bodies read last, of so many bytes in all."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bodies: OrderedDict[Question, bytes] = OrderedDict()
        self._size_bytes = 0

    def get(self, question: Question) -> bytes | None:
        """Return the body for a question, if it is here."""
        if question in self._bodies:
            self._bodies.move_to_end(question)
        return self._bodies.get(question)

    def keep(self, question: Question, body: bytes) -> None:
        """Keep a new body; those longest unused leave for it."""
        self._bodies[question] = body
        self._size_bytes += len(body)
        while self._size_bytes > self._bytes_max:
            _, oldest = self._bodies.popitem(last=False)
            self._size_bytes -= len(oldest)


class TextServer:
    """Answers questions with the encoders it is given."""

    def __init__(
        self, encoders: Iterable[Encoder], *, kept_bytes_max: int = KEPT_BYTES_MAX
    ) -> None:
        self._encoders = {encoder.weights: encoder for encoder in encoders}
        self._kept = Kept(kept_bytes_max)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="text")
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Answer whoever connects until told to stop, once."""
        with self._thread:
            server = await asyncio.start_unix_server(self._answer, sock=listener)
            await stop.wait()
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, body = await self._answered(reader)
            async with asyncio.timeout(TAKING_S):
                writer.write(head)
                for start in range(0, len(body), PIECE_BYTES):
                    writer.write(body[start : start + PIECE_BYTES])
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError):  # gone, or too slow
            log.info("text.unanswered")
        finally:
            writer.transport.abort()

    async def _answered(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
        try:
            async with asyncio.timeout(QUESTION_S):
                question = await _question(reader)
            self._check(question)
            body = await self._body(question, reader)
            return head_of(Answer(), body_bytes=len(body)), body
        except EngineFailed as refused:
            log.warning("text.refused", reason=refused.message)
            return head_of(Answer(refusal=refused.message)), b""

    def _check(self, question: Question) -> None:
        """Raises EngineFailed if the worker's own encoder would read otherwise."""
        if question.version != __version__:
            raise EngineFailed(
                f"the text encoder is filmgate {__version__}, this worker {question.version}"
            )
        encoder = self._encoders.get(question.weights)
        if encoder is None:
            raise EngineFailed(
                "the text encoder was started for other weights; wan_model, wan_image_model and"
                " ltx2_model must be its workers'"
            )
        if question.dtype != encoder.dtype:
            raise EngineFailed(
                f"the text encoder computes with {encoder.dtype}, this worker with"
                f" {question.dtype}; neural_dtype decides"
            )
        if not 1 <= question.tokens_max <= TOKENS_MAX:
            raise EngineFailed(
                f"tokens_max must be within 1 and {TOKENS_MAX}, got {question.tokens_max}"
            )
        if self._waiting >= WAITING_MAX:
            raise EngineFailed(f"{WAITING_MAX} prompts wait for the text encoder already")

    async def _body(self, question: Question, reader: asyncio.StreamReader) -> bytes:
        self._waiting += 1
        try:
            async with self._turn:
                if reader.at_eof():
                    raise ConnectionResetError
                body = self._kept.get(question)
                if body is None:
                    read = self._encoders[question.weights].body
                    loop = asyncio.get_running_loop()
                    body = await loop.run_in_executor(self._thread, read, question)
                    self._kept.keep(question, body)
                return body
        finally:
            self._waiting -= 1


async def _question(reader: asyncio.StreamReader) -> Question:
    prefix = await reader.readexactly(PREFIX.size)
    header_bytes, _ = lengths_in(prefix, body_bytes_max=0)
    return header_in(await reader.readexactly(header_bytes), Question)
