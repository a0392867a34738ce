"""filmgate text-encoder: one text encoder for all workers of a machine. Needs no server."""

from __future__ import annotations

import shlex
from pathlib import Path

from filmgate.cli.options import DataOption, settings_with


def text_encoder(data: DataOption = None) -> None:
    """Read the prompts of all workers of this machine, so that only one process holds the text
    encoder; needs FILMGATE_NEURAL_TEXT_ENCODER_SOCKET and the settings of the workers' weights.

    \b
    Examples:
      export FILMGATE_NEURAL_TEXT_ENCODER_SOCKET=/run/filmgate/text.sock
      filmgate text-encoder
      FILMGATE_NEURAL_DEVICE=cuda:1 filmgate text-encoder
      FILMGATE_NEURAL_TEXT_ENCODER_ON_CPU=true filmgate text-encoder
    """
    settings = settings_with(data=data)
    from filmgate.bootstrap import run_text_encoder

    run_text_encoder(settings, on_ready=_say_ready)


def _say_ready(path: Path) -> None:
    print(
        "text encoder ready; for every worker:"
        f" FILMGATE_NEURAL_TEXT_ENCODER_SOCKET={shlex.quote(str(path))}",
        flush=True,
    )
