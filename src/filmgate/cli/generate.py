"""filmgate generate: from a prompt to a file, through the public HTTP API and nothing else.

server → upload files → submit → follow → download → panel
                                   └─ Ctrl-C → cancel, exit status 130
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmgate.cli.failure import EXIT_INTERRUPTED, EXIT_USAGE, CommandFailed
from filmgate.cli.options import DataOption, data_folder

if TYPE_CHECKING:
    from filmgate.cli.api import Api
    from filmgate.cli.progress import Display

DEFAULT_MODEL = "wan2.5-preview"
REMOTE = ("http://", "https://", "data:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    fields: dict[str, Any]
    """The request's fields that were given; files not yet among them."""
    image: str | None
    audio: str | None
    output: Path | None
    may_overwrite: bool


def generate(
    prompt: Annotated[str | None, typer.Argument(help="What the film shows.")] = None,
    image: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="First picture: the film moves it.")
    ] = None,
    audio: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Sound, wav or mp3; else one is made.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="RATIO", help="16:9 (default), 9:16, 1:1, 4:3 or 3:4.")
    ] = None,
    resolution: Annotated[
        str | None, typer.Option(metavar="LINES", help="480p, 720p (default) or 1080p.")
    ] = None,
    duration: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="5 (default) or 10.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Repeats a film; drawn and reported when absent.")
    ] = None,
    negative: Annotated[str | None, typer.Option(help="What the film must not show.")] = None,
    watermark: Annotated[bool, typer.Option("--watermark", help='Burn in "AI Generated".')] = False,
    no_prompt_extend: Annotated[
        bool, typer.Option("--no-prompt-extend", help="Take the prompt word for word.")
    ] = False,
    model: Annotated[str, typer.Option(help="Public name of the model.")] = DEFAULT_MODEL,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Default: named after the prompt."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file that -o names.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print the task and "path" as JSON, and nothing else.')
    ] = False,
    data: DataOption = None,
) -> None:
    """Make a film and save it here. Starts a private server if none runs.

    \b
    Talks to the server of FILMGATE_URL with FILMGATE_API_KEY when they are set.
    Ctrl-C cancels the task.

    \b
    Examples:
      filmgate generate "Sunset coastal highway, cinematic shot"
      filmgate generate "A cat in the grass" --size 9:16 --resolution 1080p --duration 10
      filmgate generate --image portrait.jpg --audio song.mp3 -o dance.mp4
      filmgate generate "City at night, rain" --seed 12345 --negative people --json
    """
    given = {
        "model": model,
        "prompt": prompt,
        "negative_prompt": negative,
        "size": size,
        "resolution": resolution,
        "duration": duration,
        "seed": seed,
        "watermark": watermark or None,
        "prompt_extend": False if no_prompt_extend else None,
    }
    wish = Wish(
        fields={name: value for name, value in given.items() if value is not None},
        image=image,
        audio=audio,
        output=output,
        may_overwrite=overwrite,
    )
    _check(wish)
    began = time.monotonic()
    task, path = _make(wish, data)
    if as_json:
        _print_json(task, path)
    elif path is not None:
        _print_panel(task, path, time.monotonic() - began)
    if path is None:
        raise _not_completed(task)


def _check(wish: Wish) -> None:
    """Refuse what can be told without a server."""
    if not wish.fields.get("prompt") and wish.image is None:
        raise CommandFailed(
            "Say what the film shows, or give a picture with --image.",
            advice='For example: filmgate generate "Sunset coastal highway, cinematic shot"',
            exit_code=EXIT_USAGE,
        )
    for name, value in (("--image", wish.image), ("--audio", wish.audio)):
        if value is not None and not value.startswith(REMOTE):
            _check_readable(name, Path(value))
    if wish.output is not None:
        from filmgate.cli.film_file import check_target

        check_target(wish.output, may_overwrite=wish.may_overwrite)


def _check_readable(name: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise CommandFailed(
            f"{name}: {path} cannot be read: {error.strerror}.", exit_code=EXIT_USAGE
        ) from error


def _make(wish: Wish, data: str | None) -> tuple[dict[str, Any], Path | None]:
    """Go the whole way. Returns the ended task, and the file if it was completed."""
    from filmgate.cli.api import Api
    from filmgate.cli.display import display
    from filmgate.cli.server import chosen_server

    with display() as shown:
        server, revive = chosen_server(os.environ, lambda: data_folder(data), say=shown.say)
        with Api(server, revive=revive) as api:
            body = _body(api, wish, shown)
            shown.say("submitting")
            task_id = _submit(api, body)
            task = _follow(api, task_id, shown)
            if task["status"] != "completed":
                return task, None
            shown.say("downloading")
            return task, _download(api, task, wish)


def _body(api: Api, wish: Wish, shown: Display) -> dict[str, Any]:
    """Return the request, files uploaded."""
    body = dict(wish.fields)
    for field, kind, value in (
        ("image_urls", "images", wish.image),
        ("audio_url", "audios", wish.audio),
    ):
        if value is None:
            continue
        if not value.startswith(REMOTE):
            shown.say(f"uploading {Path(value).name}")
            value = api.upload(kind, Path(value))
        body[field] = [value] if field == "image_urls" else value
    return body


def _submit(api: Api, body: dict[str, Any]) -> str:
    try:
        return api.submit(body, idempotency_key=secrets.token_hex(16))
    except KeyboardInterrupt:
        raise CommandFailed(
            "Interrupted while the task was being submitted: it may have been accepted.",
            advice="`filmgate tasks list` shows it then, and `filmgate tasks cancel` ends it.",
            exit_code=EXIT_INTERRUPTED,
        ) from None


def _follow(api: Api, task_id: str, shown: Display) -> dict[str, Any]:
    """Show the task until it has ended; cancel it on Ctrl-C."""
    task: dict[str, Any] = {}
    try:
        for task in api.follow(task_id):
            shown.show(task)
    except KeyboardInterrupt:
        shown.say("cancelling")
        raise _cancelled(api, task_id) from None
    except CommandFailed as failure:
        raise CommandFailed(
            failure.message,
            advice=f"The task was accepted; `filmgate tasks show {task_id}` says how it went.",
        ) from failure
    return task


def _cancelled(api: Api, task_id: str) -> CommandFailed:
    try:
        api.cancel(task_id)
    except CommandFailed as failure:
        return CommandFailed(
            f"Interrupted. {task_id} could not be cancelled: {failure.message}",
            advice=f"`filmgate tasks show {task_id}` says how it is.",
            exit_code=EXIT_INTERRUPTED,
        )
    return CommandFailed(
        f"Interrupted. {task_id} is cancelled and costs nothing.", exit_code=EXIT_INTERRUPTED
    )


def _download(api: Api, task: dict[str, Any], wish: Wish) -> Path:
    from filmgate.cli.film_file import automatic_path, write_film

    url = str(task["result"]["videos"][0]["url"][0])
    named = wish.output
    target = named or automatic_path(str(wish.fields.get("prompt") or ""), str(task["id"]))
    try:
        return write_film(
            target,
            lambda file: api.download(url, file),
            may_rename=named is None,
            may_overwrite=wish.may_overwrite,
        )
    except KeyboardInterrupt:
        raise CommandFailed(
            "Interrupted while the finished film was being downloaded.",
            advice=f"It is kept on the server: `filmgate tasks show {task['id']}` prints its "
            "address.",
            exit_code=EXIT_INTERRUPTED,
        ) from None
    except CommandFailed as failure:
        raise CommandFailed(
            failure.message,
            advice=f"The film is kept on the server: `filmgate tasks show {task['id']}` prints "
            "its address.",
        ) from failure


def _print_json(task: dict[str, Any], path: Path | None) -> None:
    import msgspec

    found = {**task, "path": None if path is None else str(path)}
    print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _print_panel(task: dict[str, Any], path: Path, taken_s: float) -> None:
    from filmgate.cli.film_file import film_facts
    from filmgate.cli.table import print_facts

    film = film_facts(path)
    facts = [("file", str(path)), ("size", f"{path.stat().st_size / 1e6:.1f} MB")]
    if film is not None:
        facts.append(("film", f"{film.width_px}×{film.height_px}, {film.duration_s:.3g} s"))
    facts += [
        ("engine", str(task.get("engine") or "–")),
        ("seed", str(task.get("seed", "–"))),
        ("cost", cost_words(task)),
        ("time", f"{taken_s:.0f} s"),
        ("task", str(task["id"])),
    ]
    if note := task.get("rewrite_note"):
        facts.append(("prompt", str(note)))
    print_facts(facts, title="Your film")


def cost_words(task: dict[str, Any]) -> str:
    """Return what the task cost, in money and credits."""
    if task.get("cost") is None:
        return "–"
    return f"${task['cost']:g} ({task.get('credits_cost', 0):g} credits)"


def _not_completed(task: dict[str, Any]) -> CommandFailed:
    if task["status"] == "cancelled":
        return CommandFailed(f"{task['id']} was cancelled; it costs nothing.")
    error: dict[str, Any] = task.get("error") or {}
    param = f" ({error['param']})" if error.get("param") else ""
    return CommandFailed(
        f"{task['id']} failed: {error.get('message', 'no reason was given')}{param}",
        advice="A failed task costs nothing.",
    )
