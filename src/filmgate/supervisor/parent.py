"""How a child notices that its supervisor is gone. It does not say what the child does about it:
that is what the child does on SIGTERM.

The supervisor holds the other end of the child's standard input and never writes to it; when the
supervisor dies, however it dies, the system closes that end.
"""

from __future__ import annotations

import os
import signal
import threading
import time

SUPERVISED = "FILMGATE_SUPERVISED"
"""Set in the environment of a child whose standard input is the supervisor's pipe."""


def end_with_supervisor(*, limit_s: float) -> None:
    """Send this process SIGTERM when its supervisor dies, and end it for good `limit_s` later.

    Does nothing in a process that no supervisor started.
    """
    if os.environ.get(SUPERVISED):
        watch = threading.Thread(target=_watch, args=(limit_s,), daemon=True, name="supervisor")
        watch.start()


def _watch(limit_s: float) -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(limit_s)  # a process that is stuck must not go on without anybody who minds it
    os.kill(os.getpid(), signal.SIGKILL)
