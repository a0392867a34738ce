"""Writes docs/reference/config.md, errors.md and upstream-faults.md from settings, error tree and
the table of faults: `./check fix`.

A test compares the pages with what this would write. It writes no other page.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from filmgate.cli import failure
from filmgate.config import Settings
from filmgate.domain import errors
from filmgate.inputs import faults

ROOT = Path(__file__).parents[2]
NOTE = "<!-- Written by tests/repo/reference_pages.py (`./check fix`). Do not edit. -->"

FILE_REASONS = {
    "input_image_type": "The picture is no JPEG, PNG, WebP, BMP or GIF.",
    "input_image_broken": "The picture cannot be decoded.",
    "input_image_too_small": "A side of the picture is too short.",
    "input_image_too_large": "A side of the picture is too long.",
    "input_audio_type": "The sound is no wav or mp3.",
    "input_audio_broken": "The sound cannot be decoded.",
    "input_audio_too_short": "The sound is shorter than 3 seconds.",
    "input_audio_too_long": "The sound is longer than 30 seconds.",
    "input_expired": "The uploaded file has expired; it must be uploaded again.",
}
"""What InputRejected and InputUnreachable carry as `reason`, beside those of inputs/faults.py."""

CONFIG_HEAD = f"""{NOTE}

# Settings

Every setting has one name. It is read once, at the start, from the first of these that has it:

1. the command line, where a command has an option for it (`--host`, `--port`, `--data`);
2. the environment: the name in capitals after `FILMGATE_`, such as `FILMGATE_PORT`;
3. a TOML file: the one that `FILMGATE_CONFIG` names, else `filmgate.toml` in the data folder;
4. the default.

An unknown name is an error, so that a typo never passes for a default. `filmgate config` shows what
is in force and where each value came from. Names end in their unit: `_s` seconds, `_d` days,
`_bytes` bytes.

| setting | default | allowed | meaning |
|---|---|---|---|
"""

CONFIG_TAIL = """
## Variables that are no settings

| variable | read by | meaning |
|---|---|---|
| `FILMGATE_URL` | `generate`, `tasks` | The server to talk to, instead of this machine's own. |
| `FILMGATE_API_KEY` | `generate`, `tasks` | The token for that server. |
| `FILMGATE_CONFIG` | all | The TOML file to read. |
| `FILMGATE_VENV` | `./filmgate`, `./check` | Folder of the virtual environment; default `.venv`. |
"""

ERRORS_HEAD = f"""{NOTE}

# Errors

An answer that is not a success carries one object:

```json
{{"error": {{"code": 400, "message": "duration must be 5 or 10 seconds, got 7",
           "type": "invalid_request_error", "param": "duration"}}}}
```

`code` is the HTTP status, or the name below where the column says so. `message` says the rule and
the value. Every answer carries `X-Request-Id`, and so does the server's log. "Retry" tells whether
the same request may succeed later; `Retry-After` says when, if it is known.

## Answers

| HTTP | `type` | name | `code` is | retry | meaning |
|---|---|---|---|---|---|
"""

FAILURES_HEAD = """
## Failed tasks

The HTTP status stays 200: the request for the task succeeded. The task's `error` object has the
`type` `task_failed` and one of these as its `code`. A failed task costs nothing.

| `code` | meaning |
|---|---|
"""

INSIDE_HEAD = """
## Inside the server

These stand in logs and in what commands print; no answer carries them.

| name | meaning |
|---|---|
"""

STATUS_HEAD = """
## Exit statuses of the command

| status | meaning |
|---|---|
| 0 | Done. |
"""


def config_page() -> str:
    """Return docs/reference/config.md."""
    rows = [
        _row(f"`{spec.name}`", _default(spec.default), _range(spec.metadata), spec.metadata["doc"])
        for spec in fields(Settings)
    ]
    return CONFIG_HEAD + "".join(rows) + CONFIG_TAIL


def errors_page() -> str:
    """Return docs/reference/errors.md."""
    every = [kind for _, kind in walk(errors.FilmgateError)]
    leaves = [kind for kind in every if not kind.__subclasses__() or kind is errors.InvalidRequest]
    failures = [kind for kind in leaves if issubclass(kind, errors.TaskFailure)]
    named_by_reason = (errors.InputRejected, errors.InputUnreachable)
    answers = [
        kind
        for kind in leaves
        if issubclass(kind, errors.CallerError | errors.Unavailable) and kind not in failures
    ]
    inside = [kind for kind in leaves if kind not in answers and kind not in failures]
    answers = sorted({errors.FilmgateError, *answers}, key=lambda k: (k.http_status, k.code))
    answer_rows = [
        _row(
            str(kind.http_status),
            f"`{kind.type}`",
            f"`{kind.code}`",
            "the name" if kind.is_code_named else "the status",
            "yes" if kind.may_retry else "no",
            _meaning(kind),
        )
        for kind in answers
    ]
    reasons = [_row(f"`{code}`", meaning) for code, meaning in input_reasons().items()]
    failure_rows = [
        _row(f"`{kind.code}`", _meaning(kind))
        for kind in failures
        if not issubclass(kind, named_by_reason)
    ]
    inside_rows = [_row(f"`{kind.code}`", _meaning(kind)) for kind in inside]
    return "".join(
        [
            ERRORS_HEAD,
            *answer_rows,
            FAILURES_HEAD,
            *failure_rows,
            *reasons,
            INSIDE_HEAD,
            *inside_rows,
            STATUS_HEAD,
            *_statuses(),
        ]
    )


def input_reasons() -> dict[str, str]:
    """Return every code of a refused or unreachable input, with its meaning."""
    told = re.findall(r"^- (input_\w+) +(.+)$", faults.__doc__ or "", re.MULTILINE)
    meanings = {code: meaning[0].upper() + meaning[1:] + "." for code, meaning in told}
    return {reason.value: meanings[reason.value] for reason in faults.Reason} | FILE_REASONS


def walk(kind: type[errors.FilmgateError], depth: int = 0) -> list[tuple[int, Any]]:
    """Return the error tree of domain/errors.py, in the order in which it is written."""
    below = [sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__]
    return [(depth, kind)] + [pair for sub in below for pair in walk(sub, depth + 1)]


def faults_page() -> str:
    """Return docs/reference/upstream-faults.md, of the table that a test plays through."""
    from fault.fault_table import page

    return page()


PAGES = {
    "docs/reference/config.md": config_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/upstream-faults.md": faults_page,
}


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "`on`" if value else "`off`"
    return f"`{value}`" if value != "" else "(empty)"


def _range(rule: Any) -> str:
    low, high = rule["low"], rule["high"]
    if low is None and high is None:
        return "–"
    return f"{low:,g} or more" if high is None else f"{low:,g} – {high:,.10g}"


def _meaning(kind: type) -> str:
    if kind is errors.FilmgateError:
        return "The server has failed; its log says more under the request id."
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _statuses() -> list[str]:
    meanings = {
        failure.EXIT_FAILED: "The server, the network or the task failed, or something is missing.",
        failure.EXIT_USAGE: "The command line, a setting or a field of the request is wrong.",
        failure.EXIT_NOT_RUNNING: "`filmgate status`: no server runs. "
        "`filmgate serve`: another server has the data folder.",
        failure.EXIT_INTERRUPTED: "Interrupted with Ctrl-C; `generate` has cancelled its task.",
    }
    return [_row(str(status), meaning) for status, meaning in meanings.items()]


if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests"))
    for path, page in PAGES.items():
        (ROOT / path).write_text(page(), encoding="utf-8")
