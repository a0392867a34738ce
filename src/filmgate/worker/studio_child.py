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
from filmgate.ports.studio import (
    FilmFacts,
    FilmOrder,
    PictureFacts,
    Progress,
    ShowPreview,
    SoundFacts,
    Stage,
)
from filmgate.worker.wire import (
    AnimateOrder,
    AnimationTold,
    Answer,
    CropOrder,
    CropTold,
    FilmTold,
    MakeOrder,
    Order,
    PictureOrder,
    PictureTold,
    PreviewTold,
    Refused,
    SoundOrder,
    SoundTold,
    Told,
    WarmOrder,
    WarmTold,
    line_of,
    order_decoder,
)

_telling = threading.Lock()
"""Engines may tell from several threads; lines must not mix."""


class Workshop(Protocol):
    """What the child can do; bootstrap puts it together from engines and media."""

    def inspect_picture(self, path: str, param: str) -> PictureFacts:
        """Decode a picture."""
        ...

    def inspect_sound(self, path: str, param: str) -> SoundFacts:
        """Decode a sound file."""
        ...

    def prepare_picture(
        self, path: str, target: str, *, width_px: int, height_px: int, param: str
    ) -> None:
        """Write a picture anew, of just that size."""
        ...

    def make(self, order: FilmOrder, on_progress: Progress, on_preview: ShowPreview) -> FilmFacts:
        """Make a film. Both callbacks may be called from any thread."""
        ...

    def animate(self, film: str, target: str) -> int:
        """Draw a moving preview and return its size in bytes."""
        ...

    def warm(self) -> None:
        """Get the engines ready that are kept in memory."""
        ...

    def wait_warm(self) -> None:
        """Return once they are."""
        ...


def serve(workshop: Workshop) -> None:
    """Answer orders until the input ends."""
    # Libraries print to file descriptor 1 now and then; answers must stay alone in their pipe.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    source = os.fdopen(0, "rb", buffering=0)  # unbuffered: no lock to break when the child crashes
    reader = threading.Thread(target=_read_orders, args=(source, orders), daemon=True)
    reader.start()
    # Inputs are inspected meanwhile; the first film waits.
    threading.Thread(target=workshop.warm, daemon=True).start()
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
            case CropOrder(path=path, target=target):
                workshop.prepare_picture(
                    path,
                    target,
                    width_px=order.width_px,
                    height_px=order.height_px,
                    param=order.param,
                )
                return CropTold()
            case WarmOrder():
                workshop.wait_warm()
                return WarmTold()
            case MakeOrder():
                on_progress, on_preview = _teller(answers), _shower(answers)
                return FilmTold(facts=workshop.make(order.order, on_progress, on_preview))
            case AnimateOrder():
                return AnimationTold(size_bytes=workshop.animate(order.film, order.target))
    except InputRejected as error:
        return Refused(message=error.message, reason=error.reason, param=error.param)
    except EngineFailed as error:
        return Refused(message=error.message)
    except MemoryError:
        return Refused(message="more memory was needed than a studio may take")


def _teller(answers: IO[bytes]) -> Callable[[Stage, float], None]:
    last_percent = -1

    def on_progress(stage: Stage, share: float) -> None:
        nonlocal last_percent
        percent = int(share * 100)
        if percent != last_percent:
            last_percent = percent
            _tell(answers, Told(stage=stage, share=share))

    return on_progress


def _shower(answers: IO[bytes]) -> Callable[[bytes], None]:
    def on_preview(jpeg: bytes) -> None:
        _tell(answers, PreviewTold(jpeg=jpeg))

    return on_preview


def _tell(answers: IO[bytes], answer: Answer) -> None:
    with _telling:  # a preview is longer than what a pipe takes in one piece
        answers.write(line_of(answer))
        answers.flush()
