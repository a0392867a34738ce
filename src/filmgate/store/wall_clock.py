"""Notices that the database's clock jumped, by comparing it with this process's monotonic one. It
does not say which of the two is right.
"""

from __future__ import annotations

import time
from datetime import datetime

JUMP_S = 5.0
"""Less than this may be an answer that took its time."""


class WallClock:
    """The database's clock as one process sees it."""

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None

    def has_jumped(self, now: datetime) -> bool:
        """Whether the clock went on by more or less than the time since it was last looked at.

        So it does when it is set, and when the machine slept.
        """
        monotonic_s = time.monotonic()
        seen, self._seen = self._seen, (now, monotonic_s)
        if seen is None:
            return False
        before, before_s = seen
        return abs((now - before).total_seconds() - (monotonic_s - before_s)) > JUMP_S
