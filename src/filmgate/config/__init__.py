"""Settings: what they are (settings.py), and where they come from (reading.py)."""

from filmgate.config.reading import PREFIX, Origin, read_settings
from filmgate.config.settings import Settings, split_list

__all__ = ["PREFIX", "Origin", "Settings", "read_settings", "split_list"]
