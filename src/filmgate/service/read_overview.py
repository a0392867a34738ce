"""Read what those who manage see of the whole: usage over accounts and keys, how the server stands.

`within` is the account beyond which nothing is seen; None stands for an admin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from filmgate.domain.account import Account
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.overview import USAGE_DAYS_MAX, Standing, Totals, TotalsFilter
from filmgate.domain.usage import day_boundaries
from filmgate.domain.webhook import Delivery
from filmgate.ports.storage import Space
from filmgate.service.deps import Deps
from filmgate.service.manage_accounts import find_account
from filmgate.service.manage_keys import find_key
from filmgate.service.manage_webhooks import list_deliveries
from filmgate.service.read_usage import read_days
from filmgate.service.upstream import Routes

GROUPS = ("date", "model", "key", "account")
FAILURES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The lines, and the question they answer, with what was left out filled in."""

    start: date
    end: date
    timezone: str
    groups: tuple[str, ...]
    lines: tuple[Totals, ...]

    def day_of(self, line: Totals) -> date | None:
        """Return the day that a line is about."""
        return None if line.day_index is None else self.start + timedelta(days=line.day_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """How the server stands."""

    standing: Standing
    routes: Routes
    unfinished_max: int
    failed_deliveries: tuple[Delivery, ...]
    space: Space | None


async def read_summary(asked: Mapping[str, str], *, within: Account | None, deps: Deps) -> Summary:
    """Answer `start`, `end`, `timezone`, `group_by` (any of GROUPS, comma-separated), `account`
    and `key` (ids or names).

    Raises InvalidFields with every broken rule, NotFound.
    """
    broken: list[BrokenRule] = []
    now = deps.clock.now()
    start, end, zone = read_days(asked, now=now, days_max=USAGE_DAYS_MAX, broken=broken)
    words = [word.strip() for word in asked.get("group_by", "").split(",") if word.strip()]
    groups = tuple(group for group in GROUPS if group in words)
    if not set(words) <= {*GROUPS, "none"}:
        rule = f"group_by must be some of {', '.join(GROUPS)}"
        broken.append(BrokenRule("group_by", f"{rule}, got {shown(asked['group_by'])}"))
    if broken:
        raise InvalidFields(broken)
    account, key = within, None
    if asked.get("account"):
        account = await find_account(asked["account"], deps=deps, within=within)
    if asked.get("key"):
        key = await find_key(asked["key"], deps=deps, within=within)
    wanted = TotalsFilter(
        account_id=account.id if account else None,
        api_key_id=key.id if key else None,
        boundaries=day_boundaries(start, end, zone),
        by_day="date" in groups,
        by_model="model" in groups,
        by_key="key" in groups,
        by_account="account" in groups,
    )
    lines = tuple(await deps.store.totals(wanted))
    return Summary(start=start, end=end, timezone=str(zone), groups=groups, lines=lines)


async def read_system(*, deps: Deps) -> SystemView:
    """Say how the whole server stands."""
    failed = await list_deliveries(
        key=None, task_id=None, state="failed", before=None, limit=FAILURES_MAX, deps=deps
    )
    return SystemView(
        standing=await deps.store.standing(failures_max=FAILURES_MAX),
        routes=deps.routes,
        unfinished_max=deps.limits.queue_length_max,
        failed_deliveries=tuple(failed),
        space=await deps.storage.space(),
    )
