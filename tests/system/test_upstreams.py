"""Real servers with upstreams: a worker killed meanwhile, a cancellation, a filmgate behind a
filmgate, and what the commands say of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from filmgate.media.probe import probe_film
from filmgate.testing.fake_dashscope import FakeDashScope
from filmgate.testing.film_file import FilmKind
from filmgate.testing.upstream import FakeOrder, FakeUpstream, Outcome
from serving import ServerUnderTest, serving, wait_until

KEY_VARIABLE = "THEIR_KEY_IN_TESTS"
ROUTES = """
[upstreams.theirs]
provider = "dashscope"
url = "{theirs}"
key = "env:{variable}"
poll_s = 0.2
usd_per_s = {{ 480p = 0.05, 720p = 0.10, 1080p = 0.15 }}
budget_usd_per_day = 10

[upstreams.inner]
provider = "apimart"
url = "{inner}"
key = "file:{inner_key}"
poll_s = 1000

[[routes]]
name = "long films"
durations_s = [10]
engines = ["inner"]

[[routes]]
engines = ["theirs"]
"""
FILM = {"prompt": "a road", "resolution": "480p", "prompt_extend": False}
LEASES = {"lease_s": "3", "sweep_s": "1"}


class Doorway(FakeUpstream):
    """A public address that is known before the server behind it is; passes everything on."""

    kind = "doorway"
    target = ""

    def routes(self) -> list[BaseRoute]:
        return [Route("/{path:path}", self._pass_on, methods=["GET", "POST"])]

    def operation(self, method: str, path: str) -> str:
        return path

    async def _pass_on(self, request: Request) -> Response:
        url = f"{self.target}{request.url.path}?{request.url.query}"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(request.method, url, content=await request.body())
        return Response(answer.content, answer.status_code)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A server, and what it orders from."""

    server: ServerUnderTest
    theirs: FakeDashScope
    inner: ServerUnderTest
    doorway: Doorway


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("upstreams")
    os.environ[KEY_VARIABLE] = FakeDashScope.key
    with (
        FakeDashScope() as theirs,
        Doorway() as doorway,
        serving(folder / "inner", engine="testcard", fetch_allowed="127.0.0.1") as inner,
    ):
        data = folder / "data"
        data.mkdir()
        text = ROUTES.format(
            theirs=theirs.url,
            variable=KEY_VARIABLE,
            inner=inner.facts["url"],
            inner_key=inner.data / "client.key",
        )
        (data / "routes.toml").write_text(text)
        with serving(data, slots="2", drain_s="0", public_url=doorway.url, **LEASES) as server:
            doorway.target = server.facts["url"]
            yield Chain(server=server, theirs=theirs, inner=inner, doorway=doorway)
    del os.environ[KEY_VARIABLE]


def command(*words: str, data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "filmgate", *words, "--data", str(data)],
        env={**environment, "PYTHONPATH": "src", **variables},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture
def never(chain: Chain) -> Iterator[None]:
    """What is ordered meanwhile does not end by itself."""
    chain.theirs.outcome = Outcome.NEVER
    yield
    chain.theirs.outcome = Outcome.DONE


def test_a_killed_workers_order_is_gone_on_with(chain: Chain, never: None, tmp_path: Path):
    server, theirs = chain.server, chain.theirs
    known, submits = set(theirs.orders), theirs.count("submit")
    task_id = server.submit(FILM)
    order = _looked_at(chain, known)
    killed = server.pid_of("worker")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: _worker(server) not in {None, killed}, 30, server.tail)
    looked = order.looked
    wait_until(lambda: order.looked > looked, 60, server.tail)
    order.outcome = Outcome.DONE
    task = server.ended(task_id)
    probe = probe_film(server.film(task, tmp_path / "film.mp4"))
    assert (probe.width_px, probe.height_px, probe.duration_s) == (832, 480, 5)
    assert task["engine"] == "theirs"
    assert (len(theirs.orders), theirs.count("submit")) == (len(known) + 1, submits + 1)


def _looked_at(chain: Chain, known: set[str]) -> FakeOrder:
    """The order that is new, once its id is written down and it was looked at."""
    orders, found = chain.theirs.orders, list[FakeOrder]()

    def is_there() -> bool:
        found[:] = [orders[new] for new in set(orders) - known if orders[new].looked]
        return bool(found)

    wait_until(is_there, 30, chain.server.tail)
    return found[0]


def _worker(server: ServerUnderTest) -> int | None:
    try:
        return server.pid_of("worker")
    except IndexError:
        return None


def test_a_cancelled_task_is_cancelled_there_too(chain: Chain, never: None):
    server, theirs = chain.server, chain.theirs
    known = set(theirs.orders)
    task_id = server.submit(FILM)
    order = _looked_at(chain, known)
    assert server.http.post(f"/v1/tasks/{task_id}/cancel").status_code == 200
    wait_until(lambda: order.is_cancelled, 30, server.tail)
    assert server.task(task_id)["status"] == "cancelled"


@pytest.mark.parametrize("kind", [FilmKind.WRONG_SIZE, FilmKind.SILENT])
def test_what_comes_is_brought_to_what_was_promised(chain: Chain, kind: FilmKind, tmp_path: Path):
    chain.theirs.film_kind = kind
    task = chain.server.ended(chain.server.submit(FILM))
    chain.theirs.film_kind = FilmKind.GOOD
    probe = probe_film(chain.server.film(task, tmp_path / "film.mp4"))
    assert (probe.width_px, probe.height_px, probe.fps, probe.frame_count) == (832, 480, 24, 120)
    assert (probe.sample_count, probe.is_index_first) == (240_000, True)


def test_what_is_no_film_fails_the_task_and_costs_nothing_here(chain: Chain):
    chain.theirs.film_kind = FilmKind.NOT_A_FILM
    task = chain.server.ended(chain.server.submit(FILM))
    chain.theirs.film_kind = FilmKind.GOOD
    assert (task["status"], task["error"]["code"]) == ("failed", "upstream_failed")
    assert "neither an MP4 nor a WebM" in task["error"]["message"]


def test_a_filmgate_may_stand_behind_a_filmgate_and_says_when_it_is_done(
    chain: Chain, tmp_path: Path
):
    """The first look at it would come after a quarter of an hour."""
    task = chain.server.ended(chain.server.submit({**FILM, "duration": 10}))
    probe = probe_film(chain.server.film(task, tmp_path / "film.mp4"))
    assert (probe.width_px, probe.height_px, probe.duration_s) == (832, 480, 10)
    assert (task["engine"], task["engine_reason"]) == ("inner", "inner of inner")
    made = chain.inner.http.get("/v1/tasks").json()["data"]
    assert [inner["status"] for inner in made] == ["completed"]


def test_who_knows_no_token_wakes_nobody(chain: Chain):
    task_id = "task_01JQ0000000000000000007K3Q"
    answer = chain.server.http.post(f"/v1/upstreams/{task_id}/{'A' * 43}/callback")
    assert answer.status_code == 404


def test_engines_are_listed_and_tested_by_command(chain: Chain):
    listed = command("engines", "list", data=chain.server.data)
    assert listed.returncode == 0, listed.stderr
    rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert ["theirs", "dashscope", chain.theirs.url, "5", "$10 a day"] in rows
    assert ["inner", "apimart", chain.inner.facts["url"], "5", "no limit"] in rows
    assert ["long films", "inner", "here", "10 s"] in rows
    assert ["otherwise", "theirs → inner", "here", "all"] in rows

    tested = command("engines", "test", data=chain.server.data)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "theirs  ok  " in tested.stdout
    assert "inner  ok  " in tested.stdout
    refused = command(
        "engines", "test", "theirs", data=chain.server.data, **{KEY_VARIABLE: "wrong"}
    )
    assert refused.returncode == 1
    assert "theirs  FAILED" in refused.stdout
    assert "wrong" not in refused.stdout + refused.stderr, "keys are never shown"


def test_the_operator_sees_every_order_without_a_key(chain: Chain):
    chain.server.ended(chain.server.submit(FILM))
    listed = command(
        "engines", "purchases", "--upstream", "theirs", data=chain.server.data, **{KEY_VARIABLE: ""}
    )
    assert listed.returncode == 0, listed.stderr
    heading, *rows = [line.split("\t") for line in listed.stdout.splitlines()]
    assert heading == ["ordered", "task", "upstream", "upstream id", "state", "USD", "detail"]
    assert {row[3] for row in rows} == set(chain.theirs.orders)
    assert rows[0][4:6] == ["delivered", "0.25"]
