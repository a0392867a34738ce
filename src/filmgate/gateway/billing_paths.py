"""The paths of balance and usage, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from filmgate.domain.usage import DAYS_MAX
from filmgate.gateway.openapi_headers import DISPOSITION
from filmgate.gateway.openapi_parts import Json, operation, parameter, ref
from filmgate.service.read_usage import DAYS_DEFAULT, GROUPINGS, TIMEZONE_DEFAULT

_DAY: Json = {"type": "string", "format": "date"}


def billing_paths() -> Json:
    """Return the paths; each has an alias without /v1."""
    paths: Json = {}
    for prefix, suffix in (("/v1", ""), ("", "Alias")):
        paths[f"{prefix}/balance"] = {
            "get": operation("What this key may spend", f"balance{suffix}", "BalanceAnswer")
        }
        paths[f"{prefix}/user/balance"] = {
            "get": operation(
                "What this key's account may spend", f"userBalance{suffix}", "BalanceAnswer"
            )
        }
        paths[f"{prefix}/usage"] = {"get": _usage(f"usage{suffix}")}
    return paths


def _usage(name: str) -> Json:
    both: Json = {
        "description": "OK",
        "headers": DISPOSITION,
        "content": {
            "application/json": {"schema": ref("UsageAnswer")},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
    return operation(
        "What finished videos cost; failed and cancelled ones are not in it",
        name,
        None,
        parameters=[
            parameter(
                "start",
                "query",
                _DAY,
                f"First day, YYYY-MM-DD; {DAYS_DEFAULT - 1} days before `end` when absent.",
            ),
            parameter(
                "end", "query", _DAY, f"Last day, included; today when absent. Max {DAYS_MAX} days."
            ),
            parameter(
                "group_by",
                "query",
                {"type": "string", "enum": list(GROUPINGS), "default": "none"},
                f"How finely: {', '.join(f'`{grouping}`' for grouping in GROUPINGS)}.",
            ),
            parameter(
                "scope",
                "query",
                {"type": "string", "enum": ["key", "account"], "default": "key"},
                "`key`: this key's videos; `account`: those of all keys of its account.",
            ),
            parameter(
                "timezone",
                "query",
                {"type": "string", "default": TIMEZONE_DEFAULT},
                "Whose days: UTC (default), or a name such as Asia/Shanghai.",
            ),
            parameter(
                "format",
                "query",
                {"type": "string", "enum": ["json", "csv"]},
                "`csv` for a table, as with `Accept: text/csv`.",
            ),
        ],
        responses={"200": both},
    )
