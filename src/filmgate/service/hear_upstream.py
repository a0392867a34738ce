"""An upstream says that something changed: whoever waits for that task looks at once.

    order ── callback_url ──→ upstream ── POST …/callback ──→ any gateway ── notification ──→ worker

Nothing that it says is believed, or even read: the worker asks the upstream itself. News that get
lost cost nothing but the time until the next look.
"""

from __future__ import annotations

from filmgate.domain.errors import NotFound
from filmgate.domain.ids import TaskId
from filmgate.service.deps import Deps

PATH = "/v1/upstreams/"


def callback_url(task_id: TaskId, *, deps: Deps) -> str | None:
    """Return where an upstream may tell of this task, at `…/callback`; None if it cannot come."""
    if not deps.public_url:
        return None
    return f"{deps.public_url}{PATH}{task_id}/{deps.links.token(task_id)}"


async def hear_upstream(task_id: str, token: str, *, deps: Deps) -> None:
    """Wake the worker that waits for a task. Raises NotFound for a token that is not ours."""
    if not deps.links.is_token(task_id, token):
        raise NotFound("no such callback")
    await deps.store.tell_upstream_news(TaskId(task_id))
