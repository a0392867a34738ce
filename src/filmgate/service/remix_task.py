"""Make another film like an earlier one: its generation, with what the caller changes.

The new task gets copies of the earlier one's inputs, and its seed unless another is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import referenced_key
from filmgate.domain.task import Task
from filmgate.ports.store import Submission
from filmgate.service.deps import Deps
from filmgate.service.submit_task import submit_task

OWN_HOST = "http://filmgate.invalid"
"""Stands before a link of this server's own, whose host nobody asks."""
LINK_LIFE = timedelta(days=36_500)


def body_of(task: Task, *, deps: Deps) -> dict[str, object]:
    """Return the body that would ask for this task's generation again. Inputs that are stored here
    are named by links that never leave the server.
    """
    generation = task.generation
    body: dict[str, object] = {
        "model": generation.model,
        "prompt": generation.prompt,
        "negative_prompt": generation.negative_prompt,
        "resolution": generation.resolution,
        "duration": generation.duration_s,
        "seed": generation.seed,
        "prompt_extend": generation.may_rewrite_prompt,
        "watermark": generation.has_watermark,
        "language": generation.language,
    }
    given = {
        "size": generation.size,
        "image_urls": [_url(generation.image, task, deps)] if generation.image else None,
        "audio_url": _url(generation.audio, task, deps) if generation.audio else None,
        "webhook": generation.webhook,
    }
    body |= {name: value for name, value in given.items() if value is not None}
    model = deps.models.get(generation.model)
    known = {"model", *(model.fields if model is not None else ())}
    return {name: value for name, value in body.items() if name in known}


async def remix_task(
    task: Task,
    changes: Mapping[str, object],
    *,
    key: ApiKey,
    idempotency_key: str | None,
    deps: Deps,
    is_told_as_event: bool = False,
) -> Submission:
    """Accept a task like this one, which is the caller's own, with other values for some fields.

    Raises what submit_task raises; InvalidFields too if an input of the earlier task has expired.
    """
    body = body_of(task, deps=deps) | dict(changes)
    if "image_urls" in body:
        body.pop("size", None)
    return await submit_task(
        body,
        key=key,
        idempotency_key=idempotency_key,
        deps=deps,
        remixed_from=task.id,
        is_told_as_event=is_told_as_event,
    )


def _url(source: str, task: Task, deps: Deps) -> str:
    key = referenced_key(source)
    if key is None:
        return source
    # The same link at every remix, so that an Idempotency-Key finds the same body.
    return OWN_HOST + deps.links.path(key, expires_at=task.created_at + LINK_LIFE)
