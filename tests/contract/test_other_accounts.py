"""Nobody reads, cancels, deletes or manages what is another account's: every endpoint there is.

The table stands beside the OpenAPI document: an endpoint that is not in it fails a test, until
somebody says how a stranger must be answered.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from admin_room import ADMIN, AdminRoom
from filmgate.catalogue import load_models
from filmgate.gateway.openapi import openapi_document
from filmgate.store.store import PostgresStore
from gateway_room import SIMPLE
from kept_tasks import done

DOCUMENT = json.loads(openapi_document(models=load_models(), version="1"))
SECRET_PROMPT = "an unheard-of heliotrope zeppelin"
STREAM_S = 2.0

Kind = Literal["theirs", "own", "admin", "public"]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """How an endpoint answers a stranger.

    theirs   it names something of the victim's: refused with this status, as if it were not there
    own      it speaks of the caller's things only: nothing of the victim's is in the answer
    admin    refused with 403 to whoever is no admin
    public   needs no key, and tells nothing of anybody
    """

    kind: Kind
    status: int = 200
    body: dict[str, Any] | None = None


def theirs(status: int, **body: Any) -> Answered:
    return Answered(kind="theirs", status=status, body=body or None)


OWN, PUBLIC = Answered(kind="own"), Answered(kind="public")
ADMIN_ONLY = Answered(kind="admin", status=403, body={})
TASKS, VIDEOS, KEYS = "/v1/tasks/{task_id}", "/v1/videos/{video_id}", f"{ADMIN}/keys/{{key}}"
DASHSCOPE, ACCOUNT = "/api/v1/tasks/{task_id}", f"{ADMIN}/accounts/{{account}}"

TABLE: dict[tuple[str, str], Answered] = {
    ("POST", "/v1/upstreams/{task_id}/{token}/callback"): Answered(kind="public", status=404),
    ("POST", "/v1/videos/generations"): OWN,
    ("GET", "/v1/tasks"): OWN,
    ("GET", TASKS): theirs(400),
    ("DELETE", TASKS): theirs(400),
    ("POST", f"{TASKS}/cancel"): theirs(400),
    ("GET", f"{TASKS}/events"): theirs(400),
    **{("GET", f"{TASKS}/preview.{kind}"): theirs(400) for kind in ("jpg", "webp", "gif")},
    ("POST", "/v1/videos"): OWN,
    ("GET", "/v1/videos"): OWN,
    ("GET", VIDEOS): theirs(404),
    ("DELETE", VIDEOS): theirs(404),
    ("GET", f"{VIDEOS}/content"): theirs(404),
    ("POST", f"{VIDEOS}/remix"): theirs(404, prompt="mine now"),
    ("POST", "/v1/videos/edits"): OWN,
    ("POST", "/v1/videos/extensions"): OWN,
    ("POST", "/v1/videos/characters"): OWN,
    ("POST", "/api/v1/services/aigc/video-generation/video-synthesis"): OWN,
    ("GET", DASHSCOPE): OWN,  # there an unknown task is a status, not an error
    ("GET", "/api/v1/tasks"): OWN,
    ("POST", f"{DASHSCOPE}/cancel"): theirs(400),
    ("GET", "/api/v1/uploads"): OWN,
    ("POST", "/api/v1/uploads"): PUBLIC,
    ("GET", "/v1/webhooks/secret"): OWN,
    ("POST", "/v1/webhooks/secret/rotate"): OWN,
    ("GET", "/v1/webhooks/deliveries"): OWN,
    ("POST", "/v1/webhooks/deliveries/{delivery}/redeliver"): theirs(404),
    ("GET", f"{ADMIN}/webhooks/deliveries"): OWN,
    ("POST", f"{ADMIN}/webhooks/deliveries/{{delivery}}/redeliver"): theirs(404),
    **{
        ("GET", f"{prefix}{path}"): OWN
        for prefix in ("", "/v1")
        for path in ("/balance", "/user/balance", "/usage")
    },
    ("GET", f"{ADMIN}/me"): OWN,
    ("GET", f"{ADMIN}/accounts"): OWN,
    ("POST", f"{ADMIN}/accounts"): ADMIN_ONLY,
    ("GET", ACCOUNT): theirs(404),
    ("PATCH", ACCOUNT): ADMIN_ONLY,
    ("GET", f"{ACCOUNT}/credits"): theirs(404),
    ("POST", f"{ACCOUNT}/credits"): ADMIN_ONLY,
    ("GET", f"{ADMIN}/keys"): OWN,
    ("POST", f"{ADMIN}/keys"): theirs(404, name="spy", account="victim"),
    ("GET", KEYS): theirs(404),
    ("PATCH", KEYS): theirs(404, name="mine now"),
    ("DELETE", KEYS): theirs(404),
    ("POST", f"{KEYS}/rotate"): theirs(404),
    ("POST", f"{KEYS}/disable"): theirs(404),
    ("POST", f"{KEYS}/enable"): theirs(404),
    ("GET", f"{ADMIN}/usage"): OWN,
    ("GET", f"{ADMIN}/system"): ADMIN_ONLY,
    ("POST", "/v1/uploads/images"): OWN,
    ("POST", "/v1/uploads/audios"): OWN,
    ("GET", "/v1/files/{key}"): theirs(404),
    ("GET", "/v1/models"): OWN,
    ("GET", "/v1/models/{model}"): OWN,
    ("GET", "/v1/model-schema"): OWN,
    ("GET", "/v1/models/{model}/schema"): OWN,
    ("GET", "/v1/model-docs"): OWN,
    ("POST", "/mcp"): OWN,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/v1/session"): OWN,
    ("POST", "/v1/session"): PUBLIC,
    ("DELETE", "/v1/session"): PUBLIC,
    ("GET", "/page/{name}"): PUBLIC,
    ("GET", "/"): PUBLIC,
}
ENDPOINTS = [
    (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in sorted(item)
]


def test_every_endpoint_says_how_a_stranger_is_answered() -> None:
    assert [endpoint for endpoint in ENDPOINTS if endpoint not in TABLE] == []


class Theft:
    """A victim with a film, a task that waits, a key and a webhook; and a stranger."""

    def __init__(self, room: AdminRoom) -> None:
        self.room = room

    async def begin(self) -> None:
        root = await self.room.begin()
        victim = await self.room.new_account(root, "victim")
        await self.room.new_account(root, "stranger")
        key, self.victim_token = await self.room.new_key(root, name="vault", account="victim")
        _, self.stranger_token = await self.room.new_key(
            root, name="spy", account="stranger", scopes=["generate", "read", "manage"]
        )
        answer = await self.room.submit(
            self.victim_token, prompt=SECRET_PROMPT, webhook="https://hooks.example/v"
        )
        self.task_id = answer.json()["data"][0]["task_id"]
        self.delivery_id = await self.told()
        self.secrets = [SECRET_PROMPT, self.task_id, key["id"], victim["id"], self.delivery_id]
        self.fills = {
            "{task_id}": self.task_id,
            "{video_id}": self.task_id,
            "{delivery}": self.delivery_id,
            "{account}": victim["id"],
            "{model}": "wan2.5-preview",
            "{name}": "x.css",
        }
        self.key_id = key["id"]

    async def told(self) -> str:
        """End another film of the victim; return the id of the delivery that tells of it."""
        answer = await self.room.submit(self.victim_token, webhook="https://hooks.example/v")
        task_id = answer.json()["data"][0]["task_id"]
        task = await self.room.database.claim(task_id, worker="w1", lease_s=30)
        assert task is not None
        await self.room.database.settle(done(task), attempt=task.attempt)
        return f"whd_{task_id.removeprefix('task_')}"

    def path(self, template: str) -> str:
        filled = template
        for name, value in self.fills.items():
            filled = filled.replace(name, value)
        key = self.key_id if template.startswith(ADMIN) else f"results/{self.task_id}/1/film.mp4"
        return filled.replace("{key}", key)

    async def attempt(
        self, method: str, template: str, body: dict[str, Any] | None, token: str | None
    ) -> httpx.Response:
        async with self.room.client(token=token) as http, asyncio.timeout(STREAM_S):
            return await http.request(method, self.path(template), json=body)

    async def estate(self) -> tuple[Any, ...]:
        """What the victim has, and who may use it."""
        task = await self.room.database.task(self.task_id)
        assert task is not None
        account = await self.room.database.accounts(sought="victim")
        keys = await self.room.database.keys(account_id=account[0].id)
        return task, account, keys


@pytest.fixture
async def theft(tmp_path: Path, store: PostgresStore) -> Theft:
    theft = Theft(AdminRoom(tmp_path, store))
    await theft.begin()
    return theft


async def test_a_stranger_gets_and_changes_nothing(theft: Theft) -> None:
    estate, found = await theft.estate(), list[str]()
    for method, path in ENDPOINTS:
        said = TABLE[method, path]
        token = None if said.kind == "public" else theft.stranger_token
        answer = await theft.attempt(method, path, said.body, token)
        is_right = answer.status_code < 500
        if said.kind in {"theirs", "admin"}:
            is_right = answer.status_code == said.status
        leaked = [s for s in theft.secrets if s in answer.text and s not in theft.path(path)]
        if not is_right or leaked or await theft.estate() != estate:
            found.append(f"{method} {path}: {answer.status_code}, leaks {leaked}: {answer.text}")
    assert found == []


async def test_without_a_key_only_public_endpoints_answer(theft: Theft) -> None:
    estate, found = await theft.estate(), list[str]()
    for method, path in ENDPOINTS:
        answer = await theft.attempt(method, path, TABLE[method, path].body, None)
        is_public = DOCUMENT["paths"][path][method.lower()].get("security") == []
        is_asked = answer.status_code == 401
        if is_asked is is_public or await theft.estate() != estate:
            found.append(f"{method} {path}: {answer.status_code}: {answer.text}")
    assert found == []


async def test_the_owner_is_answered_where_a_stranger_is_not(theft: Theft) -> None:
    async with theft.room.client(token=theft.victim_token) as http:
        assert (await http.get(f"/v1/tasks/{theft.task_id}")).status_code == 200
        assert (await http.get(f"/v1/videos/{theft.task_id}")).status_code == 200
        assert SECRET_PROMPT in (await http.get("/v1/tasks")).text


async def test_a_body_that_names_a_strangers_file_does_not_open_it(theft: Theft) -> None:
    link = f"http://films.example/v1/files/results/{theft.task_id}/1/film.mp4"
    body = {**SIMPLE, "prompt": "x", "image_urls": [f"{link}?expires=9999999999&signature=x"]}
    answer = await theft.attempt("POST", "/v1/videos/generations", body, theft.stranger_token)
    if answer.status_code == 200:  # taken as any other address: to be fetched, and refused there
        task = await theft.room.database.task(answer.json()["data"][0]["task_id"])
        assert task is not None
        assert not (task.generation.image or "").startswith("asset:")
