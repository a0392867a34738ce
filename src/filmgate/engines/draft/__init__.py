"""The draft engine: procedural pictures on any CPU, no weights. Only the way in stands here."""

from filmgate.engines.draft.engine import DraftEngine

__all__ = ["DraftEngine"]
