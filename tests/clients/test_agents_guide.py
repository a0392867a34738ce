"""docs/guides/agents.md: its settings open the tools, its program makes a film."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from clients.conftest import Site
from clients.test_examples import blocks, run

PAGE = "agents.md"
ADDRESS = "http://127.0.0.1:8700"
SECRET = re.compile(r"fg_…|\$\{[^}]+\}")
TOOLS = 6


def settings() -> dict[str, Mapping[str, Any]]:
    """Every way of the page to name a server: what it stands for, and its settings."""
    found: dict[str, Mapping[str, Any]] = {}
    for number, text in enumerate(blocks(PAGE, "json")):
        said = json.loads(text)
        found[f"json {number}"] = said.get("mcpServers", said.get("servers"))["filmgate"]
    (text,) = blocks(PAGE, "toml")
    codex = tomllib.loads(text)["mcp_servers"]["filmgate"]
    assert codex.pop("bearer_token_env_var") == "FILMGATE_API_KEY"
    found["toml"] = {**codex, "headers": {"Authorization": "Bearer fg_…"}}
    over_http, over_stdio = (shlex.split(line) for line in blocks(PAGE, "sh")[0].splitlines())
    assert over_http[:6] == ["claude", "mcp", "add", "--transport", "http", "filmgate"]
    name, _, value = over_http[8].partition(": ")
    found["claude, http"] = {"url": over_http[6], "headers": {name: value}}
    assert over_stdio[:5] == ["claude", "mcp", "add", "filmgate", "--"]
    environment = {"FILMGATE_URL": ADDRESS, "FILMGATE_API_KEY": "fg_…"}
    command, *arguments = over_stdio[5:]
    found["claude, stdio"] = {"command": command, "args": arguments, "env": environment}
    return found


SETTINGS = settings()


@pytest.mark.parametrize("name", SETTINGS)
async def test_the_settings_of_a_program_open_the_tools(site: Site, name: str) -> None:
    """The program itself is not here: the settings are read as it would."""
    text = SECRET.sub(site.token, json.dumps(SETTINGS[name], ensure_ascii=False))
    said = json.loads(text.replace(ADDRESS, site.url))
    async with AsyncExitStack() as stack:
        if "url" in said:
            http = httpx2.AsyncClient(headers=said["headers"], timeout=60)
            await stack.enter_async_context(http)
            opened = streamable_http_client(said["url"], http_client=http)
        else:
            assert (said["command"], said["args"]) == ("filmgate", ["mcp"])
            arguments = ["-m", said["command"], *said["args"]]
            environment = {**said["env"], "PYTHONPATH": "src"}
            opened = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
        client = await stack.enter_async_context(Client(opened))
        assert len((await client.list_tools()).tools) == TOOLS


def test_the_program_prints_progress_and_a_link(site, tmp_path):
    (code,) = blocks(PAGE, "python")
    said = run([sys.executable, "-c", code], tmp_path, site)
    *_, last = said.splitlines()
    assert last.startswith(f"{site.url}/v1/files/")
    assert site.server.http.head(last).status_code == 200
    assert "100 of 100: task_" in said
