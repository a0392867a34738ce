"""What the server says of tasks, films and models, as frozen values. They ask nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

StatusWord = Literal["pending", "processing", "completed", "failed", "cancelled"]
FINAL = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A finished film. Its links need no key, and end at `expires_at`."""

    url: str
    expires_at: datetime
    thumbnail_url: str | None = None
    width_px: int | None = None
    height_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskError:
    """Why a task failed: a name for programs, a sentence for people, the field if it is one."""

    code: str
    message: str
    param: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """A task as it stood when the server was asked. What is not known yet is None."""

    id: str
    status: StatusWord
    progress: int = 0
    """0 to 100; it never falls."""
    stage: str = ""
    queue_position: int | None = None
    model: str = ""
    seed: int | None = None
    """Always known once the server was asked about the task."""
    prompt: str = ""
    actual_prompt: str | None = None
    """What the engine was given, where the prompt was rewritten."""
    prompt_note: str | None = None
    engine: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    estimated_time_s: int | None = None
    actual_time_s: int | None = None
    cost_usd: float | None = None
    credits_cost: float | None = None
    film: Film | None = None
    """Only when completed."""
    error: TaskError | None = None
    """Only when failed."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)
    """The server's own object, with every field there is."""

    @property
    def is_final(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.status in FINAL

    def as_fields(self) -> dict[str, Any]:
        """Return the values by name, not copied, to make a task of another kind from."""
        return {each.name: getattr(self, each.name) for each in fields(TaskFacts)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that the server offers to this key."""

    id: str
    title: str
    category: str
    capabilities: tuple[str, ...]
    fps: int
    resolutions: tuple[str, ...]
    price_usd_per_s: Mapping[str, float]
    """US dollars per second of film, by resolution."""
