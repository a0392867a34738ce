"""List an account's tasks of some hours in numbered pages. service/read_task.py lists by cursor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.ids import ENTROPY_BYTES, task_id
from filmgate.domain.task import Status, Task
from filmgate.ports.store import TaskWindow
from filmgate.service.deps import Deps

HOURS_MAX = timedelta(hours=24)
_FIRST = bytes(ENTROPY_BYTES)
"""The first id of a moment ends in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What to list; None does not narrow it. `since` and `until` are at most 24 hours apart."""

    since: datetime | None = None
    until: datetime | None = None
    """The first moment that does not count."""
    status: Status | None = None
    model: str | None = None
    has_picture: bool | None = None
    api_key_id: str | None = None


async def page_tasks(
    sought: Sought, *, page: int, page_length: int, key: ApiKey, deps: Deps
) -> tuple[list[Task], int]:
    """Return a page of tasks, newest first, and how many there are on all of them.

    Without `since`, those of the 24 hours before `until`; without `until`, those of the 24 hours
    after `since`; without both, those of the last 24 hours. Raises InvalidFields.
    """
    until = sought.until
    if until is None:
        now = deps.clock.now()
        until = now + timedelta(seconds=1) if sought.since is None else sought.since + HOURS_MAX
    since = until - HOURS_MAX if sought.since is None else sought.since
    if not timedelta(0) < until - since <= HOURS_MAX:
        message = "end_time must be after start_time, by at most 24 hours, got another"
        raise InvalidFields([BrokenRule("end_time", f"{message} pair of times")])
    return await deps.store.task_window(
        TaskWindow(
            account_id=key.account_id,
            after=task_id(since, _FIRST),
            before=task_id(until, _FIRST),
            status=sought.status,
            model=sought.model,
            has_picture=sought.has_picture,
            api_key_id=sought.api_key_id,
            limit=page_length,
            offset=(page - 1) * page_length,
        )
    )
