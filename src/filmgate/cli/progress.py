"""Shows how a task comes along: a live bar on a terminal, plain lines elsewhere.

Always on standard error, so that standard output is the command's own.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol, Self

STAGES = {
    "queue": "waiting for a worker",
    "inputs": "reading the inputs",
    "rewrite": "rewriting the prompt",
    "make": "making the frames",
    "finish": "finishing the file",
    "settle": "finishing the file",
    "done": "done",
}
LINE_EVERY_PERCENT = 25
PROGRESS_TRUSTED_FROM = 5
"""Below this progress the server's estimate says more than the pace so far."""


class Display(Protocol):
    """How a wait is shown. A context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def say(self, text: str) -> None:
        """Show a step that has no progress of its own."""
        ...

    def show(self, task: dict[str, Any]) -> None:
        """Show a task as it now is."""
        ...


def stage_words(task: dict[str, Any]) -> str:
    """Return in words where a task stands."""
    position = task.get("queue_position") or 0
    if task.get("status") == "pending" and position > 1:
        return f"waiting, {position - 1} ahead"
    stage = str(task.get("stage") or ("queue" if task.get("status") == "pending" else "make"))
    return STAGES.get(stage, stage)


class Pace:
    """Estimates the remaining time from the server's estimate at first, then from the progress
    seen."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._first: tuple[float, int] | None = None
        self._end: float | None = None

    def see(self, task: dict[str, Any], now: float) -> None:
        """Take in the task as it was at `now` (seconds, any origin)."""
        if self._began is None:
            self._began = now
        progress = int(task.get("progress") or 0)
        if task.get("status") == "processing" and self._first is None:
            self._first = (now, progress)
        if self._first and progress - self._first[1] >= PROGRESS_TRUSTED_FROM:
            pace = (now - self._first[0]) / (progress - self._first[1])
            self._end = now + pace * (100 - progress)
        elif task.get("estimated_time") is not None:
            self._end = self._began + float(task["estimated_time"])

    def remaining_s(self, now: float) -> float | None:
        """Return the seconds that are left, never below 0; None while nothing is known."""
        return None if self._end is None else max(0.0, self._end - now)


class LineDisplay:
    """One plain line for each step and each quarter."""

    def __init__(self) -> None:
        self._shown: tuple[str, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, text: str) -> None:
        """Print one line."""
        print(text, file=sys.stderr, flush=True)

    def show(self, task: dict[str, Any]) -> None:
        """Print a line when the stage or the quarter is a new one."""
        progress = int(task.get("progress") or 0)
        words = stage_words(task)
        now = (words, progress // LINE_EVERY_PERCENT)
        if now != self._shown:
            self._shown = now
            self.say(f"{task['id']}  {progress:3d} %  {words}")
