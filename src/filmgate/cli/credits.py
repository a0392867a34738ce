"""filmgate credits: grant credits to an account, and show what moved its balance. For operators."""

from __future__ import annotations

from typing import Annotated

import typer

from filmgate.cli.accounts import (
    AccountArgument,
    account_json,
    print_json,
    show_account,
    usd,
)
from filmgate.cli.operate import run
from filmgate.cli.options import DataOption, JsonOption
from filmgate.domain.ledger import MICRO_USD

account_credits = typer.Typer(help="Grant credits and show them.", no_args_is_help=True)


@account_credits.command()
def grant(
    account: AccountArgument,
    amount: Annotated[str, typer.Argument(metavar="USD", help="US dollars, such as 25 or 0.5.")],
    note: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    data: DataOption = None,
) -> None:
    """Grant an account an amount in US dollars (1 USD is 10 credits). A negative one takes back.

    \b
    Examples:
      filmgate credits grant customer-7 25 --note "invoice 1042"
      filmgate credits grant customer-7 -- -5
    """
    from filmgate.service.manage_accounts import grant_credits

    found = run(data, lambda deps: grant_credits(account, amount, note=note, deps=deps))
    show_account(found, as_json=False)


@account_credits.command()
def show(account: AccountArgument, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Show an account's credits and the latest entries of its ledger, newest first.

    \b
    Examples:
      filmgate credits show main
    """
    from filmgate.service.manage_accounts import show_account as verb

    found, entries = run(data, lambda deps: verb(account, deps=deps))
    if as_json:
        lines = [
            {
                "at": entry.created_at,
                "movement": entry.movement.value,
                "amount_usd": entry.amount_micro_usd / MICRO_USD,
                "task_id": entry.task_id,
                "note": entry.note,
            }
            for entry in entries
        ]
        print_json({**account_json(found), "entries": lines})
        return
    from filmgate.cli.table import print_table

    show_account(found, as_json=False)
    print_table(
        ["at", "movement", "amount", "task", "note"],
        [
            [
                f"{entry.created_at:%Y-%m-%d %H:%M:%S}" if entry.created_at else "–",
                entry.movement.value,
                usd(entry.amount_micro_usd),
                entry.task_id or "–",
                entry.note or "",
            ]
            for entry in entries
        ],
        empty="Nothing has moved yet.",
    )
