"""filmgate webhooks: see deliveries, make one again, read or rotate a key's signing secret.

For operators: straight in the database of the data folder.
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
from filmgate.domain.webhook import Delivery, WebhookSecret

webhooks = typer.Typer(
    help="See webhook deliveries, make them again, handle signing secrets.", no_args_is_help=True
)


@webhooks.command("list")
def list_deliveries(
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK_ID", help="Only this task's.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that were given up.")
    ] = False,
    limit: Annotated[int, typer.Option(help="How many at most, newest first.")] = 50,
    data: DataOption = None,
) -> None:
    """List deliveries of all accounts, newest first.

    \b
    Examples:
      filmgate webhooks list --failed
      filmgate webhooks list --task task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ
    """
    with contextlib.redirect_stdout(sys.stderr):
        found = asyncio.run(
            _list(settings_with(data=data), task, "failed" if failed else None, limit)
        )
    from filmgate.cli.table import print_table

    print_table(
        ["id", "task", "state", "attempts", "last outcome", "next attempt", "url"],
        [
            [
                delivery.id,
                delivery.task_id,
                delivery.state.value,
                str(delivery.attempts),
                _outcome(delivery),
                _moment(delivery.next_at) if delivery.state == "pending" else "–",
                delivery.url,
            ]
            for delivery in found
        ],
        empty="No deliveries.",
    )


@webhooks.command()
def redeliver(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="As `webhooks list` shows it.")],
    data: DataOption = None,
) -> None:
    """Make a delivery again at once, whatever became of it before; its webhook-id stays the same.

    \b
    Examples:
      filmgate webhooks redeliver whd_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ
    """
    with contextlib.redirect_stdout(sys.stderr):
        delivery = asyncio.run(_redeliver(settings_with(data=data), delivery_id))
    print(f"{delivery.id} is due now; a running server posts it to {delivery.url}.")


@webhooks.command()
def secret(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="An API key's id or name, as `keys list` shows it.")
    ],
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new one; the old one signs 24 more hours.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Print the secret that signs a key's webhooks, alone, on standard output.

    \b
    Examples:
      filmgate webhooks secret laptop
      filmgate webhooks secret laptop --rotate
    """
    with contextlib.redirect_stdout(sys.stderr):
        found = asyncio.run(_secret(settings_with(data=data), key, is_rotated=rotate))
    print(found.secret)
    if found.previous_until is not None:
        print(
            f"The secret before it stays valid until {_moment(found.previous_until)}.",
            file=sys.stderr,
        )


async def _list(
    settings: Settings, task_id: str | None, state: str | None, limit: int
) -> list[Delivery]:
    from filmgate.bootstrap import operator

    async with operator(settings) as verbs:
        return await verbs.list_deliveries(task_id=task_id, state=state, limit=limit)


async def _redeliver(settings: Settings, delivery_id: str) -> Delivery:
    from filmgate.bootstrap import operator

    async with operator(settings) as verbs:
        return await verbs.redeliver(delivery_id)


async def _secret(settings: Settings, key: str, *, is_rotated: bool) -> WebhookSecret:
    from filmgate.bootstrap import operator

    async with operator(settings) as verbs:
        return await verbs.webhook_secret(key, is_rotated=is_rotated)


def _outcome(delivery: Delivery) -> str:
    return delivery.last_error or (f"{delivery.last_status}" if delivery.last_status else "–")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"
