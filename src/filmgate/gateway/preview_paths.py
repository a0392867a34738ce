"""The paths of a task's pictures, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from filmgate.gateway.openapi_headers import file_answers
from filmgate.gateway.openapi_parts import Json, content, operation, parameter
from filmgate.service.moving_preview import CONTENT_TYPES

PREVIEWS = parameter(
    "previews",
    "query",
    {"type": "boolean", "default": False},
    "Also tell of new pictures of the film in the making: events `preview` with `number`, `url`.",
)
_BINARY: Json = {"type": "string", "format": "binary"}


def preview_paths() -> Json:
    """Return the paths."""
    task_id = parameter("task_id", "path", {"type": "string"}, "The task's id.")
    number = parameter(
        "number", "query", {"type": "integer"}, "Makes the address new; it is always the newest."
    )
    newest = operation(
        "Show the newest picture of a film in the making",
        "taskPreview",
        None,
        parameters=[task_id, number],
        responses={
            "200": content("The picture", "image/jpeg", _BINARY),
            "204": {"description": "There is none yet, or the task has ended"},
        },
    )
    paths: Json = {"/v1/tasks/{task_id}/preview.jpg": {"get": newest}}
    for name, media in CONTENT_TYPES.items():
        kind = name.partition(".")[2]
        moving = operation(
            "Show the first seconds of a finished film as a moving picture, drawn when first asked",
            f"moving{kind.capitalize()}",
            None,
            parameters=[task_id],
            responses=file_answers(media, _BINARY),
            errors=[404, 410, 416],
        )
        paths[f"/v1/tasks/{{task_id}}/{name}"] = {"get": moving}
    return paths
