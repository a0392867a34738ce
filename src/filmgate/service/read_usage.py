"""Sum up what finished videos cost, over at most 31 days of a time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.usage import DAYS_MAX, Scope, UsageFilter, UsageLine, day_boundaries
from filmgate.service.deps import Deps

DAYS_DEFAULT = 30
TIMEZONE_DEFAULT = "UTC"
GROUPINGS = {
    "none": frozenset[str](),
    "model": frozenset({"model"}),
    "date": frozenset({"date"}),
    "model,date": frozenset({"model", "date"}),
}
_DATE_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The lines, and the question they answer, with what was left out filled in."""

    start: date
    end: date
    timezone: str
    grouping: str
    scope: Scope
    lines: tuple[UsageLine, ...]

    def day_of(self, line: UsageLine) -> date | None:
        """Return the day that a line is about."""
        return None if line.day_index is None else self.start + timedelta(days=line.day_index)


async def read_usage(asked: Mapping[str, str], *, key: ApiKey, deps: Deps) -> Usage:
    """Answer `start`, `end` (YYYY-MM-DD, both included), `group_by`, `scope` and `timezone`.

    Absent are: `end` today, `start` 29 days before it. Raises InvalidFields with every broken rule.
    """
    broken: list[BrokenRule] = []
    start, end, zone = read_days(asked, now=deps.clock.now(), days_max=DAYS_MAX, broken=broken)
    grouping = asked.get("group_by") or "none"
    grouping = "model,date" if grouping == "date,model" else grouping
    if grouping not in GROUPINGS:
        known = ", ".join(word for word in GROUPINGS if "," not in word)
        message = f"group_by must be {known} or model,date, got {shown(grouping)}"
        broken.append(BrokenRule("group_by", message))
    scope = asked.get("scope") or Scope.KEY.value
    if scope not in set(Scope):
        broken.append(BrokenRule("scope", f"scope must be key or account, got {shown(scope)}"))
    if broken:
        raise InvalidFields(broken)
    wanted = UsageFilter(
        account_id=key.account_id,
        api_key_id=key.id if scope == Scope.KEY else None,
        boundaries=day_boundaries(start, end, zone),
        by_model="model" in GROUPINGS[grouping],
        by_day="date" in GROUPINGS[grouping],
    )
    return Usage(
        start=start,
        end=end,
        timezone=str(zone),
        grouping=grouping,
        scope=Scope(scope),
        lines=tuple(await deps.store.usage(wanted)),
    )


def read_days(
    asked: Mapping[str, str], *, now: datetime, days_max: int, broken: list[BrokenRule]
) -> tuple[date, date, tzinfo]:
    """Return `start`, `end` and `timezone`; what is wrong with them goes to `broken`."""
    zone = _zone(asked.get("timezone") or TIMEZONE_DEFAULT, broken)
    end = _date("end", asked.get("end"), now.astimezone(zone).date(), broken)
    start = _date("start", asked.get("start"), _days_before(end, DAYS_DEFAULT - 1), broken)
    if not broken and not 1 <= (end - start).days + 1 <= days_max:
        rule = f"start to end must be 1 to {days_max} days, got {start} to {end}"
        broken.append(BrokenRule("start", rule))
    return start, end, zone


def _days_before(day: date, count: int) -> date:
    return day - timedelta(days=count) if day.toordinal() > count else date.min


def _date(param: str, text: str | None, default: date, broken: list[BrokenRule]) -> date:
    if not text:
        return default
    try:
        if _DATE_FORM.fullmatch(text):
            day = date.fromisoformat(text)
            if 1970 <= day.year < 9999:
                return day
    except ValueError:
        pass
    rule = f"{param} must be a day such as {datetime(2026, 11, 23, tzinfo=UTC):%Y-%m-%d}"
    broken.append(BrokenRule(param, f"{rule}, got {shown(text)}"))
    return default


def _zone(name: str, broken: list[BrokenRule]) -> tzinfo:
    if name == TIMEZONE_DEFAULT:
        return UTC
    try:
        if _ZONE_FORM.fullmatch(name) and len(name) <= 64:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    rule = "timezone must be UTC or a name of the time zone database such as Asia/Shanghai"
    broken.append(BrokenRule("timezone", f"{rule}, got {shown(name)}"))
    return UTC
