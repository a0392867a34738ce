"""The engine `wan`: Wan 2.1 and 2.2 through diffusers. Only the way in stands here."""

from filmgate.engines.wan.engine import WanEngine

__all__ = ["WanEngine"]
