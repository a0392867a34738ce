"""How a command says that it cannot go on: what happened, what to do next, and the exit status.

Prints nothing.
"""

from __future__ import annotations

from filmgate.domain.errors import FilmgateError

EXIT_FAILED = 1
"""Something outside the command line is wrong: the server, the network, the task."""
EXIT_USAGE = 2
"""The command line, a setting or a field of the request is wrong."""
EXIT_NOT_RUNNING = 3
"""`filmgate status`: no server runs."""
EXIT_INTERRUPTED = 130


class CommandFailed(FilmgateError):
    """A command cannot go on."""

    code = "command_failed"

    def __init__(self, message: str, *, advice: str = "", exit_code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.advice = advice
        self.exit_code = exit_code
