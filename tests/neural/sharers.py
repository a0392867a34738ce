"""What tests of films that several processes make need in those processes: engines whose peers
fail, and a process to kill. Peers find this module by PYTHONPATH.
"""

from __future__ import annotations

import json
import os
import sys

import torch

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural import crew
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.model import Mode, Model
from filmgate.engines.neural.shot import OnStep, Shot, Take
from filmgate.engines.wan import WanEngine
from neural.watching import BRIEF, Witness


def is_peer() -> bool:
    return os.environ.get("RANK", "0") != "0"


class WithoutWeights(WanEngine):
    """Its peers find no weights."""

    def loaded(self, source: str, levers: Levers) -> Model:
        if is_peer():
            raise EngineFailed("the peer finds no weights")
        return super().loaded(source, levers)


class DeadOnLoading(WanEngine):
    """Its peers die when they are to load."""

    def loaded(self, source: str, levers: Levers) -> Model:
        if is_peer():
            os._exit(3)
        return super().loaded(source, levers)


class ShortOfMemory(WanEngine):
    """Its peers have memory for frugal films only."""

    def shoot(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        if is_peer() and not model.levers.has_vae_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return super().shoot(model, mode, shot, on_step)


class Pausing(Witness):
    """After the first step, says so and waits for a line."""

    def progress(self, share: float) -> None:
        super().progress(share)
        if len(self.shares) == 1:
            print("step", flush=True)
            sys.stdin.readline()


def main() -> None:
    """Make a film with the settings given, and say how it went."""
    torch.set_num_threads(1)
    crew.GRACE_S = float(sys.argv[2])
    WanEngine.configured(json.loads(sys.argv[1])).make(BRIEF, Pausing())
    print("made", flush=True)


if __name__ == "__main__":
    main()
