"""What the verbs need of the database to show the whole to those who manage it."""

from __future__ import annotations

from typing import Protocol

from filmgate.domain.overview import Standing, Totals, TotalsFilter


class Overview(Protocol):
    """Sums over all accounts. Each method is one transaction and raises DatabaseAway."""

    async def totals(self, wanted: TotalsFilter) -> list[Totals]:
        """Sum up ended tasks by when they ended; also those that are erased by now."""
        ...

    async def standing(self, *, failures_max: int) -> Standing:
        """Say how queue, workers, webhooks and files stand."""
        ...
