"""One film over several GPUs: starts a peer for each further one, tells them what to load and to
shoot, and ends them. What a peer does stands in `peer`, how they share the work in `ranks`.

    this process, rank 0                     a peer, rank 1 .. N-1
    Load    --------- its stdin -------->    loads the same weights
            <-------- its stdout --------    Ready or Unable
    Shoot   ---------------------------->    makes the same call of the pipeline
            <=== attention's tensors ===>    (torch.distributed: NCCL, or gloo on CPUs)
    Step    -- after each step --------->    goes on, or leaves the pipeline with this process
    frames                                   leaves where it would decode
    the end, also by SIGKILL  ---------->    ends at once, whatever it does

All come out of a shot by agreement, or the crew is closed, and its models leave memory. Where a
peer died, this process ends too: whoever gave it the film starts another and has it made again.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn, Protocol

import structlog

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.library import library
from filmgate.engines.neural.model import SHELF
from filmgate.engines.neural.orders import Answer, Load, Order, Shoot, Step, Unable
from filmgate.engines.neural.ranks import OUT_OF_MEMORY_STATUS, join, leave
from filmgate.engines.neural.shot import OnStep

log = structlog.get_logger()

GRACE_S = 15.0
"""For this process to notice by itself that a peer died; NCCL may wait for it in vain."""
ENDED_WITHIN_S = 5.0


class Crew(Protocol):
    """Those who make a film with this process."""

    @contextmanager
    def loading(self, order: Load) -> Generator[None]:
        """Have the others load a model while the body does. Raises EngineFailed."""
        ...

    @contextmanager
    def shooting(self, order: Shoot, on_step: OnStep) -> Generator[OnStep]:
        """Have the others shoot while the body does; give what is to hear of the body's steps."""
        ...


class Alone:
    """Nobody else."""

    @contextmanager
    def loading(self, order: Load) -> Generator[None]:  # noqa: ARG002
        """See Crew."""
        yield

    @contextmanager
    def shooting(self, order: Shoot, on_step: OnStep) -> Generator[OnStep]:  # noqa: ARG002
        """See Crew."""
        yield on_step


class _Peer:
    """A peer's process, and the pipes to it."""

    def __init__(self, rank: int, count: int, *, device: str, store: Path) -> None:
        self.rank = rank
        there = device if device == "cpu" else f"{device}:{rank}"
        threads = library("torch").get_num_threads()  # else its sums would round otherwise
        environment = {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(count),
            "LOCAL_WORLD_SIZE": str(count),
            "OMP_NUM_THREADS": str(threads),
        }
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "filmgate.engines.neural.peer", str(store), there],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    def tell(self, order: Order) -> None:
        """Send an order."""
        assert self.process.stdin is not None  # noqa: S101 - made with pipes
        pickle.dump(order, self.process.stdin)
        self.process.stdin.flush()

    def hear(self) -> None:
        """Wait until it is ready. Raises EngineFailed."""
        assert self.process.stdout is not None  # noqa: S101
        try:
            answer: Answer = pickle.load(self.process.stdout)  # noqa: S301 - our own child
        except EOFError as error:
            status = self.process.wait()
            raise EngineFailed(
                f"process {self.rank} of neural_gpus ended with status {status}"
            ) from error
        match answer:
            case Unable(reason=reason, is_out_of_memory=True):
                raise library("torch").OutOfMemoryError(reason)
            case Unable(reason=reason):
                raise EngineFailed(reason)
            case _:
                pass

    def end(self) -> int:
        """End it. Return the status with which it ended by itself, 0 if it had to be ended."""
        assert self.process.stdin is not None  # noqa: S101
        assert self.process.stdout is not None  # noqa: S101
        with suppress(OSError):  # it may be dead, with an order on its way
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            return self.process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return 0


class Company:
    """A peer for each GPU but the first."""

    def __init__(self, count: int, device: str) -> None:
        """Start them, and meet them. Raises EngineFailed."""
        self.of = count, device
        self._is_over = threading.Event()
        self._loading = threading.Lock()
        self._folder = Path(mkdtemp(prefix="filmgate-crew-"))  # read by nobody else
        store = self._folder / "store"
        self._peers = [_Peer(rank, count, device=device, store=store) for rank in range(1, count)]
        is_met = False
        try:
            for peer in self._peers:
                peer.hear()
            join(store, rank=0, count=count)
            is_met = True
        finally:
            if not is_met:
                self.close()
        for peer in self._peers:
            threading.Thread(target=self._watch, args=(peer,), daemon=True).start()
        log.info("crew.met", gpus=count, device=device)

    @property
    def is_closed(self) -> bool:
        """Whether its peers have ended."""
        return self._is_over.is_set()

    @contextmanager
    def loading(self, order: Load) -> Generator[None]:
        """See Crew."""
        is_loaded = False
        with self._loading:
            try:
                self._tell(order)
                yield
                for peer in self._peers:
                    peer.hear()
                is_loaded = True
            finally:
                if not is_loaded:
                    self.close()

    @contextmanager
    def shooting(self, order: Shoot, on_step: OnStep) -> Generator[OnStep]:
        """See Crew. Raises torch's OutOfMemoryError also where a peer's memory ran out."""
        is_agreed = False

        def heard(index: int, latents: Any) -> None:
            nonlocal is_agreed
            goes_on = False
            try:
                on_step(index, latents)
                goes_on = True
            finally:
                self._tell(Step(goes_on=goes_on))
                is_agreed = not goes_on

        try:
            self._tell(order)
            yield heard
            is_agreed = True
        finally:
            if not is_agreed:
                self._end_amid_a_shot()

    def close(self) -> list[int]:
        """End the peers, and let go of the models that were loaded with them.

        Returns the statuses with which they ended by themselves.
        """
        SHELF.clear()
        statuses = [peer.end() for peer in self._peers]
        leave()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._is_over.set()
        return statuses

    def _tell(self, order: Order) -> None:
        for peer in self._peers:
            peer.tell(order)

    def _end_amid_a_shot(self) -> None:
        statuses = self.close()
        if OUT_OF_MEMORY_STATUS in statuses:
            raise library("torch").OutOfMemoryError("a peer ran out of memory")
        if any(statuses):
            self._end(statuses)

    def _watch(self, peer: _Peer) -> None:
        status = peer.process.wait()
        with self._loading:  # where the lack of an answer tells
            pass
        if not self._is_over.wait(GRACE_S):
            self._end([status])

    def _end(self, statuses: list[int]) -> NoReturn:
        log.error("crew.broken", statuses=statuses)
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(os.EX_SOFTWARE)


class Muster:
    """The crew of this process: one for all of its models."""

    def __init__(self) -> None:
        self._company: Company | None = None

    def crew(self, levers: Levers) -> Crew:
        """Return those who work with this process on that many GPUs. Raises EngineFailed."""
        if levers.gpus == 1:
            return Alone()
        wanted = levers.gpus, levers.device
        company = self._company
        if company is None or company.is_closed or company.of != wanted:
            self.dismiss()
            _refuse_too_many(levers)
            self._company = company = Company(*wanted)
        return company

    def dismiss(self) -> None:
        """End the peers, if there are any."""
        if self._company is not None and not self._company.is_closed:
            self._company.close()
        self._company = None


MUSTER = Muster()


def _refuse_too_many(levers: Levers) -> None:
    visible = library("torch").cuda.device_count()
    if levers.device != "cpu" and visible < levers.gpus:
        raise EngineFailed(f"neural_gpus is {levers.gpus}, but there are {visible} GPUs")
