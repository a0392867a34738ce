"""filmgate accounts: make, list, show and limit accounts, straight in the database of the data
folder. For operators.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from filmgate.cli.operate import run
from filmgate.cli.options import DataOption, JsonOption
from filmgate.domain.account import Account
from filmgate.domain.ledger import CREDITS_PER_USD, MICRO_USD

accounts = typer.Typer(help="Make, list, show and limit accounts.", no_args_is_help=True)
AccountArgument = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The account's name or id.")
]


class Switch(StrEnum):
    """On or off."""

    ON = "on"
    OFF = "off"


@accounts.command()
def create(
    name: Annotated[str, typer.Argument(help="Who it is; shown in lists.")],
    limited: Annotated[
        bool, typer.Option("--limited", help="It spends only what it is granted.")
    ] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="Its keys with `manage` manage everything.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Make an account. Its keys are made with `keys create NAME --account ACCOUNT`.

    \b
    Examples:
      filmgate accounts create customer-7 --limited
      filmgate keys create web --account customer-7
    """
    from filmgate.service.manage_accounts import create_account

    found = run(
        data,
        lambda deps: create_account(name, is_limited=limited, is_admin=admin, deps=deps),
        may_come_first=True,
    )
    show_account(found, as_json=False)


@accounts.command("list")
def list_accounts(as_json: JsonOption = False, data: DataOption = None) -> None:
    """List all accounts with what they have and what they spent, in US dollars.

    \b
    Examples:
      filmgate accounts list
    """
    from filmgate.service.manage_accounts import list_accounts as verb

    found = run(data, lambda deps: verb(deps=deps))
    if as_json:
        print_json([account_json(account) for account in found])
        return
    from filmgate.cli.table import print_table

    print_table(
        ["id", "name", "limit", "granted", "available", "held", "spent", "keys", "unfinished"],
        [
            [
                account.id,
                account.name,
                limit_words(account),
                usd(account.balance.granted),
                usd(account.balance.available),
                usd(account.balance.held),
                usd(account.balance.captured),
                str(account.usable_keys),
                str(account.unfinished),
            ]
            for account in found
        ],
        empty="No accounts yet: filmgate keys create NAME makes the first.",
    )


@accounts.command()
def show(account: AccountArgument, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Show one account.

    \b
    Examples:
      filmgate accounts show main
    """
    from filmgate.service.manage_accounts import find_account

    show_account(run(data, lambda deps: find_account(account, deps=deps)), as_json=as_json)


@accounts.command()
def limit(
    account: AccountArgument,
    switch: Annotated[
        Switch, typer.Argument(metavar="on|off", help="on: it spends only what it was granted.")
    ],
    data: DataOption = None,
) -> None:
    """Let an account spend only what it was granted (on), or without a limit (off).

    \b
    Examples:
      filmgate accounts limit customer-7 on
      filmgate credits grant customer-7 25
    """
    from filmgate.service.manage_accounts import limit_account

    is_limited = switch is Switch.ON
    found = run(data, lambda deps: limit_account(account, is_limited=is_limited, deps=deps))
    show_account(found, as_json=False)


@accounts.command()
def admin(
    account: AccountArgument,
    switch: Annotated[
        Switch, typer.Argument(metavar="on|off", help="on: its keys with `manage` manage all.")
    ],
    data: DataOption = None,
) -> None:
    """Let an account's keys with the scope `manage` manage everything (on), or only itself (off).

    \b
    Examples:
      filmgate accounts admin operators on
    """
    from filmgate.service.manage_accounts import edit_account

    is_admin = switch is Switch.ON
    found = run(data, lambda deps: edit_account(account, is_admin=is_admin, deps=deps))
    show_account(found, as_json=False)


def show_account(account: Account, *, as_json: bool) -> None:
    """Print an account."""
    if as_json:
        print_json(account_json(account))
        return
    from filmgate.cli.table import print_facts

    balance = account.balance
    facts = [
        ("account", account.name),
        ("id", account.id),
        ("limit", limit_words(account)),
        ("admin", "on" if account.is_admin else "off"),
        ("granted", usd(balance.granted)),
        ("available", usd(balance.available)),
        ("held", usd(balance.held)),
        ("spent", usd(balance.captured)),
        ("keys", str(account.usable_keys)),
        ("unfinished tasks", str(account.unfinished)),
    ]
    print_facts(facts, title="Account")


def account_json(account: Account) -> dict[str, Any]:
    """Return an account as JSON shows it; amounts in US dollars."""
    balance = account.balance
    return {
        "id": account.id,
        "name": account.name,
        "created_at": account.created_at,
        "is_limited": balance.is_limited,
        "is_admin": account.is_admin,
        "granted_usd": balance.granted / MICRO_USD,
        "available_usd": balance.available / MICRO_USD,
        "held_usd": balance.held / MICRO_USD,
        "spent_usd": balance.captured / MICRO_USD,
        "available_credits": balance.available * CREDITS_PER_USD / MICRO_USD,
        "keys": account.usable_keys,
        "unfinished_tasks": account.unfinished,
    }


def limit_words(account: Account) -> str:
    """Say whether an account has a limit."""
    return "on" if account.balance.is_limited else "off"


def usd(micro_usd: int) -> str:
    """Return an amount in US dollars, with at least two decimals."""
    text = f"{abs(micro_usd) / MICRO_USD:,.6f}"
    whole, _, rest = text.partition(".")
    rest = rest.rstrip("0").ljust(2, "0")
    return f"{'-' if micro_usd < 0 else ''}${whole}.{rest}"


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
