"""What all processes have in common that make one film together: their group, and how it shares a
transformer out. It starts no process.

    tokens of the film   |  0 .. n/2  |  n/2 .. n |     each rank has its part; between two blocks
    attention's heads    |  0 .. h/2  |  h/2 .. h |     of the transformer they swap (Ulysses)

Prompts, the VAE and the sampler are every rank's own: they start equal, and stay so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from filmgate.domain.errors import EngineFailed
from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.library import library

FOUND_WITHIN_S = 120
HEADS = ("num_attention_heads", "audio_num_attention_heads")
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
OUT_OF_MEMORY_STATUS = 75
"""With which a rank ends that ran out of memory amid a film."""


def join(store: Path, *, rank: int, count: int) -> None:
    """Join the group of a film's ranks, which meet in a file that only this user reads.

    Raises EngineFailed when the others do not come.
    """
    torch, dist = library("torch"), library("torch.distributed")
    for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(variable, LOOPBACK)
    meeting = dist.FileStore(str(store), count)
    meeting.set_timeout(timedelta(seconds=FOUND_WITHIN_S))
    kinds = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "cpu:gloo"
    try:
        dist.init_process_group(kinds, store=meeting, rank=rank, world_size=count)
    except RuntimeError as error:
        raise EngineFailed(f"the {count} processes of neural_gpus found no way together") from error


def leave() -> None:
    """Leave the group, if there is one. The others may be dead, amid whatever they did."""
    _mesh.cache_clear()
    if library("torch.distributed").is_initialized():
        # Not `destroy_process_group`: with NCCL it waits for what goes on, with the dead.
        library("torch.distributed.distributed_c10d")._abort_process_group()


def sharing(transformer: Any, levers: Levers) -> Any:
    """Return how diffusers is to share a transformer out among the ranks. Raises EngineFailed."""
    for name in HEADS:
        heads = transformer.config.get(name) or 0
        if heads % levers.gpus:
            raise EngineFailed(
                f"neural_gpus must divide the transformer's {heads} heads, got {levers.gpus}"
            )
    # "Anything": lengths need not divide, as 390 tokens a frame at 832×480 do not among four. Only
    # NCCL gathers unequal parts, so on the CPU films of other lengths fail.
    return library("diffusers").ContextParallelConfig(
        ulysses_degree=levers.gpus,
        ulysses_anything=True,
        mesh=_mesh(levers.device.partition(":")[0], levers.gpus),
    )


@cache
def _mesh(device: str, count: int) -> Any:
    make = library("torch.distributed.device_mesh").init_device_mesh
    return make(device, (1, count), mesh_dim_names=("ring", "ulysses"))


@contextmanager
def countable_devices() -> Generator[None]:
    """Let diffusers divide by the number of accelerators where there is none: on the CPU."""
    accelerator = library("torch").accelerator
    counted = accelerator.device_count
    accelerator.device_count = lambda: counted() or 1
    try:
        yield
    finally:
        accelerator.device_count = counted
