"""Accounts, limits and credits through the commands and the API of a real server."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from serving import ServerUnderTest, serving

FILM = {"model": "wan2.5-preview", "prompt": "a boat", "resolution": "480p"}
PRICE_USD = 0.168


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    with serving(tmp_path_factory.mktemp("credits") / "data", engine="testcard") as running:
        yield running


def command(server: ServerUnderTest, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "filmgate", *words],
        env={**environment, "PYTHONPATH": "src", "FILMGATE_DATA": str(server.data)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def facts(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines())


@pytest.fixture(scope="module")
def customer(server) -> Iterator[httpx.Client]:
    """A customer with a limit and money for one film and a half."""
    command(server, "accounts", "create", "customer-7", "--limited")
    made = command(server, "keys", "create", "web", "--account", "customer-7")
    assert made.returncode == 0, made.stderr
    granted = command(server, "credits", "grant", "customer-7", "0.25", "--note", "invoice 1042")
    assert facts(granted.stdout)["available"] == "$0.25"
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    with httpx.Client(base_url=server.facts["url"], headers=headers, trust_env=False) as http:
        yield http


def test_a_film_that_is_paid_for_is_made_and_the_next_is_refused_with_both_amounts(
    server, customer
):
    accepted = customer.post("/v1/videos/generations", json=FILM)
    refused = customer.post("/v1/videos/generations", json=FILM)
    assert accepted.status_code == 200
    assert (refused.status_code, refused.json()["error"]) == (
        402,
        {
            "code": "insufficient_credits",
            "message": "this video costs $0.1680, available are $0.0820",
            "type": "payment_required",
        },
    )
    task_id = accepted.json()["data"][0]["task_id"]
    for _ in range(10):
        task = customer.get(f"/v1/tasks/{task_id}", params={"wait": 10}, timeout=30).json()["data"]
        if task["status"] == "completed":
            break
    assert task["cost"] == PRICE_USD

    for path in ("/v1/balance", "/v1/user/balance"):
        balance = customer.get(path).json()
        assert (balance["remain_balance"], balance["used_balance"]) == (0.082, PRICE_USD)
    usage = customer.get("/v1/usage", params={"group_by": "model"}).json()
    assert usage["data"] == [
        {
            "model": "wan2.5-preview",
            "requests": 1,
            "seconds": 5,
            "amount_usd": PRICE_USD,
            "credits": 1.68,
        }
    ]
    table = customer.get("/v1/usage", params={"group_by": "date"}, headers={"Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert (row["requests"], row["amount_usd"]) == ("1", "0.168")
    assert customer.delete(f"/v1/tasks/{task_id}").status_code == 200
    assert customer.get("/v1/usage").json()["total"]["amount_usd"] == PRICE_USD


def test_the_commands_show_what_moved(server, customer):
    listed = command(server, "accounts", "list")
    assert [line.split("\t")[1] for line in listed.stdout.splitlines()[1:]] == [
        "customer-7",
        "main",
    ]
    shown = json.loads(command(server, "credits", "show", "customer-7", "--json").stdout)
    assert shown["entries"][-1]["note"] == "invoice 1042"
    assert shown["entries"][-1]["amount_usd"] == 0.25


def test_the_ledger_is_verified_and_a_tampered_one_is_shown(server, customer):
    sound = command(server, "ledger", "verify")
    assert (sound.returncode, sound.stdout) == (0, "")
    url = database_url(server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE accounts SET granted = granted + 7, available = available + 7"
            " WHERE name = 'customer-7'"
        )
        tampered = command(server, "ledger", "verify")
        connection.execute(
            "UPDATE accounts SET granted = granted - 7, available = available - 7"
            " WHERE name = 'customer-7'"
        )
    assert tampered.returncode == 1
    assert [line.split("\t")[1:3] for line in tampered.stdout.splitlines()[1:]] == [
        ["kept", "$0.250007"],
        ["entries say", "$0.25"],
    ]


def database_url(server: ServerUnderTest) -> str:
    """Where the server's own database is, as its worker was told."""
    environment = Path(f"/proc/{server.pid_of('worker')}/environ").read_bytes().decode()
    variables = dict(item.split("=", 1) for item in environment.split("\0") if "=" in item)
    return variables["FILMGATE_DATABASE_URL"]
