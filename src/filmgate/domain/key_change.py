"""What somebody wants of a key, from named fields to attributes of ApiKey. It changes no key.

name · scopes · models · networks · requests_per_minute · concurrent_tasks_max · queue_length_max
priority · budget_usd_day · budget_usd_month · budget_usd_total · expires_at

A field that is absent stays as it is; None lifts a limit. The API and the command line read the
same fields, so that both know the same rules.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from filmgate.domain.api_key import ApiKey, KeyScope, Priority
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.ledger import MICRO_USD

_LIST_MAX = 100
_BUDGETS = {f"budget_usd_{period}": period for period in ("day", "month", "total")}


def changed(key: ApiKey, fields: Mapping[str, object]) -> ApiKey:
    """Return the key with what the fields say. Raises InvalidFields with every broken rule.

    What a value may be, beyond its type, is told by `broken_rules` (domain/api_key.py).
    """
    broken: list[BrokenRule] = []
    values: dict[str, Any] = {}
    for name, value in fields.items():
        read = _READERS.get(name)
        if read is None:
            near = difflib.get_close_matches(name, _READERS, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(_READERS)}"
            broken.append(BrokenRule(name, f"{shown(name)} is not a field of a key{hint}"))
            continue
        try:
            values[name] = None if value is None and name in _LIMITS else read(value)
        except _Unfit as unfit:
            broken.append(BrokenRule(name, f"{name} must be {unfit}, got {shown(value)}"))
    if broken:
        raise InvalidFields(broken)
    budget = {_BUDGETS[name]: values.pop(name) for name in list(values) if name in _BUDGETS}
    return replace(key, **values, budget=replace(key.budget, **budget))


class _Unfit(Exception):
    """The value is of no use; the message says what is."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit("a string")
    return value


def _texts(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in items):
        raise _Unfit("an array of strings")
    if len(items) > _LIST_MAX:
        raise _Unfit(f"an array of at most {_LIST_MAX} strings")
    return tuple(cast("list[str]", items))


def _scopes(value: object) -> frozenset[KeyScope]:
    known = set(KeyScope)
    words = _texts(value)
    if not known.issuperset(words):
        raise _Unfit(f"some of {', '.join(KeyScope)}")
    return frozenset(KeyScope(word) for word in words)


def _models(value: object) -> frozenset[str]:
    return frozenset(_texts(value))


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Unfit("an integer")
    return value


def _priority(value: object) -> Priority:
    if value not in set(Priority):
        raise _Unfit("low, normal or high")
    return Priority(cast("str", value))


def _micro_usd(value: object) -> int:
    unfit = _Unfit("US dollars with at most 6 decimals")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise unfit
    try:
        amount = Decimal(str(value)) * MICRO_USD
    except InvalidOperation:
        raise unfit from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise unfit
    return int(amount)


def _moment(value: object) -> datetime:
    unfit = _Unfit("a date and time such as 2027-01-31T12:00:00Z, or a day")
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        raise unfit from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


_READERS: Mapping[str, Callable[[object], object]] = {
    "name": _text,
    "scopes": _scopes,
    "models": _models,
    "networks": _texts,
    "requests_per_minute": _number,
    "concurrent_tasks_max": _number,
    "queue_length_max": _number,
    "priority": _priority,
    **dict.fromkeys(_BUDGETS, _micro_usd),
    "expires_at": _moment,
}
_LIMITS = frozenset(_READERS) - {"name", "scopes", "priority"}
KEY_FIELDS = tuple(_READERS)
