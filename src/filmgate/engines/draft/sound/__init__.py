"""The sound of a draft clip: `ambience`. No encoding here."""

from filmgate.engines.draft.sound.mix import ambience

__all__ = ["ambience"]
