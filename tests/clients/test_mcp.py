"""The client of the `mcp` package against the real server: every tool over both transports."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from clients.conftest import Site
from filmgate.domain.api_key import KeyScope, hash_token
from filmgate.domain.errors import Forbidden
from filmgate.gateway.door import DoorSettings
from filmgate.gateway.mcp import check_source
from filmgate.media.probe import probe_film
from gateway_room import OTHER_TOKEN, SIMPLE, TOKEN, Room

MODEL = "wan2.5-preview"
SMALL = {"resolution": "480p"}
TOOLS = [
    *("list_models", "get_model_docs", "get_model_schema"),
    *("upload_image", "generate_video", "get_task"),
]
Connect = Callable[[], AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def over_http(site: Site, **named: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {site.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{site.url}/mcp", http_client=http), **named) as client,
    ):
        yield client


def command(*arguments: str, **environment: str) -> StdioServerParameters:
    known = {name: text for name, text in os.environ.items() if not name.startswith("FILMGATE_")}
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "filmgate", "mcp", *arguments],
        env={**known, "PYTHONPATH": "src", **environment},
    )


@asynccontextmanager
async def over_stdio(site: Site) -> AsyncIterator[Client]:
    started = command(FILMGATE_URL=site.url, FILMGATE_API_KEY=site.token)
    async with Client(started) as client:
        yield client


@pytest.fixture(params=["http", "stdio"])
def connect(request: pytest.FixtureRequest, site: Site) -> Connect:
    """Opens a connection; tests do it themselves, because it belongs to one asyncio task."""
    return lambda: over_http(site) if request.param == "http" else over_stdio(site)


def text_of(result: Any) -> str:
    return result.content[0].text


async def refused(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    assert len(result.content) == 1
    return text_of(result)


async def downloaded(result: Any, target: Path) -> Path:
    """Follow the result's link as an agent's machine would, without a key."""
    (link,) = [block for block in result.content if block.type == "resource_link"]
    assert link.mime_type == "video/mp4"
    assert link.name == f"{result.structured_content['id']}.mp4"
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(str(link.uri))
    assert answer.status_code == 200
    await asyncio.to_thread(target.write_bytes, answer.content)
    return target


# ---- the tools


async def test_the_tools_take_what_the_catalogue_says(connect, site):
    schema = site.server.http.get("/v1/model-schema", params={"model": MODEL}).json()
    async with connect() as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(listed) == TOOLS
    generate = listed["generate_video"].input_schema
    fields = schema["input_schema"]["properties"]
    assert {**generate["properties"], "model": None, "wait_s": None} == {
        **fields,
        "model": None,
        "wait_s": None,
    }
    assert generate["properties"]["model"]["enum"] == [MODEL]
    for tool in listed.values():
        assert set(tool.input_schema) <= {"type", "properties", "required", "additionalProperties"}
        assert tool.description


async def test_models_are_listed_and_described(connect, site):
    known = site.server.http.get("/v1/models").json()["data"]
    schema = site.server.http.get("/v1/model-schema", params={"model": MODEL}).json()
    async with connect() as client:
        listed = await client.call_tool("list_models")
        docs = await client.call_tool("get_model_docs", {"model": MODEL})
        told = await client.call_tool("get_model_schema")
        for tool in ("get_model_docs", "get_model_schema"):
            said = await refused(client, tool, {"model": "sora-9"})
            assert said == f'model "sora-9" is not known; known are {MODEL}'
        assert "it takes none" in await refused(client, "list_models", {"model": MODEL})
    assert listed.structured_content == {"models": known}
    assert json.loads(text_of(listed)) == listed.structured_content
    assert text_of(docs).startswith("# ")
    assert "| `prompt` |" in text_of(docs)
    assert told.structured_content == schema["input_schema"]


async def test_a_picture_is_uploaded_and_sets_the_shape(connect, picture, tmp_path):
    data = base64.b64encode(picture).decode()
    async with connect() as client:
        for said in (data, f"data:image/png;base64,{data}"):
            kept = await client.call_tool("upload_image", {"data": said})
            assert not kept.is_error, kept
        made = await client.call_tool(
            "generate_video", {"image_urls": [kept.structured_content["url"]], **SMALL}
        )
        film = probe_film(await downloaded(made, tmp_path / "film.mp4"))
    assert (film.width_px, film.height_px) == (832, 480)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "data must be a string"),
        ({"data": "no*base64"}, "valid base64"),
        ({"data": "data:text/plain;base64,aGk="}, "starts with data:image/"),
        ({"data": base64.b64encode(b"no picture").decode()}, "unsupported image type: unknown"),
        ({"data": "aGk=", "colour": 1}, '"colour" is not an argument'),
        ({"path": "/etc/passwd"}, '"path" is not an argument of this tool'),
    ],
)
async def test_what_is_no_picture_is_refused_with_the_reason(site, arguments, message):
    async with over_http(site) as client:
        assert message in await refused(client, "upload_image", arguments)


async def test_a_file_beside_the_agent_is_uploaded(site, picture, tmp_path):
    (tmp_path / "photo.png").write_bytes(picture)
    (tmp_path / "notes.txt").write_text("no picture")
    async with over_stdio(site) as client:
        kept = await client.call_tool("upload_image", {"path": str(tmp_path / "photo.png")})
        refusals = {
            "notes.txt": "unsupported image type",
            "missing.png": "path must be a file of at most",
            ".": "path must be a file of at most",
        }
        for name, message in refusals.items():
            said = await refused(client, "upload_image", {"path": str(tmp_path / name)})
            assert message in said
        both = {"path": str(tmp_path / "photo.png"), "data": "aGk="}
        assert "known are path" in await refused(client, "upload_image", both)
    assert site.server.http.get(kept.structured_content["url"]).content == picture


async def test_a_video_is_made_with_progress_and_linked(connect, tmp_path):
    told: list[tuple[float, float | None, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connect() as client:
        made = await client.call_tool(
            "generate_video", {"prompt": "[steady] a road", **SMALL}, progress_callback=tell
        )
        film = probe_film(await downloaded(made, tmp_path / "film.mp4"))
    assert not made.is_error
    task = made.structured_content
    assert (task["status"], task["orig_prompt"]) == ("completed", "[steady] a road")
    assert f"{task['id']} has completed" in text_of(made)
    assert (film.width_px, film.height_px, film.frame_count) == (832, 480, 120)
    shares = [progress for progress, _, _ in told]
    assert len(shares) >= 3
    assert shares == sorted(set(shares))
    assert all(total == 100 and task["id"] in message for _, total, message in told)


async def test_every_broken_rule_is_said(connect):
    async with connect() as client:
        said = await refused(
            client, "generate_video", {"prompt": " ", "duration": 7, "model": MODEL}
        )
        unknown = await refused(client, "generate_video", {"prompt": "a", "colour": "red"})
        model = await refused(client, "generate_video", {"prompt": "a", "model": "sora-9"})
        wait = await refused(client, "generate_video", {"prompt": "a", "wait_s": 601})
    assert "duration must be 5 or 10 seconds, got 7" in said
    assert "prompt must not be blank" in said
    assert f'"colour" is not a field of {MODEL}' in unknown
    assert f"known are {MODEL}" in model
    assert wait == "wait_s must be 0 to 600 seconds, got 601"


async def test_a_video_that_fails_is_an_error_that_says_why(connect):
    async with connect() as client:
        made = await client.call_tool("generate_video", {"prompt": "[fail] a road", **SMALL})
        task = await client.call_tool("get_task", {"task_id": made.structured_content["id"]})
    assert made.is_error
    assert "has failed and costs nothing: the test card was told to fail" in text_of(made)
    assert not task.is_error, "the question was answered"
    assert task.structured_content["error"]["code"] == "engine_failed"


async def test_a_call_may_end_before_the_video_and_another_one_finds_it(connect):
    async with connect() as client:
        made = await client.call_tool(
            "generate_video", {"prompt": "[steady] a road", **SMALL, "wait_s": 0}
        )
        task_id = made.structured_content["id"]
        later = await client.call_tool("get_task", {"task_id": task_id, "wait_s": 60})
        for arguments, message in (
            ({"task_id": "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"}, "Invalid task ID"),
            ({}, "task_id must be a string"),
            ({"task_id": task_id, "wait_s": "5"}, "wait_s must be 0 to 600 seconds"),
            ({"task_id": task_id, "wait": 5}, '"wait" is not an argument'),
        ):
            assert message in await refused(client, "get_task", arguments)
    assert made.structured_content["status"] in {"pending", "processing"}
    assert "call get_task" in text_of(made)
    assert later.structured_content["status"] == "completed"


async def test_cancelling_a_call_ends_the_waiting_and_not_the_task(connect, site):
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def tell(_: float, __: float | None, message: str | None) -> None:
        heard.put_nowait(message or "")

    async with connect() as client:
        call = asyncio.ensure_future(
            client.call_tool(
                "generate_video", {"prompt": "[steady] a road", **SMALL}, progress_callback=tell
            )
        )
        task_id = (await heard.get()).partition(":")[0]
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        task = (await client.call_tool("get_task", {"task_id": task_id})).structured_content
    assert task["status"] in {"pending", "processing"}
    site.server.http.delete(f"/v1/tasks/{task_id}")


async def test_an_unknown_tool_is_an_error_of_the_protocol(connect):
    async with connect() as client:
        with pytest.raises(MCPError, match="known are list_models"):
            await client.call_tool("delete_everything")


async def test_agents_of_the_older_protocol_are_served_too(site):
    async with over_http(site, mode="legacy") as client:
        assert client.protocol_version < "2026"
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        made = await client.call_tool("generate_video", {"prompt": "a road", **SMALL})
    assert made.structured_content["status"] == "completed"


# ---- the doors


def test_a_message_needs_a_key_before_all_else(site):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with httpx.Client(trust_env=False) as http:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Origin": "https://evil.example"}):
            answer = http.post(f"{site.url}/mcp", json=message, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["type"] == "authentication_error"
        own = {"Authorization": f"Bearer {site.token}"}
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            answer = http.post(f"{site.url}/mcp", json=message, headers={**own, **headers})
            assert answer.status_code == 403
            assert answer.json()["error"]["type"] == "permission_error"
        assert http.get(f"{site.url}/mcp", headers=own).status_code == 405
        large = http.post(f"{site.url}/mcp", content=b" " * (5 * 2**20), headers=own)
        assert large.status_code == 413


@pytest.mark.parametrize(
    ("host", "origin", "is_taken"),
    [
        ("localhost:8700", None, True),
        ("127.0.0.1:8700", "http://localhost:6274", True),
        ("[::1]:8700", None, True),
        ("192.0.2.7:8700", None, True),
        ("192.0.2.7:8700", "http://192.0.2.7:8700", True),
        ("192.0.2.7:8700", "http://192.0.2.8", False),
        ("films.example", "https://films.example", True),
        ("127.0.0.1", "https://films.example", True),
        ("127.0.0.1", "https://studio.example", True),
        ("evil.example", None, False),
        ("evil.example:8700", "http://evil.example:8700", False),
        ("127.0.0.1.evil.example", None, False),
        ("localhost", "null", False),
        ("localhost", "https://evil.example", False),
        ("[", None, False),
    ],
)
def test_only_this_servers_own_names_and_origins_are_taken(host, origin, is_taken):
    settings = DoorSettings(
        version="1",
        public_url="https://films.example",
        cors_origins=("https://studio.example",),
    )
    headers = {"host": host} | ({"origin": origin} if origin else {})
    request = httpx.Request("POST", "http://x/mcp", headers=headers)
    if is_taken:
        check_source(request, settings)  # type: ignore[arg-type] - it reads headers alone
    else:
        with pytest.raises(Forbidden, match="must be"):
            check_source(request, settings)  # type: ignore[arg-type]


@asynccontextmanager
async def in_room(room: Room, token: str) -> AsyncIterator[Client]:
    """An agent of the gateway alone."""
    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(room.app), headers={"Authorization": f"Bearer {token}"}
    )
    opened = streamable_http_client("http://localhost/mcp", http_client=http)
    async with http, Client(opened) as client:
        yield client


async def test_another_accounts_task_is_not_there(tmp_path):
    room = Room(tmp_path)
    async with room.app.router.lifespan_context(room.app):
        async with in_room(room, TOKEN) as owner:
            made = await owner.call_tool("generate_video", {**SIMPLE, "wait_s": 0})
        task_id = made.structured_content["id"]
        async with in_room(room, OTHER_TOKEN) as stranger:
            assert await refused(stranger, "get_task", {"task_id": task_id}) == "Invalid task ID"


async def test_a_key_may_do_here_what_it_may_do_elsewhere(tmp_path, picture):
    room = Room(tmp_path)
    one, two = hash_token(TOKEN), hash_token(OTHER_TOKEN)
    keys = room.store.key_list
    keys[one] = replace(keys[one], scopes=frozenset({KeyScope.READ}))
    keys[two] = replace(keys[two], models=frozenset())
    upload = {"data": base64.b64encode(picture).decode()}
    async with room.app.router.lifespan_context(room.app):
        async with in_room(room, TOKEN) as reader:
            for tool, arguments in (("generate_video", SIMPLE), ("upload_image", upload)):
                assert "the scope generate" in await refused(reader, tool, arguments)
            listed = await reader.call_tool("list_models")
            assert len(listed.structured_content["models"]) == 1
        async with in_room(room, OTHER_TOKEN) as barred:
            assert len((await barred.list_tools()).tools) == len(TOOLS)
            assert "known are none" in await refused(barred, "generate_video", SIMPLE)


async def test_a_key_that_may_only_read_reads_and_one_that_may_only_make_follows_what_it_makes(
    tmp_path,
):
    room = Room(tmp_path)
    one, two, keys = hash_token(TOKEN), hash_token(OTHER_TOKEN), room.store.key_list
    async with room.app.router.lifespan_context(room.app):
        async with in_room(room, TOKEN) as owner:
            made = await owner.call_tool("generate_video", {**SIMPLE, "wait_s": 0})
        task_id = made.structured_content["id"]
        keys[one] = replace(keys[one], scopes=frozenset({KeyScope.READ}))
        keys[two] = replace(keys[two], scopes=frozenset({KeyScope.GENERATE}))
        async with in_room(room, TOKEN) as reader:
            assert len((await reader.list_tools()).tools) == len(TOOLS)
            read = await reader.call_tool("get_task", {"task_id": task_id})
            assert read.structured_content["id"] == task_id
        async with in_room(room, OTHER_TOKEN) as maker:
            own = await maker.call_tool("generate_video", {**SIMPLE, "wait_s": 0})
            assert own.structured_content["status"] == "pending"
            asked = {"task_id": own.structured_content["id"]}
            assert "the scope read" in await refused(maker, "get_task", asked)


async def test_what_nobody_foresaw_is_not_told(tmp_path):
    room = Room(tmp_path)
    room.store.submit_error = KeyError("a secret")
    async with room.app.router.lifespan_context(room.app), in_room(room, TOKEN) as agent:
        said = await refused(agent, "generate_video", SIMPLE)
    assert said == "internal error; the server's log says more"


def test_nothing_of_the_protocol_is_loaded_before_an_agent_comes():
    code = "import sys, filmgate.gateway.app, filmgate.cli; print('mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


async def test_the_command_finds_this_machines_own_server(site):
    async with Client(command("--data", str(site.server.data))) as client:
        listed = await client.call_tool("list_models")
    assert [model["id"] for model in listed.structured_content["models"]] == [MODEL]


@pytest.mark.parametrize(
    ("key", "message"),
    [("fg_wrong", "this API key is not valid"), ("", "FILMGATE_API_KEY is not set")],
)
async def test_the_command_says_what_is_wrong_with_its_key(site, key, message):
    started = command(FILMGATE_URL=site.url, FILMGATE_API_KEY=key)
    async with Client(started) as client:
        with pytest.raises(MCPError, match=message):
            await client.list_tools()
        assert message in await refused(client, "list_models", {})
