"""Prints rows for people: a table on a terminal, tab-separated lines elsewhere, for awk."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "", title: str = ""
) -> None:
    """Print the rows on standard output; `empty`, on standard error, when there are none."""
    if not rows:
        if empty:
            print(empty, file=sys.stderr)
        return
    if not sys.stdout.isatty():
        for row in (headings, *rows):
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, title=title or None, title_justify="left", box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_facts(facts: Sequence[tuple[str, str]], *, title: str) -> None:
    """Print names and values on standard output: a panel on a terminal, `name: value` lines
    elsewhere."""
    if not sys.stdout.isatty():
        for name, value in facts:
            print(f"{name}: {value}")
        return
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        grid.add_row(Text(name, style="dim"), Text(value, overflow="fold"))
    Console().print(Panel(grid, title=title, title_align="left", expand=False))
