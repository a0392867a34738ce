"""Fetching from a server that misbehaves in every way we know of; all of it stays on loopback."""

import asyncio
from pathlib import Path

import pytest

from filmgate.domain.errors import (
    InputRejected,
    InputUnreachable,
    StorageFailed,
)
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.testing.web import (
    Gate,
    answer,
    chunked,
    drip,
    endless,
    garbage,
    gzip_bomb,
    hang_up,
    in_turn,
    lying,
    silence,
)
from web_fixtures import BODY, HOST, desk, names_in

# ---------------------------------------------------------------- size


async def test_the_limit_is_exact(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY))
        here.web.route("/b", chunked([BODY]))
        for path in ("/a", "/b"):
            await here.fetch(here.web.url(path, host=HOST), size_bytes_max=len(BODY))
            here.target.unlink()
            assert await here.reason(path, size_bytes_max=len(BODY) - 1) == "input_too_large"


async def test_an_announced_size_over_the_limit_is_refused_before_the_body(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", lying(b"", length_bytes=10**15))
        assert await here.reason("/a") == "input_too_large"


async def test_an_endless_body_ends_at_the_limit(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", endless())
        assert await here.reason("/a", size_bytes_max=3_000_000) == "input_too_large"


async def test_a_compressed_answer_is_refused_unread(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", gzip_bomb(50_000_000))
        failure = await here.refused(here.web.url("/a", host=HOST))
        assert isinstance(failure, InputRejected)
        assert failure.reason == "input_encoding_refused"


@pytest.mark.parametrize("encoding", ["identity", "", "aws-chunked", "UTF-8"])
async def test_encodings_that_mean_nothing_are_taken(tmp_path: Path, encoding: str) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY, headers={"Content-Encoding": encoding}))
        await here.fetch(here.web.url("/a", host=HOST))
        assert here.target.read_bytes() == BODY


@pytest.mark.parametrize("is_shorter", [True, False])
async def test_a_body_that_ends_early_is_not_taken_for_whole(
    tmp_path: Path, is_shorter: bool
) -> None:
    route = (
        lying(BODY, length_bytes=len(BODY) + 1) if is_shorter else chunked([BODY], is_ended=False)
    )
    async with desk(tmp_path) as here:
        here.web.route("/a", in_turn(route, answer(BODY)))
        fetched = await here.fetch(here.web.url("/a", host=HOST))
        assert fetched.size_bytes == len(BODY)
        assert here.target.read_bytes() == BODY
        here.target.unlink()
        here.web.route("/a", route)
        assert await here.reason("/a") == "input_interrupted"


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("route", [drip(b"x", pause_s=0.02), endless()], ids=["drip", "endless"])
async def test_a_body_that_never_ends_is_ended_by_the_total(tmp_path: Path, route) -> None:
    async with desk(tmp_path, FetchLimits(total_s=0.3, read_s=5)) as here:
        here.web.route("/a", route)
        assert await here.reason("/a", size_bytes_max=10**12) == "input_timed_out"


async def test_silence_is_ended_by_the_time_of_one_read(tmp_path: Path) -> None:
    async with desk(tmp_path, FetchLimits(total_s=60, read_s=0.3)) as here:
        here.web.route("/a", silence())
        here.web.route("/b", drip(b"x", pause_s=50))
        assert await here.reason("/a") == "input_timed_out"
        assert await here.reason("/b") == "input_timed_out"
        assert len(here.web.requests) == 2


async def test_a_slow_resolver_is_ended_by_the_total(tmp_path: Path) -> None:
    class Stuck:
        async def resolve(self, host: str):
            await asyncio.Event().wait()

    async with desk(tmp_path, FetchLimits(total_s=0.05)) as here:
        here.fetcher = GuardedFetcher(FetchLimits(total_s=0.05), AllowedHosts(), Stuck(), None)
        failure = await here.refused("http://a.test/")
        assert failure.reason == "input_timed_out"


async def test_a_cancelled_fetch_leaves_nothing_behind(tmp_path: Path) -> None:
    gate = Gate()
    async with desk(tmp_path) as here:
        here.web.route("/a", gate.before(answer(BODY)))
        async with asyncio.TaskGroup() as group:
            fetching = group.create_task(here.fetch(here.web.url("/a", host=HOST)))
            await gate.arrived(1)
            fetching.cancel()
        assert names_in(tmp_path) == []


async def test_only_so_many_fetches_run_at_a_time(tmp_path: Path) -> None:
    gate = Gate()
    async with desk(tmp_path, FetchLimits(concurrent_max=2)) as here:
        here.web.route("/a", gate.before(answer(BODY)))
        url = here.web.url("/a", host=HOST)
        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(here.fetch(url, to=tmp_path / str(number)))
            await gate.arrived(2)
            gate.is_open.set()
        assert here.web.open_most == 2
        assert len(here.web.requests) == 6


# ---------------------------------------------------------------- answers and retries


@pytest.mark.parametrize(
    ("status", "reason", "requests"),
    [
        (400, "input_http_error", 1),
        (401, "input_access_denied", 1),
        (403, "input_access_denied", 1),
        (404, "input_not_found", 1),
        (410, "input_not_found", 1),
        (204, "input_http_error", 1),
        (206, "input_http_error", 1),
        (300, "input_http_error", 1),
        (304, "input_http_error", 1),
        (429, "input_http_error", 6),
        (500, "input_http_error", 6),
        (503, "input_http_error", 6),
    ],
)
async def test_a_status_has_its_reason_and_its_number_of_tries(
    tmp_path: Path, status: int, reason: str, requests: int
) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(b"", status=status))
        failure = await here.refused(here.web.url("/a", host=HOST))
        assert isinstance(failure, InputUnreachable)
        assert failure.reason == reason
        assert str(status) in failure.message
        assert len(here.web.requests) == requests


@pytest.mark.parametrize(
    "trouble",
    [answer(b"", status=503), answer(b"", status=429), hang_up(), garbage(b"SSH-2.0-x\r\n\r\n")],
    ids=["503", "429", "hang-up", "garbage"],
)
async def test_trouble_that_passes_is_outlasted(tmp_path: Path, trouble) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", in_turn(trouble, trouble, answer(BODY)))
        await here.fetch(here.web.url("/a", host=HOST))
        assert here.target.read_bytes() == BODY
        assert here.web.connections == 3


async def test_a_retry_that_would_come_too_late_is_not_waited_for(tmp_path: Path) -> None:
    async with desk(tmp_path, FetchLimits(total_s=30, retry_delay_s=40)) as here:
        here.web.route("/a", answer(b"", status=503))
        assert await here.reason("/a") == "input_http_error"
        assert len(here.web.requests) == 1


async def test_a_host_that_comes_back_late_is_still_asked(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY))
        here.resolver.fail(HOST, times=5)
        await here.fetch(here.web.url("/a", host=HOST))
        assert here.target.read_bytes() == BODY


def test_retries_outlast_a_restart_and_leave_most_of_the_time_to_fetching() -> None:
    limits = FetchLimits()
    waited_s = sum(limits.retry_delays_s)
    assert 10 < waited_s < limits.total_s / 2


async def test_what_is_not_http_is_said_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", garbage(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
        assert await here.reason("/a") == "input_http_error"


async def test_an_endless_head_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", garbage(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 500_000))
        assert await here.reason("/a") == "input_http_error"


async def test_a_host_without_a_server_is_unreachable(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        url = here.web.url("/a", host=HOST)
        here.resolver.change(HOST, ["127.0.0.3"])
        assert (await here.refused(url)).reason == "input_host_unreachable"
        assert len(here.resolver.asked) == 6


async def test_a_name_that_does_not_exist_is_asked_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        failure = await here.refused("http://nowhere.test/")
        assert failure.reason == "input_host_unreachable"
        assert "nowhere.test" in failure.message
        assert here.resolver.asked == ["nowhere.test"]


async def test_a_name_server_that_comes_back_is_asked_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY))
        here.resolver.fail(HOST, times=2)
        await here.fetch(here.web.url("/a", host=HOST))
        here.target.unlink()
        here.resolver.fail(HOST, times=9)
        assert await here.reason("/a") == "input_host_unreachable"


async def test_a_folder_that_cannot_be_written_is_not_the_callers_fault(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY))
        with pytest.raises(StorageFailed):
            await here.fetch(here.web.url("/a", host=HOST), to=tmp_path / "missing" / "input")


async def test_cookies_are_not_kept_between_fetches(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY, headers={"Set-Cookie": "a=b; Path=/"}))
        await here.fetch(here.web.url("/a", host=HOST))
        await here.fetch(here.web.url("/a", host=HOST))
        assert all("cookie" not in request.headers for request in here.web.requests)
