"""Rates: so many turns a minute, in a window that slides. It counts nothing."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What came of asking for one."""

    is_given: bool
    most: int
    """How many the limit gives in a window."""
    remaining: int
    """How many could be taken right now."""
    reset_s: float
    """When the next of those that count is forgotten."""
    again_s: float
    """When a turn that was not given would be; 0 if it was given."""
