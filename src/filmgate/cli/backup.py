"""filmgate backup and restore: a whole data folder as one file, and back. For operators.

Says what was done; the doing stands in supervisor/rescue.py.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.cli.options import DataOption, data_folder, settings_with

if TYPE_CHECKING:
    from filmgate.supervisor.rescue import Manifest

NAMED_MAX = 10

FileArgument = Annotated[Path, typer.Argument(metavar="FILE.tar", help="The backup.")]


def backup(file: FileArgument, data: DataOption = None) -> None:
    """Write the data folder to one file: database, films, uploads, keys and certificates.

    A server may run meanwhile. The file holds secrets: only you may read it; keep it so.

    \b
    Examples:
      filmgate backup filmgate.tar
    """
    from filmgate import __version__
    from filmgate.bootstrap import silent_logs
    from filmgate.supervisor import rescue

    is_ours = not settings_with(data=data).database_url
    with silent_logs():
        manifest = rescue.backup(
            data_folder(data),
            file.expanduser().absolute(),
            is_database_ours=is_ours,
            version=__version__,
            now=datetime.now(UTC),
        )
    print(f"Backed up to {file}: {_words(manifest)}.")
    if not is_ours:
        print(
            "The database is NOT in it: FILMGATE_DATABASE_URL names yours. Dump it with pg_dump,"
            " each time before the files.",
            file=sys.stderr,
        )
    if manifest.skipped:
        print("Ended meanwhile, and not in it:", file=sys.stderr)
        for name in manifest.skipped[:NAMED_MAX]:
            print(f"  {name}", file=sys.stderr)
        if len(manifest.skipped) > NAMED_MAX:
            print(f"  and {len(manifest.skipped) - NAMED_MAX:,} more", file=sys.stderr)


def restore(
    file: FileArgument,
    data: Annotated[
        str, typer.Option("--data", metavar="NEWDIR", help="Folder to make; empty if it exists.")
    ],
) -> None:
    """Make a new data folder of a backup. An existing one is never changed.

    \b
    Examples:
      filmgate restore filmgate.tar --data restored
    """
    from filmgate.bootstrap import silent_logs
    from filmgate.supervisor import rescue

    folder = data_folder(data)
    is_ours = not settings_with(data=data).database_url
    with silent_logs():
        manifest = rescue.restore(file.expanduser().absolute(), folder, is_database_ours=is_ours)
    print(f"Restored to {folder}: {_words(manifest)}.")
    print(f"Made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by filmgate {manifest.version}.")
    if manifest.database is None:
        print(
            "The database was not in it: restore your own, and name it with FILMGATE_DATABASE_URL.",
            file=sys.stderr,
        )
    print(f"Start it with: filmgate serve --data {folder}")


def _words(manifest: Manifest) -> str:
    files = f"{_counted(manifest.files, 'file')} ({manifest.files_bytes / 1e6:,.1f} MB)"
    held = manifest.database
    if held is None:
        return files
    return (
        f"{_counted(held.tasks, 'task')} ({held.unfinished:,} unfinished),"
        f" {_counted(held.accounts, 'account')},"
        f" {_counted(held.keys, 'key')}, {files}"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
