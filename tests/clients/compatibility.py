"""Reads the tables of docs/reference/compatibility.md. It judges nothing.

| call | verdict | what is different | shown by |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "compatibility.md"
VERDICTS = {"works", "differs", "refused", "not yet"}


@dataclass(frozen=True)
class Row:
    """One call of one client."""

    client: str
    call: str
    verdict: str
    difference: str
    tests: tuple[str, ...]


def tables() -> list[Row]:
    """Return every row of the page."""
    rows: list[Row] = []
    client = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            client = line.split("`")[1] if "`" in line else line[3:].strip()
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            call, verdict, difference, tests = cells
            named = tuple(test.strip("` ") for test in tests.split(",") if test.strip())
            rows.append(Row(client, call.strip("`"), verdict, difference, named))
    return rows


def table_of(client: str) -> dict[str, Row]:
    """Return the rows of one client by call."""
    return {row.call: row for row in tables() if row.client == client}
