"""Webhooks through the real processes: told at least once, signed, never in anybody's way."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from filmgate.store.embedded import EmbeddedPostgres
from filmgate.testing.web import Gate, SeenRequest, WebServer, answer, in_turn, silence
from serving import ServerUnderTest, serving

SMALL = {"prompt": "Sunset coastal highway", "resolution": "480p"}
RECEIVED_S = 60
ok = answer(b"thanks")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("webhooks") / "data"
    with serving(
        data,
        engine="testcard",
        fetch_allowed="127.0.0.1",
        webhook_first_retry_s="0.1",
        webhook_timeout_s="2",
    ) as running:
        yield running


def submit(server: ServerUnderTest, web: WebServer, **body: Any) -> str:
    return server.submit({**SMALL, "webhook": web.url("/hooks/"), **body})


async def received(web: WebServer, count: int) -> list[SeenRequest]:
    """Wait until so many requests have come."""
    async with asyncio.timeout(RECEIVED_S):
        while True:
            if len(web.requests) >= count:
                return web.requests
            await asyncio.sleep(0.02)


def secret_of(server: ServerUnderTest) -> str:
    said = server.http.get("/v1/webhooks/secret")
    assert said.status_code == 200, said.text
    return said.json()["data"]["secret"]


def deliveries_of(server: ServerUnderTest, task_id: str) -> list[dict[str, Any]]:
    said = server.http.get("/v1/webhooks/deliveries", params={"task_id": task_id})
    assert said.status_code == 200, said.text
    return said.json()["data"]


async def settled(server: ServerUnderTest, task_id: str, status: str) -> dict[str, Any]:
    """Wait until a task's delivery is in a state."""
    async with asyncio.timeout(RECEIVED_S):
        while True:
            for delivery in await asyncio.to_thread(deliveries_of, server, task_id):
                if delivery["status"] == status:
                    return delivery
            await asyncio.sleep(0.05)


def signatures(request: SeenRequest, *secrets: str) -> set[str]:
    """What Standard Webhooks says the signatures of these secrets are."""
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode()
    keys = (base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets)
    return {
        "v1," + base64.b64encode(hmac.digest(key, signed + request.body, hashlib.sha256)).decode()
        for key in keys
    }


async def test_a_receiver_that_fails_twice_is_told_what_the_task_says(server):
    async with WebServer() as web:
        web.route("/hooks/callback", in_turn(answer(b"", status=500), answer(b"", status=429), ok))
        task_id = await asyncio.to_thread(submit, server, web, prompt="Über den Wolken")
        requests = await received(web, 3)
        delivery = await settled(server, task_id, "delivered")
        task = await asyncio.to_thread(server.task, task_id)
        secret = await asyncio.to_thread(secret_of, server)

    assert {r.method for r in requests} == {"POST"}
    assert {json.dumps(json.loads(r.body)) for r in requests} == {json.dumps(task)}
    assert {r.headers["webhook-id"] for r in requests} == {delivery["id"]}
    for request in requests:
        assert request.headers["content-type"] == "application/json"
        assert abs(time.time() - int(request.headers["webhook-timestamp"])) < 60
        sent = set(request.headers["webhook-signature"].split())
        assert signatures(request, secret) <= sent  # and an old secret's, when one was rotated
    assert [t["http_status"] for t in delivery["log"]] == [200, 429, 500]
    assert task["result"]["videos"][0]["url"][0].startswith(server.facts["url"])


async def test_a_failed_task_is_told_and_a_cancelled_one_is_not(server):
    async with WebServer() as web:
        web.route("/hooks/callback", ok)
        slow = await asyncio.to_thread(submit, server, web, prompt="[slow]", prompt_extend=False)
        server.http.post(f"/v1/tasks/{slow}/cancel")
        failing = await asyncio.to_thread(submit, server, web, prompt="[fail]", prompt_extend=False)
        [request] = await received(web, 1)
        await settled(server, failing, "delivered")
    said = json.loads(request.body)
    assert (said["id"], said["status"]) == (failing, "failed")
    assert said["error"]["message"] == "the test card was told to fail"
    assert len(web.requests) == 1
    assert deliveries_of(server, slow) == []


async def test_a_refusing_receiver_is_not_asked_again_until_an_operator_says_so(server):
    async with WebServer() as web:
        web.route("/hooks/callback", in_turn(answer(b"", status=410), ok))
        task_id = await asyncio.to_thread(submit, server, web)
        failed = await settled(server, task_id, "failed")
        assert len(web.requests) == 1
        said = await asyncio.to_thread(webhooks_command, server, "list", "--failed")
        assert failed["id"] in said
        await asyncio.to_thread(webhooks_command, server, "redeliver", failed["id"])
        delivered = await settled(server, task_id, "delivered")
    first, again = web.requests
    assert first.body == again.body
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert delivered["attempts"] == 2


async def test_after_a_rotation_both_secrets_verify(server):
    old = await asyncio.to_thread(secret_of, server)
    rotated = server.http.post("/v1/webhooks/secret/rotate").json()["data"]
    assert rotated["previous_secret"] == old
    assert rotated["previous_until"] > time.time() + 23 * 3600
    async with WebServer() as web:
        web.route("/hooks/callback", ok)
        await asyncio.to_thread(submit, server, web)
        [request] = await received(web, 1)
    sent = set(request.headers["webhook-signature"].split())
    assert sent == signatures(request, old, rotated["secret"])


async def test_a_worker_killed_before_it_could_note_a_delivery_makes_it_again(server):
    gate = Gate()
    async with WebServer() as web:
        web.route("/hooks/callback", in_turn(gate.before(ok), ok))
        task_id = await asyncio.to_thread(submit, server, web)
        await gate.arrived(1)
        os.kill(server.pid_of("worker"), signal.SIGKILL)
        gate.is_open.set()
        requests = await received(web, 2)
        delivery = await settled(server, task_id, "delivered")
    assert requests[0].headers["webhook-id"] == requests[1].headers["webhook-id"]
    assert requests[0].body == requests[1].body
    assert delivery["attempts"] == 2
    assert [t["number"] for t in delivery["log"]] == [2]


async def test_a_hanging_receiver_delays_no_other_delivery_and_no_film(server):
    async with WebServer() as hanging, WebServer() as quick:
        hanging.route("/hooks/callback", silence())
        quick.route("/hooks/callback", ok)
        for _ in range(4):
            await asyncio.to_thread(submit, server, hanging)
        await received(hanging, 2)
        task_id = await asyncio.to_thread(submit, server, quick)
        await received(quick, 1)
        told_at = time.time()
        task = await asyncio.to_thread(server.ended, task_id)
    assert told_at - task["completed"] < 2, "times of tasks are whole seconds"
    assert hanging.open_most == 2


async def test_a_redirect_is_not_followed(server):
    async with WebServer() as web:
        moved = answer(b"", status=302, headers={"Location": "/elsewhere"})
        web.route("/hooks/callback", in_turn(moved, ok))
        await asyncio.to_thread(submit, server, web)
        requests = await received(web, 2)
    assert {r.target for r in requests} == {"/hooks/callback"}


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/x", "http://user:pw@127.0.0.1/", "ftp://a.example"]
)
def test_a_webhook_that_may_not_be_reached_is_refused_at_once(server, url):
    said = server.http.post(
        "/v1/videos/generations", json={"model": "wan2.5-preview", **SMALL, "webhook": url}
    )
    assert (said.status_code, said.json()["error"]["param"]) == (400, "webhook")
    assert said.json()["error"]["message"].startswith("webhook must be ")


def test_a_filter_of_deliveries_that_breaks_a_rule_is_told(server):
    said = server.http.get("/v1/webhooks/deliveries", params={"task_id": "x", "status": "lost"})
    assert said.status_code == 400
    assert [d["param"] for d in said.json()["error"]["details"]] == ["task_id", "status"]


def test_secrets_are_not_stored_in_clear(server):
    secret = secret_of(server)
    assert secret == webhooks_command(server, "secret", "this machine's commands").strip()
    password = (server.data / "postgres.password").read_text().strip()
    with psycopg.connect(EmbeddedPostgres(server.data, password=password).url) as connection:
        [(stored,)] = connection.execute("SELECT sealed FROM webhook_secrets").fetchall()
    clear = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(stored) > len(secret)
    assert not any(part in stored for part in (b"whsec", secret.encode(), clear))
    assert secret not in server.log.read_text(errors="replace")
    assert (server.data / "seal.key").stat().st_mode & 0o777 == 0o600


def webhooks_command(server: ServerUnderTest, *words: str) -> str:
    """What `filmgate webhooks …` prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    done = subprocess.run(
        [sys.executable, "-m", "filmgate", "webhooks", *words, "--data", str(server.data)],
        env={**environment, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
