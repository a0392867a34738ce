"""A further process of a film that several GPUs make: it does what the first one does, at the same
time, and throws the frames away. It is told what to do, and ends when there is nobody to tell it.

`crew` starts it, with torchrun's environment (RANK, LOCAL_RANK, WORLD_SIZE), as

    python -m filmgate.engines.neural.peer STORE DEVICE
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import shutil
import signal
import sys
import threading
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NoReturn

import structlog

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import Model, free_memory
from filmgate.engines.neural.orders import (
    Answer,
    Load,
    Order,
    Ready,
    Shoot,
    Shooter,
    Step,
    Unable,
)
from filmgate.engines.neural.ranks import OUT_OF_MEMORY_STATUS, join
from filmgate.engines.neural.shot import is_out_of_memory
from filmgate.ports.engine import Unwanted

log = structlog.get_logger()


class Peer:
    """One rank but the first."""

    def __init__(
        self, orders: queue.SimpleQueue[Order], answers: IO[bytes], *, device: str
    ) -> None:
        self._orders, self._answers, self._device = orders, answers, device
        self._models: dict[Hashable, tuple[Shooter, Model]] = {}

    def serve(self, store: Path, *, rank: int, count: int) -> NoReturn:
        """Do what is ordered."""
        torch = library("torch")
        library("diffusers")  # what is slow to start with, before anybody waits in the group
        if self._device != "cpu":
            torch.cuda.set_device(self._device)
        self._answer(Ready())
        join(store, rank=rank, count=count)
        while True:
            match self._orders.get():
                case Load() as order:
                    self._answer(self._loaded(order))
                case Shoot() as order:
                    self._shoot(order)
                case Step():
                    raise RuntimeError("a step was told that this rank did not make")

    def _answer(self, answer: Answer) -> None:
        pickle.dump(answer, self._answers)
        self._answers.flush()

    def _loaded(self, order: Load) -> Answer:
        for key in set(self._models) - set(order.kept):
            _, model = self._models.pop(key)
            model.close()
            del model
        free_memory()
        try:
            engine = order.engine(order.options)
            model = engine.loaded(order.source, replace(order.levers, device=self._device))
        except EngineFailed as error:
            return Unable(reason=error.message)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return Unable(reason="the memory does not hold the weights", is_out_of_memory=True)
        self._models[order.key] = engine, model
        return Ready()

    def _shoot(self, order: Shoot) -> None:
        engine, model = self._models[order.key]
        vae = model.pipeline(order.mode).vae
        vae.decode = _leave  # frames are the first rank's alone
        try:
            engine.shoot_or_leave(model, order.mode, order.shot, self._hear_step)
        except Unwanted:
            pass
        except EngineFailed as error:
            log.error("peer.failed", reason=error.message)  # noqa: TRY400 - no fault of the code
            os._exit(0)  # the first rank failed likewise, or will notice
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            os._exit(OUT_OF_MEMORY_STATUS)

    def _hear_step(self, _index: int, _latents: Any) -> None:
        told = self._orders.get()
        if told != Step(goes_on=True):
            raise Unwanted


def _leave(*_: object, **__: object) -> NoReturn:
    raise Unwanted


def _read_orders(source: IO[bytes], orders: queue.SimpleQueue[Order], store: Path) -> None:
    try:
        while True:
            orders.put(pickle.load(source))  # noqa: S301 - from our own parent
    finally:  # it is gone, perhaps amid an order, or gives us up: nothing may go on
        shutil.rmtree(store.parent, ignore_errors=True)
        os._exit(0)


def main() -> None:
    """Serve whoever started this process."""
    store, device = Path(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    # Libraries print to file descriptor 1 now and then; answers must stay alone in their pipe.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # The first rank tells all else.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    reading = (os.fdopen(0, "rb"), orders, store)
    threading.Thread(target=_read_orders, args=reading, daemon=True).start()
    peer = Peer(orders, answers, device=device)
    peer.serve(store, rank=int(os.environ["RANK"]), count=int(os.environ["WORLD_SIZE"]))


if __name__ == "__main__":
    main()
