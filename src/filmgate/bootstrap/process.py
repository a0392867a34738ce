"""What every process of ours begins with: its name, its signals, its event loop, its logs."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import sys
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from filmgate.config import Settings

if TYPE_CHECKING:
    pass


FILES_MAX = 65_536


def worker_name(pid: int) -> str:
    """Return the name under which a worker process holds its leases."""
    return f"{socket.gethostname()}-{pid}"


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    return stop


def raise_file_limit() -> None:
    """Allow this process as many open files as it may have: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a process to its end, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


class LossyLog:
    """Standard error without what cannot be written: a full disk under the log ends no request."""

    def write(self, text: str) -> None:
        """Write, or lose it."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, or leave it for the next time."""
        with suppress(OSError):
            sys.stderr.flush()


@contextmanager
def silent_logs() -> Generator[None]:
    """Keep log lines out of what a command says: its output is its own words only."""
    import logging

    import structlog

    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


def set_up_logs(settings: Settings) -> None:
    """Log events as logfmt on standard error: ids, never a prompt, a token or a signed link."""
    import logging

    import structlog

    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", LossyLog())),
        cache_logger_on_first_use=True,
    )
