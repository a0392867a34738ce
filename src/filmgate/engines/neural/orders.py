"""What the process that holds a film tells its peers, and what they answer: pickled, over pipes
between a parent and the children it started. No tensor goes this way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from filmgate.engines.neural.levers import Levers
from filmgate.engines.neural.model import Mode, Model
from filmgate.engines.neural.options import Options
from filmgate.engines.neural.shot import OnStep, Shot, Take


class Shooter(Protocol):
    """What a peer needs of an engine."""

    def loaded(self, source: str, levers: Levers) -> Model:
        """Return a model in this process's memory. Raises EngineFailed."""
        ...

    def shoot_or_leave(self, model: Model, mode: Mode, shot: Shot, on_step: OnStep) -> Take:
        """Shoot, and leave the pipeline fit for the next shot if `on_step` raises Unwanted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load these weights too, and let go of all that are not kept."""

    key: Hashable
    """By which the model is called from now on."""
    engine: Callable[[Options], Shooter]
    options: Options
    source: str
    levers: Levers
    kept: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shoot:
    """Make the same call of a pipeline."""

    key: Hashable
    mode: Mode
    shot: Shot


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A sampling step of the shot is done: go on, or leave the pipeline."""

    goes_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The answer to the start, and to Load: it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unable:
    """The other answer."""

    reason: str
    is_out_of_memory: bool = False


Order = Load | Shoot | Step
Answer = Ready | Unable
