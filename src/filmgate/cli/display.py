"""Chooses how a wait is shown: live bar on a terminal, plain lines elsewhere. Draws nothing."""

from __future__ import annotations

import os
import sys

from filmgate.cli.progress import Display, LineDisplay


def display() -> Display:
    """Return the display that suits this standard error."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return LineDisplay()
    from filmgate.cli.live_bar import LiveDisplay

    return LiveDisplay()
