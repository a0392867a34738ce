"""What videos cost: balance and usage, as their payer asks for them. It moves no credits.

GET /v1/balance (this key)           GET /v1/user/balance (its account)
GET /v1/usage?start=&end=&group_by=&scope=&timezone=&format=     each also without /v1
"""

from __future__ import annotations

from starlette.requests import Request

from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.usage import Scope
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.auth import caller
from filmgate.gateway.billing_wire import balance_answer, usage_answer, usage_csv
from filmgate.service.deps import Deps
from filmgate.service.read_balance import read_balance
from filmgate.service.read_usage import read_usage

CSV_TYPE = "text/csv"
FORMATS = ("json", "csv")


class Billing:
    """The handlers of balance and usage."""

    def __init__(self, *, deps: Deps) -> None:
        self._deps = deps

    async def balance(self, request: Request) -> Answer:
        """Show what this key may still spend and has spent."""
        key = await caller(request, self._deps)
        return json_answer(balance_answer(await read_balance(Scope.KEY, key=key, deps=self._deps)))

    async def user_balance(self, request: Request) -> Answer:
        """Show what this key's account may still spend and has spent."""
        key = await caller(request, self._deps)
        spending = await read_balance(Scope.ACCOUNT, key=key, deps=self._deps)
        return json_answer(balance_answer(spending))

    async def usage(self, request: Request) -> Answer:
        """Sum up what finished videos cost, as JSON or CSV."""
        key = await caller(request, self._deps)
        is_csv = wants_csv(request)
        usage = await read_usage(request.query_params, key=key, deps=self._deps)
        if not is_csv:
            return json_answer(usage_answer(usage))
        return csv_answer(usage_csv(usage), f"usage-{usage.start}-{usage.end}.csv")


def csv_answer(table: bytes, name: str) -> Answer:
    """Return a table as a file of that name."""
    return Answer(
        table,
        headers=(
            (b"content-type", f"{CSV_TYPE}; charset=utf-8; header=present".encode()),
            (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        ),
    )


def wants_csv(request: Request) -> bool:
    """Whether the caller asks for CSV, by `format` or `Accept`. Raises InvalidFields."""
    asked = request.query_params.get("format")
    if asked:
        if asked not in FORMATS:
            message = f"format must be {' or '.join(FORMATS)}, got {shown(asked)}"
            raise InvalidFields([BrokenRule("format", message)])
        return asked == "csv"
    accepted = request.headers.get("accept", "").lower()
    return CSV_TYPE in {part.partition(";")[0].strip() for part in accepted.split(",")}
