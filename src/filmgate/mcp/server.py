"""The tools at work: each call becomes calls of ports/films.py. It opens no socket and no pipe.

    generate_video ── submit ──→ task, at every change ──→ progress notification
                                   └─ ended, or wait_s over ──→ the task, and a link to the film

A caller that cancels a call ends the waiting alone: the task goes on, is paid for, and `get_task`
finds it by the id that the first progress notification named.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import mcp_types as wire
import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from filmgate import __version__
from filmgate.domain.data_uri import is_data_uri, parse_data_uri
from filmgate.domain.errors import BrokenRule, FilmgateError, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.mcp.tools import GENERATE_WAIT_S, WAIT_S_MAX, tools
from filmgate.ports.films import Films, JsonObject

IMAGE_BYTES_MAX = 20 * 2**20
STEP_S = 20.0
"""How long one question about a task asks to wait for its next change."""
TITLE_CHARS_MAX = 100
FINAL = frozenset({"completed", "failed", "cancelled"})
INSTRUCTIONS = (
    "Makes videos. Call generate_video with a prompt; to start from a picture, upload_image first."
    " When it answers before the end, call get_task with its task_id and wait_s."
)

Context = ServerRequestContext[Any, Any]
Tell = Callable[[JsonObject], Awaitable[None]]
Act = Callable[[Films, JsonObject, Tell], Awaitable[wire.CallToolResult]]
_log = structlog.get_logger("filmgate.mcp")


def films_server(films_of: Callable[[Any], Films], *, may_read_files: bool) -> Server[Any]:
    """Return the server of the protocol. `films_of` gives the API as the caller of a request may
    use it: the HTTP request where the transport has one, else None.
    """

    async def list_tools(context: Context, _: object) -> wire.ListToolsResult:
        try:
            models = await films_of(context.request).models()
        except FilmgateError as error:
            raise MCPError(wire.INTERNAL_ERROR, error.message) from error
        return wire.ListToolsResult(tools=tools(models, may_read_files=may_read_files))

    async def call_tool(
        context: Context, params: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        act = acts.get(params.name)
        if act is None:
            known = ", ".join(acts)
            said = f"no tool is named {shown(params.name)}; known are {known}"
            raise MCPError(wire.INVALID_PARAMS, said)
        tell = _Progress(context)
        return await _answered(act(films_of(context.request), params.arguments or {}, tell))

    acts: dict[str, Act] = {
        "list_models": _list_models,
        "get_model_docs": _get_model_docs,
        "get_model_schema": _get_model_schema,
        "upload_image": _upload_image_or_file if may_read_files else _upload_image,
        "generate_video": _generate_video,
        "get_task": _get_task,
    }
    return Server(
        "filmgate",
        version=__version__,
        title="filmgate",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _answered(acting: Awaitable[wire.CallToolResult]) -> wire.CallToolResult:
    """The act's result; what it refuses, in words that an agent can mend its call by."""
    try:
        return await acting
    except FilmgateError as error:
        return _refused(error.message)
    except Exception as error:  # noqa: BLE001 - the last handler: the package would tell its text
        frames = traceback.extract_tb(error.__traceback__)
        _log.error(
            "tool.failed",
            kind=type(error).__qualname__,
            trace=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        )
        return _refused("internal error; the server's log says more")


class _Progress:
    """Tells the caller of a task's progress, which may only grow."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told = -1

    async def __call__(self, task: JsonObject) -> None:
        progress = int(task["progress"])
        if progress > self._told:
            self._told = progress
            said = f"{task['id']}: {task.get('stage') or task['status']}"
            await self._context.session.report_progress(progress, 100, said)


# ---- the tools


async def _list_models(films: Films, arguments: JsonObject, _: Tell) -> wire.CallToolResult:
    _only(arguments)
    listed = [
        {name: value for name, value in model.items() if name != "parameters"}
        for model in await films.models()
    ]
    return _shown({"models": listed})


async def _get_model_docs(films: Films, arguments: JsonObject, _: Tell) -> wire.CallToolResult:
    _only(arguments, "model")
    model = await _model(films, arguments)
    return _said(await films.documentation(str(model["id"])))


async def _get_model_schema(films: Films, arguments: JsonObject, _: Tell) -> wire.CallToolResult:
    _only(arguments, "model")
    model = await _model(films, arguments)
    return _shown(cast("JsonObject", model["parameters"]))


async def _upload_image(films: Films, arguments: JsonObject, _: Tell) -> wire.CallToolResult:
    _only(arguments, "data")
    data = _text(arguments, "data")
    uri = data if is_data_uri(data) else f"data:image/png;base64,{data}"
    content = parse_data_uri(uri, param="data", size_bytes_max=IMAGE_BYTES_MAX)[1]
    return _shown({"url": await films.upload_image(content)})


async def _upload_image_or_file(
    films: Films, arguments: JsonObject, tell: Tell
) -> wire.CallToolResult:
    if "path" not in arguments:
        return await _upload_image(films, arguments, tell)
    _only(arguments, "path")
    content = await asyncio.to_thread(_content, _text(arguments, "path"))
    return _shown({"url": await films.upload_image(content)})


async def _generate_video(films: Films, arguments: JsonObject, tell: Tell) -> wire.CallToolResult:
    wait_s = _wait_s(arguments, GENERATE_WAIT_S)
    fields = {name: value for name, value in arguments.items() if name != "wait_s"}
    fields["model"] = (await _model(films, fields))["id"]
    task = await _followed(films, await films.submit(fields), wait_s, tell)
    result = _told(task)
    result.is_error = task["status"] in {"failed", "cancelled"}
    return result


async def _get_task(films: Films, arguments: JsonObject, tell: Tell) -> wire.CallToolResult:
    _only(arguments, "task_id", "wait_s")
    wait_s = _wait_s(arguments, 0)
    return _told(await _followed(films, _text(arguments, "task_id"), wait_s, tell))


async def _followed(films: Films, task_id: str, wait_s: float, tell: Tell) -> JsonObject:
    """The task as it stands at its end, or after so long."""
    ends_at = time.monotonic() + wait_s
    task = await films.task(task_id)
    while True:
        await tell(task)
        left_s = ends_at - time.monotonic()
        if task["status"] in FINAL or left_s <= 0:
            return task
        task = await films.task(task_id, wait_s=min(STEP_S, left_s))


# ---- arguments


def _only(arguments: Mapping[str, object], *known: str) -> None:
    unknown = [name for name in arguments if name not in known]
    if unknown:
        had = f"known are {', '.join(known)}" if known else "it takes none"
        message = f"{shown(unknown[0])} is not an argument of this tool; {had}"
        raise InvalidFields([BrokenRule(unknown[0], message)])


def _text(arguments: Mapping[str, object], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidFields([BrokenRule(name, f"{name} must be a string, got {shown(value)}")])
    return value


def _wait_s(arguments: Mapping[str, object], default_s: float) -> float:
    value = arguments.get("wait_s", default_s)
    is_switch = isinstance(value, bool)
    if isinstance(value, int | float) and not is_switch and 0 <= value <= WAIT_S_MAX:
        return value
    message = f"wait_s must be 0 to {WAIT_S_MAX} seconds, got {shown(value)}"
    raise InvalidFields([BrokenRule("wait_s", message)])


async def _model(films: Films, arguments: Mapping[str, object]) -> JsonObject:
    models = {str(model["id"]): model for model in await films.models()}
    asked = arguments.get("model", next(iter(models), None))
    if not isinstance(asked, str) or asked not in models:
        message = f"model {shown(asked)} is not known; known are {', '.join(models) or 'none'}"
        raise InvalidFields([BrokenRule("model", message)])
    return models[asked]


def _content(path: str) -> bytes:
    """A file's bytes. Raises InvalidFields when it cannot be a picture for an upload."""
    file = Path(path).expanduser()
    try:
        if file.is_file() and file.stat().st_size <= IMAGE_BYTES_MAX:
            return file.read_bytes()
    except OSError as error:
        message = f"path must be a readable file, got {shown(path)}: {error.strerror}"
        raise InvalidFields([BrokenRule("path", message)]) from error
    message = f"path must be a file of at most {IMAGE_BYTES_MAX:,} bytes, got {shown(path)}"
    raise InvalidFields([BrokenRule("path", message)])


# ---- results


def _said(text: str) -> wire.CallToolResult:
    return wire.CallToolResult(content=[wire.TextContent(text=text)])


def _refused(message: str) -> wire.CallToolResult:
    result = _said(message)
    result.is_error = True
    return result


def _shown(value: JsonObject) -> wire.CallToolResult:
    """An object for programs, and the same as text for models that see nothing else."""
    result = _said(json.dumps(value, ensure_ascii=False))
    result.structured_content = value
    return result


def _told(task: JsonObject) -> wire.CallToolResult:
    result = _shown(task)
    result.content.insert(0, wire.TextContent(text=_sentence(task)))
    if "result" in task:
        link = wire.ResourceLink(
            uri=task["result"]["videos"][0]["url"][0],
            name=f"{task['id']}.mp4",
            title=str(task["orig_prompt"])[:TITLE_CHARS_MAX] or None,
            mime_type="video/mp4",
        )
        result.content.append(link)
    return result


def _sentence(task: JsonObject) -> str:
    task_id, status = task["id"], task["status"]
    if status == "completed":
        return f"{task_id} has completed; the link to the video ends at its expires_at."
    if status == "failed":
        return f"{task_id} has failed and costs nothing: {task['error']['message']}"
    if status == "cancelled":
        return f"{task_id} was cancelled and costs nothing."
    return (
        f"{task_id} is {status} at {task['progress']} %, of about {task['estimated_time']} s in"
        " all; call get_task with this task_id and wait_s."
    )
