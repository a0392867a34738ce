"""filmgate keys: make, list and revoke API keys, straight in the database of the data folder.

For operators.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import datetime
from typing import Annotated

import typer

from filmgate.cli.options import DataOption, settings_with
from filmgate.config import Settings
from filmgate.domain.api_key import ApiKey

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; shown in lists.")],
    account: Annotated[
        str, typer.Option(metavar="NAME", help="Whose key it is; a new account is made.")
    ] = "main",
    data: DataOption = None,
) -> None:
    """Make a key and print its token, alone, on standard output. It is not shown again.

    \b
    Examples:
      filmgate keys create laptop
      export FILMGATE_API_KEY=$(filmgate keys create ci --data /srv/filmgate)
      filmgate keys create web --account customer-7
    """
    # A database that is started for this may log; only the token may reach standard output.
    with contextlib.redirect_stdout(sys.stderr):
        key, token = asyncio.run(_create(settings_with(data=data), name, account))
    print(token)
    if sys.stdout.isatty():
        print(
            f"This is the token of {key.name} ({key.id}). Keep it: it is not shown again.",
            file=sys.stderr,
        )


@keys.command("list")
def list_keys(data: DataOption = None) -> None:
    """List all keys, without their tokens.

    \b
    Examples:
      filmgate keys list
    """
    with contextlib.redirect_stdout(sys.stderr):
        found = asyncio.run(_list(settings_with(data=data)))
    from filmgate.cli.table import print_table

    print_table(
        ["id", "name", "token starts", "created", "last used", "revoked"],
        [
            [
                key.id,
                key.name,
                key.prefix,
                _day(key.created_at),
                _day(key.last_used_at),
                _day(key.revoked_at),
            ]
            for key in found
        ],
        empty="No keys yet: filmgate keys create NAME makes one.",
    )


@keys.command()
def revoke(
    key: Annotated[
        str, typer.Argument(metavar="ID|NAME", help="The key, as `keys list` shows it.")
    ],
    data: DataOption = None,
) -> None:
    """Revoke a key at once: requests with it are refused. Its tasks go on.

    \b
    Examples:
      filmgate keys revoke laptop
    """
    with contextlib.redirect_stdout(sys.stderr):
        revoked = asyncio.run(_revoke(settings_with(data=data), key))
    print(f"Revoked {revoked.name} ({revoked.id}).")


async def _create(settings: Settings, name: str, account: str) -> tuple[ApiKey, str]:
    from filmgate.bootstrap import operator

    async with operator(settings) as verbs:
        return await verbs.create_key(name, account=account)


async def _list(settings: Settings) -> list[ApiKey]:
    from filmgate.bootstrap import operator

    async with operator(settings) as verbs:
        return await verbs.list_keys()


async def _revoke(settings: Settings, id_or_name: str) -> ApiKey:
    from filmgate.bootstrap import operator

    async with operator(settings) as verbs:
        return await verbs.revoke_key(id_or_name)


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "–"
