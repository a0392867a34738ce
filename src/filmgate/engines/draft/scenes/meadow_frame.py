"""How a meadow is framed: its horizon, its ground, the size of its animal. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """Lengths in frame heights from the picture's middle, y downwards."""

    width_px: int
    height_px: int
    horizon: float
    ground: float
    """Where the animal's feet stand."""
    body: float
    """The animal's length from hip to shoulder."""

    push: float
    """The share of a dolly that the animal's length leaves room for."""

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width_px / self.height_px

    @property
    def eye(self) -> float:
        """How far the ground at the subject lies below the horizon."""
        return self.ground - self.horizon

    def ground_at(self, nearness: float) -> float:
        """Where the ground of some nearness is seen."""
        return self.horizon + self.eye * nearness


def framing_of(width_px: int, height_px: int) -> Framing:
    """A wide picture shows a field; a tall one shows more sky above a smaller animal."""
    aspect = width_px / height_px
    tall = min(max((1.35 - aspect) / 0.8, 0.0), 1.0)
    return Framing(
        width_px=width_px,
        height_px=height_px,
        horizon=-0.09 + 0.07 * tall,
        ground=0.30 - 0.06 * tall,
        body=min(0.26, 0.305 * aspect),
        push=1 - 0.55 * tall,
    )
