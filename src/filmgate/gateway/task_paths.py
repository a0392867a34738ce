"""The paths of tasks at this server's own door, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from filmgate.gateway.apimart import (
    EXPANDED,
    PAGE_DEFAULT,
    VERSION_HEADER,
    VERSION_KNOWN,
    WAIT_S_MAX,
)
from filmgate.gateway.openapi_headers import REPLAYED
from filmgate.gateway.openapi_parts import Json, content, json_content, operation, parameter, ref
from filmgate.gateway.preview_paths import PREVIEWS
from filmgate.ports.store import SEARCHED_TASKS_MAX
from filmgate.service.read_task import PAGE_MAX

_LANGUAGES = ("en", "zh", "ja", "ko", "ru", "fr", "de", "id", "pt", "es")
_VERSION: Json = {"type": "string", "const": VERSION_KNOWN}
_VERSIONED: Json = {VERSION_HEADER: {"schema": _VERSION, "description": "As it was asked for."}}
_TELLING = (
    parameter(
        "language",
        "query",
        {"type": "string"},
        f"Of `error.message`: {', '.join(_LANGUAGES)}; the submit's when absent.",
    ),
    parameter(
        "expand",
        "query",
        {"type": "string", "const": EXPANDED},
        "`request` adds the body that would ask for this film again.",
    ),
)
"""How tasks are told: apimart.Telling."""
SEARCH = (
    "Only tasks whose prompt has all these words. An answer looks at"
    f" {SEARCHED_TASKS_MAX:,} tasks; `next_cursor` goes on, also from an empty page."
)


def task_paths() -> Json:
    """Return the paths."""
    task_id = parameter("task_id", "path", {"type": "string"}, "The task's id.")
    wait = parameter(
        "wait",
        "query",
        {"type": "number", "minimum": 0, "maximum": WAIT_S_MAX},
        "Answer at the first change, or after so many seconds.",
    )
    events: dict[str, Json] = {
        "200": content("The task at every change.", "text/event-stream", {"type": "string"}),
        "204": {"description": "The task has ended, and Last-Event-ID was its last event."},
    }
    return {
        "/v1/videos/generations": {"post": _submit()},
        "/v1/tasks": {"get": _list()},
        "/v1/tasks/{task_id}": {
            "get": operation(
                "Show a task",
                "showTask",
                "TaskEnvelope",
                parameters=[task_id, wait, *_TELLING],
            ),
            "delete": operation(
                "Delete a task, its files and its prompts",
                "deleteTask",
                "TaskDeletedEnvelope",
                parameters=[task_id],
            ),
        },
        "/v1/tasks/{task_id}/cancel": {
            "post": operation(
                "Cancel a task",
                "cancelTask",
                "TaskEnvelope",
                parameters=[task_id, *_TELLING],
                errors=[409],
            )
        },
        "/v1/tasks/{task_id}/events": {
            "get": operation(
                "Follow a task as server-sent events",
                "followTask",
                None,
                parameters=[
                    task_id,
                    parameter("Last-Event-ID", "header", {"type": "string"}, "Resume after it."),
                    PREVIEWS,
                    *_TELLING,
                ],
                responses=events,
            )
        },
    }


def _submit() -> Json:
    described = operation(
        "Make a video",
        "submitGeneration",
        "SubmittedEnvelope",
        parameters=[
            parameter(
                "Idempotency-Key",
                "header",
                {"type": "string", "pattern": "^[!-~]{1,191}$"},
                "Names this submit: the same key and body give the same task for 24 hours.",
            ),
            parameter(
                VERSION_HEADER,
                "header",
                _VERSION,
                "Asks for the versioned answer, with status 202.",
            ),
        ],
        responses={
            "200": json_content("Accepted", "SubmittedEnvelope") | {"headers": REPLAYED},
            "202": json_content("Accepted, versioned form", "TaskTicketEnvelope")
            | {"headers": REPLAYED | _VERSIONED},
        },
        errors=[402, 409, 413, 415, 429],
    )
    described["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": ref("Generation")}},
    }
    return described


def _list() -> Json:
    text: Json = {"type": "string"}
    limit: Json = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}
    status: Json = {
        "type": "string",
        "enum": ["pending", "processing", "completed", "failed", "cancelled"],
    }
    parameters = [
        parameter("limit", "query", limit, "Tasks a page."),
        parameter("cursor", "query", text, "The `next_cursor` of the page before."),
        parameter("status", "query", status, "Only tasks in this state."),
        parameter("model", "query", text, "Only tasks of this model."),
        parameter("q", "query", text, SEARCH),
        *_TELLING,
    ]
    return operation("List tasks, newest first", "listTasks", "TaskPage", parameters=parameters)
