"""What the tools are called and what they take. A video's fields are the catalogue's own.

Many agents refuse a schema with `if`, `anyOf` or `allOf` at its top, so the rules that span fields
are left to the server, and to `get_model_schema`, which has them all.
"""

from __future__ import annotations

from typing import Any, cast

from mcp_types import Tool, ToolAnnotations

from filmgate.ports.films import JsonObject

WAIT_S_MAX = 600
GENERATE_WAIT_S = 50
"""Many agents give up on a call after a minute."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_MAKES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

_DATA = {"type": "string", "description": "The picture as base64, or as a data:image/… URI."}
_PATH = {"type": "string", "description": "A picture file on this machine."}


def tools(models: list[JsonObject], *, may_read_files: bool) -> list[Tool]:
    """Return the six tools for these models, as `Films.models` gives them.

    `may_read_files` lets `upload_image` take a path: only where the files are the caller's own.
    """
    model = _model(models)
    return [
        _tool(
            "list_models",
            "List the video models with their resolutions and prices per second.",
            {},
            _READS,
        ),
        _tool(
            "get_model_docs",
            "Get a model's rules in words: fields, frame sizes, prices.",
            {"model": model},
            _READS,
        ),
        _tool(
            "get_model_schema",
            "Get a model's input as JSON Schema, with the rules that span fields.",
            {"model": model},
            _READS,
        ),
        _tool(
            "upload_image",
            "Upload a picture and get a URL that generate_video takes in image_urls."
            " It is kept for some days.",
            {**({"path": _PATH} if may_read_files else {}), "data": _DATA},
            _MAKES,
        ),
        _tool(
            "generate_video",
            "Make a video from a prompt, or from a picture in image_urls. It costs credits."
            " Waits for it, and gives a link to the finished file; a task that takes longer goes"
            " on, and get_task tells of it.",
            {"model": model, **_fields(models), "wait_s": _wait(GENERATE_WAIT_S)},
            _MAKES,
        ),
        _tool(
            "get_task",
            "Get a task: its progress, and when it has completed a link to the video.",
            {
                "task_id": {"type": "string", "description": "What generate_video gave."},
                "wait_s": _wait(0),
            },
            _READS,
            required=["task_id"],
        ),
    ]


def _tool(
    name: str,
    description: str,
    properties: JsonObject,
    annotations: ToolAnnotations,
    *,
    required: list[str] | None = None,
) -> Tool:
    schema: JsonObject = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = required
    return Tool(name=name, description=description, input_schema=schema, annotations=annotations)


def _model(models: list[JsonObject]) -> JsonObject:
    said: JsonObject = {"type": "string", "description": "The model's id."}
    if models:
        ids = [str(model["id"]) for model in models]
        said |= {"enum": ids, "default": ids[0]}
    return said


def _wait(default_s: int) -> JsonObject:
    return {
        "type": "number",
        "minimum": 0,
        "maximum": WAIT_S_MAX,
        "default": default_s,
        "description": "Seconds to wait for the end of the task.",
    }


def _fields(models: list[JsonObject]) -> JsonObject:
    """The fields of all models; where models differ in one, each one's rule will do."""
    rules: dict[str, list[JsonObject]] = {}
    for model in models:
        properties = cast("dict[str, JsonObject]", model["parameters"]["properties"])
        for name, rule in properties.items():
            known = rules.setdefault(name, [])
            if rule not in known:
                known.append(rule)
    rules.pop("model", None)
    return {name: _any(known) for name, known in rules.items()}


def _any(rules: list[JsonObject]) -> dict[str, Any]:
    return rules[0] if len(rules) == 1 else {"anyOf": rules}
