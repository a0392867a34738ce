"""The options that say what a key may do, and the fields they become (domain/key_change.py).

`none` lifts a limit. What a value may be is told by the verbs, by the same rules as in the API.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from filmgate.cli.failure import EXIT_USAGE, CommandFailed

NONE = "none"
_SPAN_FORM = re.compile(r"([0-9]{1,6})([smhd]?)")
_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LISTS = frozenset({"scopes", "models", "networks"})
_COUNTS = frozenset({"requests_per_minute", "concurrent_tasks_max", "queue_length_max"})

ScopesOption = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="What it may do: generate, read, manage. [generate,read]"),
]
ModelsOption = Annotated[
    str | None, typer.Option(metavar="LIST", help="The models it may use. [all]")
]
NetworksOption = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Whence it may be used, such as 10.0.0.0/8. [everywhere]"),
]
RateOption = Annotated[str | None, typer.Option(metavar="N", help="Requests a minute.")]
ConcurrentOption = Annotated[
    str | None, typer.Option(metavar="N", help="Tasks that are made at a time.")
]
QueueOption = Annotated[str | None, typer.Option(metavar="N", help="Unfinished tasks.")]
PriorityOption = Annotated[
    str | None, typer.Option(metavar="WORD", help="low, normal or high. [normal]")
]
BudgetDayOption = Annotated[
    str | None, typer.Option(metavar="USD", help="What it may spend in a day (UTC).")
]
BudgetMonthOption = Annotated[
    str | None, typer.Option(metavar="USD", help="What it may spend in a month (UTC).")
]
BudgetTotalOption = Annotated[
    str | None, typer.Option(metavar="USD", help="What it may spend in all.")
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="2027-01-31, 2027-01-31T12:00:00Z, or from now: 12h, 90d."),
]


def fields_of(**options: str | None) -> dict[str, object]:
    """Return the fields that the options name; those that were not given stay out."""
    given = {name: text for name, text in options.items() if text is not None}
    return {name: _value(name, text) for name, text in given.items()}


def seconds_of(span: str) -> int:
    """Return a span such as 90s, 24h or 7d in seconds. Raises CommandFailed."""
    found = _SPAN_FORM.fullmatch(span)
    if found is None:
        raise CommandFailed(
            f"a time must be such as 90s, 24h or 7d, got {span!r}", exit_code=EXIT_USAGE
        )
    return int(found[1]) * _UNITS_S[found[2]]


def _value(name: str, text: str) -> object:
    if name == "name":
        return text
    if text == NONE:
        return None
    if name in _LISTS:
        return [word.strip() for word in text.split(",") if word.strip()]
    if name in _COUNTS:
        return int(text) if text.isascii() and text.isdigit() else text
    if name == "expires_at" and not text.isdigit() and _SPAN_FORM.fullmatch(text):
        return (datetime.now(UTC) + timedelta(seconds=seconds_of(text))).isoformat()
    return text
