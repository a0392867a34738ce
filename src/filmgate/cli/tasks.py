"""filmgate tasks: list, show and cancel this key's tasks, through the public HTTP API."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmgate.cli.operate import checked_folder
from filmgate.cli.options import DataOption, JsonOption

if TYPE_CHECKING:
    from filmgate.cli.api import Api

tasks = typer.Typer(help="List, show and cancel tasks.", no_args_is_help=True)
PROMPT_CHARS_SHOWN = 60

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")]


@tasks.command("list")
def list_tasks(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
    status: Annotated[
        str | None,
        typer.Option(help="Only pending, processing, completed, failed or cancelled ones."),
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List tasks, newest first.

    \b
    Examples:
      filmgate tasks list
      filmgate tasks list --status failed --limit 5
    """
    filters: dict[str, str | int] = {"limit": limit}
    if status:
        filters["status"] = status
    with _api(data) as api:
        page = api.tasks(**filters)
    if as_json:
        _print_json(page)
        return
    from filmgate.cli.table import print_table

    print_table(
        ["task", "status", "%", "made", "engine", "prompt"],
        [_row(task) for task in _found(page)],
        empty="No tasks.",
    )


@tasks.command()
def show(task: TaskArgument, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Show one task: how it stands, and its film's address when there is one.

    \b
    Examples:
      filmgate tasks show task_01J…
      filmgate tasks show task_01J… --json
    """
    with _api(data) as api:
        found = api.task(task)
    if as_json:
        _print_json(found)
        return
    from filmgate.cli.table import print_facts

    print_facts(_facts(found), title="Task")


@tasks.command()
def cancel(task: TaskArgument, data: DataOption = None) -> None:
    """Cancel a task that has not ended. It costs nothing.

    \b
    Examples:
      filmgate tasks cancel task_01J…
    """
    with _api(data) as api:
        api.cancel(task)
    print(f"{task} is cancelled.")


@contextmanager
def _api(data: str | None) -> Generator[Api]:
    from filmgate.cli.api import Api
    from filmgate.cli.progress import LineDisplay
    from filmgate.cli.server import chosen_server

    server, revive = chosen_server(os.environ, lambda: checked_folder(data), say=LineDisplay().say)
    with Api(server, revive=revive) as api:
        yield api


def _found(page: dict[str, Any]) -> list[dict[str, Any]]:
    return page["data"]


def _row(task: dict[str, Any]) -> list[str]:
    prompt = str(task.get("orig_prompt") or task.get("prompt") or "")
    if len(prompt) > PROMPT_CHARS_SHOWN:
        prompt = prompt[: PROMPT_CHARS_SHOWN - 1] + "…"
    return [
        str(task["id"]),
        str(task["status"]),
        str(task.get("progress", "")),
        _time(task.get("created")),
        str(task.get("engine") or "–"),
        prompt,
    ]


def _facts(task: dict[str, Any]) -> list[tuple[str, str]]:
    from filmgate.cli.generate import cost_words
    from filmgate.cli.progress import stage_words

    facts = [("task", str(task["id"])), ("status", str(task["status"]))]
    if task["status"] in {"pending", "processing"}:
        facts.append(("progress", f"{task.get('progress', 0)} %, {stage_words(task)}"))
    error: dict[str, Any] = task.get("error") or {}
    if error:
        facts.append(("error", f"{error.get('message')} ({error.get('code')})"))
    for name, key in (
        ("model", "model"),
        ("engine", "engine"),
        ("seed", "seed"),
        ("prompt", "orig_prompt"),
        ("made from", "actual_prompt"),
        ("note", "prompt_note"),
    ):
        if task.get(key) not in (None, ""):
            facts.append((name, str(task[key])))
    facts += [("cost", cost_words(task)), ("accepted", _time(task.get("created")))]
    if task.get("completed"):
        facts.append(("ended", _time(task["completed"])))
    result: dict[str, Any] = task.get("result") or {"videos": []}
    for video in result["videos"]:
        facts.append(("film", str(video["url"][0])))
        facts.append(("until", _time(video.get("expires_at"))))
    return facts


def _time(unix_s: int | None) -> str:
    if unix_s is None:
        return "–"
    return f"{datetime.fromtimestamp(unix_s, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _print_json(value: Any) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
