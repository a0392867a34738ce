"""filmgate webhooks: see deliveries, make one again, read or rotate a key's signing secret.

For operators: straight in the database of the data folder.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.cli.operate import run
from filmgate.cli.options import DataOption
from filmgate.domain.webhook import Delivery, WebhookSecret

if TYPE_CHECKING:
    from filmgate.service.deps import Deps

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
    from filmgate.cli.table import print_table
    from filmgate.service.manage_webhooks import list_deliveries as verb

    state = "failed" if failed else None
    found = run(
        data,
        lambda deps: verb(key=None, task_id=task, state=state, before=None, limit=limit, deps=deps),
    )
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
    from filmgate.service.manage_webhooks import redeliver as verb

    delivery = run(data, lambda deps: verb(delivery_id, key=None, deps=deps))
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
    found = run(data, lambda deps: _secret(key, is_rotated=rotate, deps=deps))
    print(found.secret)
    if found.previous_until is not None:
        print(
            f"The secret before it stays valid until {_moment(found.previous_until)}.",
            file=sys.stderr,
        )


async def _secret(id_or_name: str, *, is_rotated: bool, deps: Deps) -> WebhookSecret:
    from filmgate.service.manage_keys import find_key
    from filmgate.service.manage_webhooks import rotate_webhook_secret, webhook_secret

    key = await find_key(id_or_name, deps=deps)
    hand_out = rotate_webhook_secret if is_rotated else webhook_secret
    return await hand_out(key.id, deps=deps)


def _outcome(delivery: Delivery) -> str:
    return delivery.last_error or (f"{delivery.last_status}" if delivery.last_status else "–")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"
