"""The filmgate command. Each command group is one file; what it needs is imported when it runs.

Client commands (generate, tasks) know nothing but the public HTTP API. Operator commands (keys,
serve, doctor) go through bootstrap.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from filmgate import __version__
from filmgate.cli.accounts import accounts
from filmgate.cli.backup import backup, restore
from filmgate.cli.certs import certs
from filmgate.cli.config import config
from filmgate.cli.credits import account_credits
from filmgate.cli.doctor import doctor
from filmgate.cli.engines import engines
from filmgate.cli.failure import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, CommandFailed
from filmgate.cli.generate import generate
from filmgate.cli.keys import keys
from filmgate.cli.ledger import ledger
from filmgate.cli.mcp import mcp
from filmgate.cli.models import models
from filmgate.cli.serve import gateway, serve, studio, worker
from filmgate.cli.status import status
from filmgate.cli.stop import stop
from filmgate.cli.storage import storage
from filmgate.cli.tasks import tasks
from filmgate.cli.text_encoder import text_encoder
from filmgate.cli.webhooks import webhooks
from filmgate.domain.errors import ConfigError, FilmgateError, InvalidRequest

app = typer.Typer(
    name="filmgate",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"filmgate {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Make videos from words, images and sound, on your own machines.

    \b
    Examples:
      filmgate generate "Sunset coastal highway, cinematic shot"
      filmgate serve
      filmgate doctor
    """


for command in (generate, serve, stop, status, config, doctor, backup, restore, gateway, worker):
    app.command()(command)
app.command()(mcp)
app.command()(text_encoder)
app.command(hidden=True)(studio)
app.add_typer(tasks, name="tasks")
app.add_typer(keys, name="keys")
app.add_typer(accounts, name="accounts")
app.add_typer(account_credits, name="credits")
app.add_typer(ledger, name="ledger")
app.add_typer(certs, name="certs")
app.add_typer(engines, name="engines")
app.add_typer(models, name="models")
app.add_typer(storage, name="storage")
app.add_typer(webhooks, name="webhooks")


def main() -> None:
    """Run the command line and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of an old encoding shows ? for × rather than a traceback.
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="filmgate")
    except CommandFailed as failure:
        _complain(failure.message, failure.advice)
        sys.exit(failure.exit_code)
    except (ConfigError, InvalidRequest) as error:
        _complain(error.message, "")
        sys.exit(EXIT_USAGE)
    except FilmgateError as error:
        _complain(error.message, "")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _complain(message: str, advice: str) -> None:
    print(f"filmgate: {message}", file=sys.stderr)
    if advice:
        print(advice, file=sys.stderr)
