"""What the verbs need of time and chance."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time, UTC, aware."""
        ...


class Entropy(Protocol):
    """Gives unguessable bytes."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        ...
