"""Usage over accounts, and how the server stands, for those who manage it. It changes nothing.

GET /v1/admin/usage?start=&end=&timezone=&group_by=date,model,key,account&account=&key=&format=
GET /v1/admin/system
"""

from __future__ import annotations

from starlette.requests import Request

from filmgate.gateway.admin import check_admin, managing_key
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.billing import csv_answer, wants_csv
from filmgate.gateway.overview_wire import (
    SummaryEnvelope,
    SystemEnvelope,
    summary_csv,
    summary_object,
    system_object,
)
from filmgate.service.deps import Deps
from filmgate.service.read_overview import read_summary, read_system


class OverviewPages:
    """The handlers of usage and system."""

    def __init__(self, *, deps: Deps, version: str) -> None:
        self._deps = deps
        self._version = version

    async def usage(self, request: Request) -> Answer:
        """Sum up ended tasks, as JSON or CSV."""
        _, within = await managing_key(request, self._deps)
        is_csv = wants_csv(request)
        summary = await read_summary(request.query_params, within=within, deps=self._deps)
        if is_csv:
            return csv_answer(summary_csv(summary), f"usage-{summary.start}-{summary.end}.csv")
        return json_answer(SummaryEnvelope(200, summary_object(summary)))

    async def system(self, request: Request) -> Answer:
        """Say how the server stands."""
        await check_admin(request, self._deps)
        view = await read_system(deps=self._deps)
        return json_answer(SystemEnvelope(200, system_object(view, version=self._version)))
