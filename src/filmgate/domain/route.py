"""Routes: which engines may make a film, in which order. They call nobody.

generation, key, time ──→ the first route whose conditions hold ──→ its choices, in order
                                         │
             a choice with weights is drawn by the task's id: a resumed task draws the same
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import TypeVar

from filmgate.domain.generation import Generation
from filmgate.domain.ids import TaskId

T = TypeVar("T")
Choice = Mapping[str, int]
"""Names of engines or upstreams with their weights; most often one name alone."""


class Rewriting(StrEnum):
    """Who may rewrite a prompt when the caller allows it."""

    HERE = "here"
    UPSTREAM = "upstream"
    NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where films of one kind are made. An empty condition holds for all."""

    name: str
    choices: tuple[Choice, ...]
    models: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    """text-to-video, image-to-video."""
    resolutions: frozenset[str] = frozenset()
    durations_s: frozenset[int] = frozenset()
    api_keys: frozenset[str] = frozenset()
    """Ids of API keys."""
    hours_utc: tuple[time, time] | None = None
    """From the first (included) to the second (excluded); over midnight if it is the earlier."""
    rewriting: Rewriting = Rewriting.HERE

    def holds(self, generation: Generation, *, api_key: str, at: datetime) -> bool:
        """Whether this route takes such a film."""
        mode = "image-to-video" if generation.is_image_to_video else "text-to-video"
        return (
            _admits(self.models, generation.model)
            and _admits(self.modes, mode)
            and _admits(self.resolutions, generation.resolution)
            and _admits(self.durations_s, generation.duration_s)
            and _admits(self.api_keys, api_key)
            and (self.hours_utc is None or _is_within(at.time(), *self.hours_utc))
        )

    @property
    def engines(self) -> tuple[str, ...]:
        """Every engine of the route once, in its order."""
        return tuple(dict.fromkeys(name for choice in self.choices for name in choice))

    def resolutions_of(self, offered: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Return the resolutions that it may be asked for, of those that each model offers."""
        taken = (sizes for model, sizes in offered.items() if _admits(self.models, model))
        found = dict.fromkeys(size for sizes in taken for size in sizes)
        return tuple(size for size in found if _admits(self.resolutions, size))

    def engines_for(self, task_id: TaskId) -> tuple[str, ...]:
        """Return every engine of the route once, in the order in which this task tries them."""
        ordered: list[str] = []
        for number, choice in enumerate(self.choices):
            ordered += _drawn(choice, f"{task_id}/{number}")
        return tuple(dict.fromkeys(ordered))


def first_route(
    routes: Sequence[Route], generation: Generation, *, api_key: str, at: datetime
) -> Route | None:
    """Return the route that takes such a film, or None."""
    holding = (route for route in routes if route.holds(generation, api_key=api_key, at=at))
    return next(holding, None)


def _admits(wanted: frozenset[T], value: T) -> bool:
    return not wanted or value in wanted


def _is_within(at: time, start: time, end: time) -> bool:
    return start <= at < end if start <= end else at >= start or at < end


def _drawn(choice: Choice, lot: str) -> list[str]:
    """Order the names of a choice by weighted chance (Efraimidis and Spirakis, 2006)."""

    def key(name: str) -> float:
        digest = hashlib.sha256(f"{lot}/{name}".encode()).digest()
        drawn = (int.from_bytes(digest[:8]) + 1) / (2**64 + 1)
        return drawn ** (1 / choice[name])

    return sorted(choice, key=key, reverse=True)
