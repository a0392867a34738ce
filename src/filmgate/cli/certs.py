"""filmgate certs: show the certificate that films are signed with, or make another one of our own.

Works on the data folder and needs no server.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from filmgate.cli.failure import EXIT_USAGE, CommandFailed
from filmgate.cli.operate import checked_folder
from filmgate.cli.options import DataOption, data_folder, settings_with
from filmgate.config import Settings

certs = typer.Typer(help="Show or renew the certificate that films are signed with.")


@certs.command()
def show(data: DataOption = None) -> None:
    """Show who signs films, until when, and the file to give to those who check them.

    \b
    Examples:
      filmgate certs show
    """
    settings, folder = settings_with(data=data), data_folder(data)
    pair = certificate_of(settings, folder)
    if pair is None:
        raise CommandFailed(
            f"no certificate was made in {folder} yet",
            advice="The first start makes one; `filmgate certs new` makes it now.",
        )
    _print(pair[0], is_own=not settings.provenance_certificate, is_used=settings.provenance)


@certs.command()
def new(data: DataOption = None) -> None:
    """Make another self-made certificate. Films are signed with it from the next start on.

    Earlier ones are kept.

    \b
    Examples:
      filmgate certs new
    """
    settings = settings_with(data=data)
    if settings.provenance_certificate:
        raise CommandFailed(
            f"films are signed with {settings.provenance_certificate}, which is yours",
            advice="Renew it there; without provenance_certificate filmgate makes its own.",
            exit_code=EXIT_USAGE,
        )
    from filmgate.media.certificates import FOLDER, make_pair
    from filmgate.supervisor.data_folder import DataFolder

    folder = DataFolder(checked_folder(data, may_come_first=True)).path
    made = make_pair(folder / FOLDER, now=datetime.now(UTC))
    _print(made.certificate, is_own=True, is_used=settings.provenance)
    print("A running server goes on with the earlier one until it is restarted.")


def certificate_of(settings: Settings, folder: Path) -> tuple[Path, Path] | None:
    """Return certificate and key in force in a data folder; None if none was made yet."""
    from filmgate.media.certificates import FOLDER, newest_pair

    if settings.provenance_certificate:
        return Path(settings.provenance_certificate), Path(settings.provenance_key)
    return newest_pair(folder / FOLDER)


def _print(certificate: Path, *, is_own: bool, is_used: bool) -> None:
    from filmgate.media.certificates import certificate_facts

    facts = certificate_facts(certificate)
    made_by = "self-made" if is_own else "yours, by the settings"
    print(f"subject      {facts.subject} ({made_by})")
    print(f"issuer       {facts.issuer}")
    print(f"valid        {facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}")
    print(f"fingerprint  {facts.fingerprint}")
    print(f"certificate  {certificate}")
    if not is_used:
        print("Provenance is off: films are not signed.")
