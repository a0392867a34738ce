"""The live bar of a terminal: stage, bar, time spent and time left, on standard error.

Imported only when it shows.
"""

from __future__ import annotations

import time
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from filmgate.cli.progress import STAGES, Pace, stage_words

STAGE_CHARS = max(map(len, STAGES.values()))
ENDING_PERCENT = 90


class LiveDisplay:
    """Draws itself ten times a second; the time left runs down between two answers."""

    def __init__(self) -> None:
        pace = Pace()
        self._pace = pace
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn(
                "{task.description}", markup=False, table_column=Column(min_width=STAGE_CHARS)
            ),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            LeftColumn(pace),
            console=Console(stderr=True),
            transient=True,
        )
        self._row = self._bar.add_task("", total=100)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Show a step in place of a stage."""
        self._bar.update(self._row, description=text, refresh=True)

    def show(self, task: dict[str, Any]) -> None:
        """Move the bar."""
        self._pace.see(task, time.monotonic())
        progress = int(task.get("progress") or 0)
        self._bar.update(self._row, description=stage_words(task), completed=progress, refresh=True)


class LeftColumn(ProgressColumn):
    """The time that is left, as far as the pace tells."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        """Return the words for now."""
        left_s = self._pace.remaining_s(time.monotonic())
        if left_s is None or task.finished:
            return Text("")
        if left_s < 1:
            return Text("any moment" if task.percentage >= ENDING_PERCENT else "")
        minutes, seconds = divmod(round(left_s), 60)
        return Text(f"about {minutes}:{seconds:02d} left")
