"""filmgate mcp: the tools for agents over standard input and output. The tools stand elsewhere, in
filmgate/mcp; here is how they reach a server: by the public HTTP API and nothing else.

    each call ─→ the server of FILMGATE_URL, or this machine's own, started if none runs
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from filmgate.cli.failure import CommandFailed
from filmgate.cli.options import DataOption, data_folder

if TYPE_CHECKING:
    from filmgate.client.flows import Flows
    from filmgate.client.steps import Flow
    from filmgate.ports.films import JsonObject

R = TypeVar("R")

RETRY_FOR_S = 10.0
"""How long a server may be away; an agent that waits longer for an answer gives up."""


def mcp(data: DataOption = None) -> None:
    """Serve agents over standard input and output, as the Model Context Protocol says.

    \b
    Agents start it; docs/guides/agents.md says how. It talks to the server of FILMGATE_URL
    with FILMGATE_API_KEY when they are set, else to a private one that it starts when need be.

    \b
    Examples:
      claude mcp add filmgate -- filmgate mcp
    """
    # What is printed is the protocol's; the log goes where agents expect it.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(data_folder(data)))


async def _serve(data: Path) -> None:
    from mcp.server.stdio import stdio_server

    from filmgate.mcp.server import films_server

    films = ApiFilms(data)
    server = films_server(lambda _: films, may_read_files=True)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


class ApiFilms:
    """The Films port over HTTP.

    Each call looks for its server anew: a private one ends when nobody has used it for a while.
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    async def models(self) -> list[JsonObject]:
        """See Films."""
        answer = await self._run(lambda flows: flows.read("/v1/models", expand="parameters"))
        return cast("list[JsonObject]", answer["data"])

    async def documentation(self, model: str) -> str:
        """See Films."""
        answer = await self._run(lambda flows: flows.read("/v1/model-docs", model=model))
        return str(answer["markdown"])

    async def upload_image(self, content: bytes) -> str:
        """See Films."""
        return await self._run(lambda flows: flows.upload(content, "images"))

    async def submit(self, fields: JsonObject) -> str:
        """See Films."""
        return (await self._run(lambda flows: flows.generate(None, {"extra": fields}))).id

    async def task(self, task_id: str, *, wait_s: float = 0) -> JsonObject:
        """See Films."""
        task = await self._run(lambda flows: flows.task(task_id, wait_s=wait_s))
        return dict(task.data)

    async def _run(self, flow: Callable[[Flows], Flow[R]]) -> R:
        from filmgate.cli.server import chosen_server
        from filmgate.client import AsyncClient
        from filmgate.client.errors import FilmgateClientError, RequestRefused

        server, _ = await asyncio.to_thread(chosen_server, os.environ, lambda: self._data, say=_log)
        try:
            async with AsyncClient(server.url, server.token, retry_for_s=RETRY_FOR_S) as client:
                return await client.run(flow(client.flows))
        except RequestRefused as error:
            raise CommandFailed("; ".join(error.broken_rules) or error.message) from error
        except FilmgateClientError as error:
            raise CommandFailed(str(error)) from error


def _log(said: str) -> None:
    print(f"filmgate: {said}", file=sys.stderr)
