"""filmgate keys: make, show, change, rotate and revoke API keys, straight in the database of the
data folder. For operators.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.cli.accounts import print_json, usd
from filmgate.cli.key_options import (
    BudgetDayOption,
    BudgetMonthOption,
    BudgetTotalOption,
    ConcurrentOption,
    ExpiresOption,
    ModelsOption,
    NetworksOption,
    PriorityOption,
    QueueOption,
    RateOption,
    ScopesOption,
    fields_of,
)
from filmgate.cli.operate import run
from filmgate.cli.options import DataOption, JsonOption

if TYPE_CHECKING:
    from filmgate.service.deps import Deps
    from filmgate.service.manage_keys import KeyView

keys = typer.Typer(help="Make, show, change and revoke API keys.", no_args_is_help=True)
KeyArgument = Annotated[
    str, typer.Argument(metavar="ID|NAME", help="The key, as `keys list` shows it.")
]
ACCOUNT_DEFAULT = "main"


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; shown in lists.")],
    account: Annotated[
        str, typer.Option(metavar="NAME", help="Whose key it is; the account must be there.")
    ] = ACCOUNT_DEFAULT,
    new_account: Annotated[
        bool, typer.Option("--new-account", help="Make the account, if it is not there.")
    ] = False,
    scopes: ScopesOption = None,
    models: ModelsOption = None,
    networks: NetworksOption = None,
    requests_per_minute: RateOption = None,
    concurrent_tasks: ConcurrentOption = None,
    queue_length: QueueOption = None,
    priority: PriorityOption = None,
    budget_day: BudgetDayOption = None,
    budget_month: BudgetMonthOption = None,
    budget_total: BudgetTotalOption = None,
    expires: ExpiresOption = None,
    data: DataOption = None,
) -> None:
    """Make a key and print its token, alone, on standard output. It is not shown again.

    \b
    Examples:
      filmgate keys create laptop
      export FILMGATE_API_KEY=$(filmgate keys create ci --data /srv/filmgate)
      filmgate keys create web --account customer-7 --new-account --budget-month 50
      filmgate keys create dashboard --scopes read --networks 10.0.0.0/8 --expires 90d
    """
    fields = fields_of(
        name=name,
        scopes=scopes,
        models=models,
        networks=networks,
        requests_per_minute=requests_per_minute,
        concurrent_tasks_max=concurrent_tasks,
        queue_length_max=queue_length,
        priority=priority,
        budget_usd_day=budget_day,
        budget_usd_month=budget_month,
        budget_usd_total=budget_total,
        expires_at=expires,
    )
    view, token = run(
        data,
        lambda deps: _create(fields, account, may_make=new_account, deps=deps),
        may_come_first=True,
    )
    _print_token(view, token)


@keys.command("list")
def list_keys(
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only keys of this account.")
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List all keys, without their tokens.

    \b
    Examples:
      filmgate keys list
      filmgate keys list --account customer-7 --json
    """
    found = run(data, lambda deps: _list(account, deps))
    if as_json:
        print_json(_objects(found))
        return
    from filmgate.cli.table import print_table

    now = _now()
    print_table(
        ["id", "name", "account", "token starts", "state", "scopes", "spent", "last used"],
        [
            [
                view.key.id,
                view.key.name,
                view.account.name,
                view.key.prefix,
                _state(view, now),
                ",".join(sorted(view.key.scopes)),
                usd(view.spent.total),
                _minute(view.key.last_used_at),
            ]
            for view in found
        ],
        empty="No keys yet: filmgate keys create NAME makes one.",
    )


@keys.command()
def show(key: KeyArgument, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Show all that is kept of a key: limits, budgets, use.

    \b
    Examples:
      filmgate keys show laptop
    """
    from filmgate.service.manage_keys import show_key

    view = run(data, lambda deps: show_key(key, deps=deps))
    if as_json:
        print_json(_objects([view])[0])
        return
    from filmgate.cli.table import print_facts

    print_facts(_facts(view), title="Key")


@keys.command()
def edit(
    key: KeyArgument,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    scopes: ScopesOption = None,
    models: ModelsOption = None,
    networks: NetworksOption = None,
    requests_per_minute: RateOption = None,
    concurrent_tasks: ConcurrentOption = None,
    queue_length: QueueOption = None,
    priority: PriorityOption = None,
    budget_day: BudgetDayOption = None,
    budget_month: BudgetMonthOption = None,
    budget_total: BudgetTotalOption = None,
    expires: ExpiresOption = None,
    data: DataOption = None,
) -> None:
    """Change what is named; the word `none` lifts a limit. It is in force within a second.

    \b
    Examples:
      filmgate keys edit laptop --budget-day 5 --requests-per-minute 60
      filmgate keys edit laptop --budget-day none --models wan2.5-preview
    """
    from filmgate.service.manage_keys import edit_key

    fields = fields_of(
        name=name,
        scopes=scopes,
        models=models,
        networks=networks,
        requests_per_minute=requests_per_minute,
        concurrent_tasks_max=concurrent_tasks,
        queue_length_max=queue_length,
        priority=priority,
        budget_usd_day=budget_day,
        budget_usd_month=budget_month,
        budget_usd_total=budget_total,
        expires_at=expires,
    )
    from filmgate.cli.table import print_facts

    print_facts(_facts(run(data, lambda deps: edit_key(key, fields, deps=deps))), title="Key")


@keys.command()
def rotate(
    key: KeyArgument,
    overlap: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long the old token stays valid: 24h, 7d, 0."),
    ] = "24h",
    data: DataOption = None,
) -> None:
    """Give a key a new token and print it, alone, on standard output. It is not shown again.

    \b
    Examples:
      filmgate keys rotate laptop
      filmgate keys rotate laptop --overlap 0      (it leaked: the old one ends at once)
    """
    from filmgate.cli.key_options import seconds_of
    from filmgate.service.manage_keys import rotate_key

    overlap_s = seconds_of(overlap)
    view, token = run(data, lambda deps: rotate_key(key, overlap_s=overlap_s, deps=deps))
    _print_token(view, token)


@keys.command()
def disable(key: KeyArgument, data: DataOption = None) -> None:
    """Take a key out of use until it is enabled again. Its tasks go on.

    \b
    Examples:
      filmgate keys disable laptop
    """
    from filmgate.service.manage_keys import disable_key

    view = run(data, lambda deps: disable_key(key, is_disabled=True, deps=deps))
    print(f"Disabled {view.key.name} ({view.key.id}).")


@keys.command()
def enable(key: KeyArgument, data: DataOption = None) -> None:
    """Put a disabled key back into use.

    \b
    Examples:
      filmgate keys enable laptop
    """
    from filmgate.service.manage_keys import disable_key

    view = run(data, lambda deps: disable_key(key, is_disabled=False, deps=deps))
    print(f"Enabled {view.key.name} ({view.key.id}).")


@keys.command()
def revoke(key: KeyArgument, data: DataOption = None) -> None:
    """Take a key out of use for ever: requests with it are refused at once. Its tasks go on.

    \b
    Examples:
      filmgate keys revoke laptop
    """
    from filmgate.service.manage_keys import revoke_key

    view = run(data, lambda deps: revoke_key(key, deps=deps))
    print(f"Revoked {view.key.name} ({view.key.id}).")


async def _create(
    fields: Mapping[str, object], account: str, *, may_make: bool, deps: Deps
) -> tuple[KeyView, str]:
    from filmgate.domain.errors import NotFound
    from filmgate.service.manage_accounts import create_account, find_account, first_account
    from filmgate.service.manage_keys import create_key

    if account == ACCOUNT_DEFAULT:
        owner = await first_account(deps=deps)
    else:
        try:
            owner = await find_account(account, deps=deps)
        except NotFound as missing:
            if not may_make:
                advice = "--new-account makes one"
                raise NotFound(f"{missing.message} {advice}", param="account") from missing
            owner = await create_account(account, deps=deps)
    return await create_key(fields, account=owner, deps=deps)


async def _list(account: str | None, deps: Deps) -> list[KeyView]:
    from filmgate.service.manage_accounts import find_account
    from filmgate.service.manage_keys import list_keys

    owner = await find_account(account, deps=deps) if account else None
    return await list_keys(account=owner, deps=deps)


def _print_token(view: KeyView, token: str) -> None:
    print(token)
    if sys.stdout.isatty():
        said = f"This is the token of {view.key.name} ({view.key.id})."
        print(f"{said} Keep it: it is not shown again.", file=sys.stderr)


def _facts(view: KeyView) -> list[tuple[str, str]]:
    key, budget, spent = view.key, view.key.budget, view.spent
    limits = {
        "requests per minute": key.requests_per_minute,
        "concurrent tasks": key.concurrent_tasks_max,
        "queue length": key.queue_length_max,
    }
    return [
        ("key", key.name),
        ("id", key.id),
        ("account", view.account.name),
        ("state", _state(view, _now())),
        ("token starts", key.prefix),
        ("scopes", ", ".join(sorted(key.scopes))),
        ("models", ", ".join(sorted(key.models)) if key.models else "all"),
        ("networks", ", ".join(key.networks) if key.networks else "all"),
        *((name, "no limit" if limit is None else f"{limit:,}") for name, limit in limits.items()),
        ("priority", key.priority.value),
        ("spent today (UTC)", _of_budget(spent.day, budget.day)),
        ("spent this month", _of_budget(spent.month, budget.month)),
        ("spent in all", _of_budget(spent.total, budget.total)),
        ("created", _minute(key.created_at)),
        ("expires", _minute(key.expires_at)),
        (
            "last used",
            " from ".join(filter(None, (_minute(key.last_used_at), key.last_used_address))),
        ),
    ]


def _objects(views: list[KeyView]) -> list[object]:
    from filmgate.gateway.admin_wire import key_object

    now = _now()
    return [key_object(view, now=now) for view in views]


def _of_budget(spent: int, budget: int | None) -> str:
    return usd(spent) if budget is None else f"{usd(spent)} of {usd(budget)}"


def _state(view: KeyView, now: datetime) -> str:
    from filmgate.gateway.admin_wire import state_of

    return state_of(view.key, now)


def _now() -> datetime:
    return datetime.now(UTC)


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "–"
