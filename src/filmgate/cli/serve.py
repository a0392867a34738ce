"""The commands that run servers: serve, gateway, worker, and the hidden studio.

They read settings and hand over.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from filmgate.cli.options import DataOption, settings_with
from filmgate.config import Settings, read_settings

PRIVATE_IDLE_EXIT_S = 15 * 60

HostOption = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1.")
]
PortOption = Annotated[
    int | None, typer.Option(metavar="PORT", help="Port to listen on. Default: 8700; 0 picks one.")
]


def serve(
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Serve this user's commands only: a free port of 127.0.0.1; ends when idle.",
        ),
    ] = False,
) -> None:
    """Run the whole server: gateway, worker, and a database unless FILMGATE_DATABASE_URL names one.

    \b
    Examples:
      filmgate serve
      filmgate serve --host 0.0.0.0 --port 8700 --data /srv/filmgate
    """
    settings = (
        _private_settings(data) if private else settings_with(host=host, port=port, data=data)
    )
    from filmgate.bootstrap import serve as run_server

    raise typer.Exit(run_server(settings, is_private=private))


def gateway(host: HostOption = None, port: PortOption = None, data: DataOption = None) -> None:
    """Run one gateway alone; needs FILMGATE_DATABASE_URL. For servers of many machines.

    \b
    Examples:
      FILMGATE_DATABASE_URL=postgresql://db/filmgate filmgate gateway --host 0.0.0.0
    """
    settings = settings_with(host=host, port=port, data=data)
    from filmgate.bootstrap import run_gateway

    run_gateway(settings)


def worker(data: DataOption = None) -> None:
    """Run one worker alone; needs FILMGATE_DATABASE_URL. For servers of many machines.

    \b
    Examples:
      FILMGATE_DATABASE_URL=postgresql://db/filmgate filmgate worker
    """
    settings = settings_with(data=data)
    from filmgate.bootstrap import run_worker

    run_worker(settings)


def studio(
    resident: Annotated[
        bool, typer.Option("--resident", help="Load the engines that are kept in memory.")
    ] = False,
) -> None:
    """Run an engine for the worker that started this process; not for people.

    \b
    Examples:
      filmgate studio    (started by a worker, talks over its standard input and output)
    """
    settings = settings_with()
    from filmgate.bootstrap import run_studio

    run_studio(settings, is_resident=resident)


def _private_settings(data: str | None) -> Settings:
    _, origins = read_settings(os.environ, overrides={"data": data})
    is_idle_exit_named = any(o.name == "idle_exit_s" and o.source != "default" for o in origins)
    return settings_with(
        data=data,
        host="127.0.0.1",
        port=0,
        public_url="",
        idle_exit_s=None if is_idle_exit_named else PRIVATE_IDLE_EXIT_S,
    )
