"""What the verbs need of somebody else's video API: order a film there, ask how it gets on, fetch
it.

    submit(order) → upstream id → look(id) … → View(DONE) → fetch(view, target)

A provider is one account at one upstream. It keeps no state of its own: what was bought stands in
the database. It knows the upstream's wire and translates its every answer into a View or one of
these faults (domain/upstream_fault.py), which decide what may follow:

    UpstreamBusy, UpstreamAway   nothing was taken; later, or elsewhere
    UpstreamRefused              nothing was taken; elsewhere, and the operator must act
    UpstreamUnfit                nothing was asked: it makes no such films; elsewhere
    UpstreamRejected             nothing was taken; the caller's request is at fault
    UpstreamSilent               not known whether it was taken: never ordered again, unless the
                                 upstream keeps keys

The contract is proved for every provider by `filmgate.testing.provider_contract`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from filmgate.ports.engine import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at an upstream, as the operator set it up."""

    name: str
    """What routes call it."""
    url: str
    """Where its API begins."""
    key: str = field(default="", repr=False)
    """Empty where the server asks for none."""
    timeout_s: float = 30.0
    """Longest silence in one request."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What only this kind of provider knows; an unknown name raises ConfigError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOrder:
    """Everything an upstream needs to make one film."""

    key: str
    """Names this purchase, the same in every try."""
    model: str
    """Our name of the model."""
    prompt: str
    negative_prompt: str
    may_rewrite_prompt: bool
    """Whether the upstream may rewrite it."""
    resolution: str
    width_px: int
    height_px: int
    fps: int
    duration_s: int
    seed: int
    image_path: Path | None
    """A PNG already cropped to width x height; None for text-to-video."""
    sound_path: Path | None
    """The caller's wav or mp3 file, checked."""
    callback_url: str | None = None
    """Where the upstream may say that something changed, at `…/callback`; None: nowhere."""


class ViewState(StrEnum):
    """How an ordered film gets on."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    """The upstream does not know it, or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What an upstream says about an ordered film."""

    state: ViewState
    progress: float | None = None
    """Share done, 0..1, where the upstream tells one."""
    film_url: str | None = None
    actual_prompt: str | None = None
    cost_micro_usd: int | None = None
    """None: it doesn't say. 0 for a failure that is not charged."""
    message: str = ""
    """Why it failed, in the upstream's words."""
    is_callers_fault: bool = False
    """It failed by the upstream's content rules, or a field's value: no other try helps."""
    poll_after_s: float | None = None
    """When the upstream wants to be asked again."""


class Provider(Protocol):
    """Somebody else's API, behind one account."""

    kind: str
    url: str
    source: Source
    keeps_keys: bool
    """Ordering again with the same key is answered with the first order, never a second film."""
    bills: bool
    """False for a server of our own, where a film ordered twice costs nothing but its time."""

    async def submit(self, order: UpstreamOrder) -> str:
        """Order a film and return the upstream's id of it."""
        ...

    async def look(self, upstream_id: str) -> View:
        """Ask how it gets on. Raises UpstreamFault if that cannot be learned now."""
        ...

    async def fetch(
        self, view: View, upstream_id: str, target: Path, *, size_bytes_max: int
    ) -> None:
        """Fetch a finished film into a file. Raises UpstreamFault, UpstreamFailed."""
        ...

    async def cancel(self, upstream_id: str) -> bool:
        """Ask for an end; True if the upstream says that it ended it. Raises UpstreamFault."""
        ...

    async def check(self) -> str:
        """Ask the upstream something that costs nothing; say in a sentence what answered.

        Raises UpstreamFault.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
