"""The studio child: reads orders from its input, decodes, draws and encodes, and answers on its
output.

It ends when its input ends, also in the middle of a film: a child never outlives its worker.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from typing import IO, Protocol

from filmgate.domain.errors import EngineFailed, InputRejected
from filmgate.ports.studio import FilmFacts, FilmOrder, PictureFacts, Progress, SoundFacts, Stage
from filmgate.worker.wire import (
    Answer,
    FilmTold,
    MakeOrder,
    Order,
    PictureOrder,
    PictureTold,
    Refused,
    SoundOrder,
    SoundTold,
    Told,
    line_of,
    order_decoder,
)


class Workshop(Protocol):
    """What the child can do; bootstrap puts it together from engines and media."""

    def inspect_picture(self, path: str, param: str) -> PictureFacts:
        """Decode a picture."""
        ...

    def inspect_sound(self, path: str, param: str) -> SoundFacts:
        """Decode a sound file."""
        ...

    def make(self, order: FilmOrder, on_progress: Progress) -> FilmFacts:
        """Make a film."""
        ...


def serve(workshop: Workshop) -> None:
    """Answer orders until the input ends."""
    # Libraries print to file descriptor 1 now and then; answers must stay alone in their pipe.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    source = os.fdopen(0, "rb", buffering=0)  # unbuffered: no lock to break when the child crashes
    reader = threading.Thread(target=_read_orders, args=(source, orders), daemon=True)
    reader.start()
    while True:
        _tell(answers, _answer(orders.get(), workshop, answers))


def _read_orders(source: IO[bytes], orders: queue.SimpleQueue[Order]) -> None:
    for line in source:
        orders.put(order_decoder.decode(line))
    os._exit(0)  # the worker is gone: nothing may go on


def _answer(order: Order, workshop: Workshop, answers: IO[bytes]) -> Answer:
    try:
        match order:
            case PictureOrder():
                return PictureTold(facts=workshop.inspect_picture(order.path, order.param))
            case SoundOrder():
                return SoundTold(facts=workshop.inspect_sound(order.path, order.param))
            case MakeOrder():
                on_progress = _teller(answers)
                return FilmTold(facts=workshop.make(order.order, on_progress))
    except InputRejected as error:
        return Refused(message=error.message, reason=error.reason, param=error.param)
    except EngineFailed as error:
        return Refused(message=error.message)


def _teller(answers: IO[bytes]) -> Callable[[Stage, float], None]:
    last_percent = -1

    def on_progress(stage: Stage, share: float) -> None:
        nonlocal last_percent
        percent = int(share * 100)
        if percent != last_percent:
            last_percent = percent
            _tell(answers, Told(stage=stage, share=share))

    return on_progress


def _tell(answers: IO[bytes], answer: Answer) -> None:
    answers.write(line_of(answer))
