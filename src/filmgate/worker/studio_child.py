"""The studio child: reads orders from its input, decodes, draws and encodes, and answers on its
output.

It ends when its input ends, also in the middle of a film: a child never outlives its worker.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import IO, Protocol

from filmgate.domain.errors import EngineFailed, InputRejected
from filmgate.ports.engine import Unwanted
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
    ShootOrder,
    ShotTold,
    SoundOrder,
    SoundTold,
    StopOrder,
    StoppedTold,
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

    def make(
        self,
        order: FilmOrder,
        on_progress: Progress,
        on_preview: ShowPreview,
        *,
        rushes: str | None,
    ) -> FilmFacts:
        """Make a film, of footage that was laid down if `rushes` names its folder.

        Both callbacks may be called from any thread; the first may raise Unwanted.
        """
        ...

    def shoot(
        self, order: FilmOrder, rushes: str, on_progress: Progress, on_preview: ShowPreview
    ) -> None:
        """Make a film's footage and lay it down in a folder. As `make`."""
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
    unwanted = threading.Event()
    source = os.fdopen(0, "rb", buffering=0)  # unbuffered: no lock to break when the child crashes
    reader = threading.Thread(target=_read_orders, args=(source, orders, unwanted), daemon=True)
    reader.start()
    # Inputs are inspected meanwhile; the first film waits.
    threading.Thread(target=workshop.warm, daemon=True).start()
    while True:
        _tell(answers, _answer(orders.get(), workshop, _Teller(answers, unwanted)))


def _read_orders(
    source: IO[bytes], orders: queue.SimpleQueue[Order], unwanted: threading.Event
) -> None:
    for line in source:
        match order_decoder.decode(line):
            case StopOrder():
                unwanted.set()
            case order:  # it comes after the last one's answer
                unwanted.clear()
                orders.put(order)
    os._exit(0)  # the worker is gone: nothing may go on


def _answer(order: Order, workshop: Workshop, teller: _Teller) -> Answer:
    try:
        return _done(order, workshop, teller)
    except InputRejected as error:
        return Refused(message=error.message, reason=error.reason, param=error.param)
    except EngineFailed as error:
        return Refused(message=error.message)
    except Unwanted:
        return StoppedTold()
    except MemoryError:
        return Refused(message="more memory was needed than a studio may take")


def _done(order: Order, workshop: Workshop, teller: _Teller) -> Answer:
    match order:
        case PictureOrder(path=path, param=param):
            return PictureTold(facts=workshop.inspect_picture(path, param))
        case SoundOrder(path=path, param=param):
            return SoundTold(facts=workshop.inspect_sound(path, param))
        case CropOrder(path=path, target=target, param=param):
            size_px = {"width_px": order.width_px, "height_px": order.height_px}
            workshop.prepare_picture(path, target, **size_px, param=param)
            return CropTold()
        case WarmOrder():
            workshop.wait_warm()
            return WarmTold()
        case MakeOrder(order=film, rushes=rushes):
            facts = workshop.make(film, teller.progress, teller.preview, rushes=rushes)
            return FilmTold(facts=facts)
        case ShootOrder(order=film, rushes=rushes):
            workshop.shoot(film, rushes, teller.progress, teller.preview)
            return ShotTold()
        case AnimateOrder(film=film, target=target):
            return AnimationTold(size_bytes=workshop.animate(film, target))


class _Teller:
    """Tells how one order gets on, for as long as somebody wants to hear it."""

    def __init__(self, answers: IO[bytes], unwanted: threading.Event) -> None:
        self._answers, self._unwanted = answers, unwanted
        self._last_percent = -1

    def progress(self, stage: Stage, share: float) -> None:
        """See ports.studio.Progress. Raises Unwanted."""
        if self._unwanted.is_set():
            raise Unwanted
        percent = int(share * 100)
        if percent != self._last_percent:
            self._last_percent = percent
            _tell(self._answers, Told(stage=stage, share=share))

    def preview(self, jpeg: bytes) -> None:
        """See ports.studio.ShowPreview."""
        _tell(self._answers, PreviewTold(jpeg=jpeg))


def _tell(answers: IO[bytes], answer: Answer) -> None:
    with _telling:  # a preview is longer than what a pipe takes in one piece
        answers.write(line_of(answer))
        answers.flush()
