"""filmgate ledger: check that every account's balance is the sum of its entries. For operators."""

from __future__ import annotations

import sys

import typer

from filmgate.cli.accounts import usd
from filmgate.cli.operate import run
from filmgate.cli.options import DataOption
from filmgate.domain.ledger import Balance

ledger = typer.Typer(help="Check the ledger.", no_args_is_help=True)

EXIT_FOUND = 1


@ledger.callback()
def root() -> None:
    """Check the ledger."""


@ledger.command()
def verify(data: DataOption = None) -> None:
    """Check that granted = available + held + spent, for every account, entry by entry.

    Exit status 1 means that an account does not add up; the table says where.

    \b
    Examples:
      filmgate ledger verify
    """
    from filmgate.cli.table import print_table
    from filmgate.service.audit_ledger import audit_ledger

    faults = run(data, lambda deps: audit_ledger(deps=deps))
    print_table(
        ["account", "what", "granted", "available", "held", "spent"],
        [
            [fault.account_id, what, *_amounts(balance)]
            for fault in faults
            for what, balance in (("kept", fault.stored), ("entries say", fault.summed))
        ],
        empty="Every account adds up.",
    )
    if faults:
        print(f"{len(faults):,} accounts do not add up.", file=sys.stderr)
        raise typer.Exit(EXIT_FOUND)


def _amounts(balance: Balance) -> list[str]:
    return [
        usd(amount)
        for amount in (balance.granted, balance.available, balance.held, balance.captured)
    ]
