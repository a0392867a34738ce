"""Show tasks to their owner, and to nobody else: somebody else's task and no task look the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import BrokenRule, InvalidFields, InvalidTaskId
from filmgate.domain.field_rule import shown
from filmgate.domain.ids import TaskId, is_task_id
from filmgate.domain.task import Status, Task
from filmgate.ports.queue import Outlook
from filmgate.ports.store import TaskFilter
from filmgate.service.deps import Deps
from filmgate.service.forecast import estimated_time_s

PAGE_MAX = 100
SEARCH_CHARS_MAX = 200
SEARCH_WORDS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task as its owner sees it."""

    task: Task
    queue_position: int
    estimated_time_s: int
    """From being accepted to the end: what such tasks took lately, plus the queue ahead."""


async def read_task(task_id: str, *, key: ApiKey, deps: Deps) -> TaskView:
    """Return a task of the key's account. Raises InvalidTaskId."""
    task = await own_task(task_id, key=key, deps=deps)
    return await view_of(task, deps=deps)


async def own_task(task_id: str, *, key: ApiKey, deps: Deps) -> Task:
    """Return the bare task. Raises InvalidTaskId."""
    if not is_task_id(task_id):
        raise InvalidTaskId
    task = await deps.store.task(TaskId(task_id))
    if task is None or task.account_id != key.account_id:
        raise InvalidTaskId
    return task


async def own_tasks(
    *, key: ApiKey, after: str | None, is_oldest_first: bool, limit: int, deps: Deps
) -> tuple[list[Task], bool]:
    """Return at most `limit` bare tasks of the account that follow `after`, and whether more do.

    Raises InvalidFields if `after` is no task id.
    """
    if after is not None and not is_task_id(after):
        message = f"after must be the id of a task, got {shown(after)}"
        raise InvalidFields([BrokenRule("after", message)])
    last = TaskId(after) if after else None
    wanted = TaskFilter(
        account_id=key.account_id,
        before=None if is_oldest_first else last,
        after=last if is_oldest_first else None,
        is_oldest_first=is_oldest_first,
        limit=limit + 1,
    )
    tasks = await deps.store.tasks(wanted)
    return tasks[:limit], len(tasks) > limit


async def view_of(task: Task, *, deps: Deps) -> TaskView:
    """Add what the queue says."""
    return (await views_of([task], deps=deps))[0]


async def views_of(tasks: Sequence[Task], *, deps: Deps) -> list[TaskView]:
    """Add what the queue says of each. Only waiting tasks need a look at it, one look for all."""
    waiting = [task.id for task in tasks if task.status is Status.PENDING]
    outlooks: Mapping[TaskId, Outlook] = {}
    if waiting:
        outlooks = await deps.outlooks.answers(waiting, deps.store.outlooks)
    return [await _view(task, outlooks.get(task.id), deps=deps) for task in tasks]


async def _view(task: Task, outlook: Outlook | None, *, deps: Deps) -> TaskView:
    if task.is_final:
        return TaskView(task=task, queue_position=0, estimated_time_s=task.actual_time_s or 0)
    return TaskView(
        task=task,
        queue_position=outlook.queue_position if outlook else 0,
        estimated_time_s=await estimated_time_s(task, outlook, deps=deps),
    )


async def searched_until(*, key: ApiKey, before: str | None, deps: Deps) -> TaskId | None:
    """Return the task behind which a search goes on that found too little; None at the end."""
    last = TaskId(before) if before else None
    return await deps.store.searched_until(TaskFilter(account_id=key.account_id, before=last))


async def list_tasks(
    *,
    key: ApiKey,
    before: str | None,
    status: str | None,
    model: str | None,
    limit: int,
    deps: Deps,
    words: str = "",
) -> list[TaskView]:
    """Return a page of the account's tasks, newest first; with `words`, those whose prompt has
    all of them.

    Raises InvalidFields for a filter that breaks a rule.
    """
    broken: list[BrokenRule] = []
    if before is not None and not is_task_id(before):
        broken.append(BrokenRule("cursor", f"cursor must be a task id, got {shown(before)}"))
    if status is not None and status not in set(Status):
        names = ", ".join(Status)
        broken.append(BrokenRule("status", f"status must be one of {names}, got {shown(status)}"))
    if not 1 <= limit <= PAGE_MAX:
        broken.append(BrokenRule("limit", f"limit must be 1 to {PAGE_MAX}, got {limit}"))
    if len(words) > SEARCH_CHARS_MAX or len(words.split()) > SEARCH_WORDS_MAX:
        rule = f"q must be at most {SEARCH_WORDS_MAX} words and {SEARCH_CHARS_MAX} characters"
        broken.append(BrokenRule("q", f"{rule}, got {shown(words)}"))
    elif "\0" in words:
        broken.append(BrokenRule("q", f"q must have no NUL in it, got {shown(words)}"))
    if broken:
        raise InvalidFields(broken)
    wanted = TaskFilter(
        account_id=key.account_id,
        before=TaskId(before) if before else None,
        status=Status(status) if status else None,
        model=model,
        words=tuple(words.split()),
        limit=limit,
    )
    return await views_of(await deps.store.tasks(wanted), deps=deps)
