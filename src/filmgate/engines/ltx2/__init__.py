"""The engine `ltx2`: LTX-2, 2.3 and 2.5 through diffusers. Only the way in stands here."""

from filmgate.engines.ltx2.engine import LTX2Engine

__all__ = ["LTX2Engine"]
