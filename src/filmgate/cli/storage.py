"""filmgate storage: compare the stored files with their records, straight in the data folder.

For operators.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmgate.cli.operate import run
from filmgate.cli.options import DataOption, JsonOption

if TYPE_CHECKING:
    from filmgate.service.check_storage import StorageReport

storage = typer.Typer(help="Look after the stored files.", no_args_is_help=True)

EXIT_FOUND = 1


@storage.callback()
def root() -> None:
    """Look after the stored files."""


@storage.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Remove what is listed.")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List files without records and records without files, both older than an hour.

    Exit status 1 means that some were found and are still there.

    \b
    Examples:
      filmgate storage check
      filmgate storage check --repair
    """
    from filmgate.service.check_storage import check_storage

    report = run(data, lambda deps: check_storage(may_repair=repair, deps=deps))
    rows = _rows(report)
    if as_json:
        _print_json(report, rows)
    else:
        from filmgate.cli.table import print_table

        headings = ["what", "key", "bytes", "since"]
        print_table(headings, rows, empty="Every file has its record, and every record its file.")
        _say(report, len(rows))
    if rows and not report.is_repaired:
        raise typer.Exit(EXIT_FOUND)


def _rows(report: StorageReport) -> list[list[str]]:
    files = [
        [
            "file without record",
            file.key,
            str(file.size_bytes),
            _time(datetime.fromtimestamp(file.modified_at_s, UTC)),
        ]
        for file in report.files_without_record
    ]
    records = [
        ["record without file", record.key, str(record.size_bytes), _time(record.created_at)]
        for record in report.records_without_file
    ]
    return files + records


def _say(report: StorageReport, count: int) -> None:
    if report.is_foreign:
        print(
            "These files were written for another database: nothing is removed. Is the database"
            " the right one? `filmgate config` shows it.",
            file=sys.stderr,
        )
    elif count and report.is_repaired:
        print(f"Removed {count:,}.", file=sys.stderr)
    elif count:
        print(f"{count:,} found; `filmgate storage check --repair` removes them.", file=sys.stderr)


def _print_json(report: StorageReport, rows: list[list[str]]) -> None:
    import msgspec

    said: dict[str, Any] = {
        "found": [
            {"what": what, "key": key, "bytes": int(size), "since": since}
            for what, key, size, since in rows
        ],
        "is_repaired": report.is_repaired,
        "is_foreign": report.is_foreign,
    }
    print(msgspec.json.encode(said).decode())


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
