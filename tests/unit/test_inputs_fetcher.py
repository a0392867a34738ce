"""Fetching from a server that misbehaves in every way we know of; all of it stays on loopback."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from filmgate.domain.errors import (
    ConfigError,
    InputRejected,
    InputUnreachable,
    StorageFailed,
    TaskFailure,
)
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.inputs.sniff import sniff
from filmgate.testing.web import (
    FakeResolver,
    Gate,
    WebServer,
    answer,
    chunked,
    drip,
    endless,
    garbage,
    gzip_bomb,
    hang_up,
    in_turn,
    lying,
    redirect,
    silence,
)
from web_fixtures import throwaway_authority

BODY = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
QUICK = FetchLimits(total_s=20, connect_s=5, read_s=10, retry_delay_s=0.001)
HOST = "files.test"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Desk:
    """A fetcher that may reach the test server as files.test, and one target file."""

    def __init__(self, web: WebServer, folder: Path, limits: FetchLimits, **options) -> None:
        self.web = web
        self.folder = folder
        self.target = folder / "input"
        self.resolver = FakeResolver({HOST: ["127.0.0.1"]})
        self.fetcher = GuardedFetcher(
            limits,
            options.get("allowed", AllowedHosts.parse([HOST])),
            self.resolver,
            options.get("ca_file"),
        )

    async def fetch(self, url: str, *, size_bytes_max: int = 100_000, to: Path | None = None):
        return await self.fetcher.fetch(
            url, to or self.target, size_bytes_max=size_bytes_max, param="image_urls"
        )

    async def refused(self, url: str, **options) -> TaskFailure:
        """Fetch what must fail; nothing may be left in the folder."""
        with pytest.raises(TaskFailure) as caught:
            await self.fetch(url, **options)
        assert caught.value.param == "image_urls"
        assert caught.value.message.startswith("image_urls must ")
        assert "127.0.0.1" not in caught.value.message
        assert [name for name in names_in(self.folder) if name != "authority.pem"] == []
        return caught.value

    async def reason(self, path: str, **options) -> str:
        failure = await self.refused(self.web.url(path, host=HOST), **options)
        return failure.reason  # type: ignore[attr-defined]


@asynccontextmanager
async def desk(folder: Path, limits: FetchLimits = QUICK, *, tls=None, **options):
    async with WebServer(tls=tls) as web:
        yield Desk(web, folder, limits, **options)


async def test_a_file_arrives_whole_and_names_its_host(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a.png", answer(BODY))
        fetched = await here.fetch(here.web.url("/a.png?token=1", host=HOST))
        assert (fetched.size_bytes, fetched.final_host) == (len(BODY), HOST)
        assert here.target.read_bytes() == BODY
        assert names_in(tmp_path) == ["input"]
        request = here.web.requests[0]
        assert request.target == "/a.png?token=1"
        assert request.headers["host"] == f"{HOST}:{here.web.port}"
        assert request.headers["accept-encoding"] == "identity"
        assert "cookie" not in request.headers


async def test_a_large_file_arrives_unchanged(tmp_path: Path) -> None:
    body = BODY * 400
    async with desk(tmp_path) as here:
        here.web.route("/a", chunked([body[:100], body[100:3_000_000], body[3_000_000:]]))
        await here.fetch(here.web.url("/a", host=HOST), size_bytes_max=len(body))
        assert here.target.read_bytes() == body


async def test_the_declared_type_is_not_believed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(b"<html>", headers={"Content-Type": "image/png"}))
        await here.fetch(here.web.url("/a", host=HOST))
        assert sniff(here.target.read_bytes()) is None


# ---------------------------------------------------------------- where it connects


async def test_a_name_with_a_private_address_is_refused_without_a_connection(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, allowed=AllowedHosts()) as here:
        here.resolver.change("a.test", ["127.0.0.1"])
        failure = await here.refused("http://a.test/a")
        assert isinstance(failure, InputRejected)
        assert failure.reason == "input_url_refused"
        assert here.web.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["8.8.8.8", "10.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["2606:4700::1", "8.8.8.8", "::1"],
        ["8.8.8.8"] * 6 + ["169.254.169.254"],
    ],
)
async def test_one_private_address_among_public_ones_refuses_the_name(
    tmp_path: Path, addresses: list[str]
) -> None:
    async with desk(tmp_path) as here:
        here.resolver.change("a.test", addresses)
        failure = await here.refused("https://a.test/a")
        assert failure.reason == "input_url_refused"
        assert not any(address in failure.message for address in addresses)


async def test_a_name_that_changes_its_address_is_fetched_from_the_checked_one(
    tmp_path: Path,
) -> None:
    allowed = AllowedHosts.parse(["127.0.0.2/32"])
    async with WebServer(address="127.0.0.2") as good, desk(tmp_path, allowed=allowed) as trap:
        good.route("/a", answer(b"good"))
        trap.resolver.change("a.test", ["127.0.0.2"], ["127.0.0.1"])
        await trap.fetch(good.url("/a", host="a.test"))
        assert trap.resolver.asked == ["a.test"]
        assert trap.target.read_bytes() == b"good"


async def test_a_redirect_to_the_same_name_is_checked_anew(tmp_path: Path) -> None:
    allowed = AllowedHosts.parse(["127.0.0.2/32"])
    async with WebServer(address="127.0.0.2") as web, desk(tmp_path, allowed=allowed) as trap:
        web.route("/a", redirect("/b"))
        trap.resolver.change("a.test", ["127.0.0.2"], ["127.0.0.1"])
        failure = await trap.refused(web.url("/a", host="a.test"))
        assert failure.reason == "input_url_refused"
        assert len(web.requests) == 1
        assert trap.web.connections == 0


async def test_the_next_address_is_tried_when_the_first_takes_no_connection(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY))
        here.resolver.change(HOST, ["127.0.0.3", "127.0.0.1"])
        await here.fetch(here.web.url("/a", host=HOST))
        assert here.resolver.asked == [HOST]


async def test_an_odd_port_needs_an_allowed_address(tmp_path: Path) -> None:
    async with desk(tmp_path, allowed=AllowedHosts.parse(["10.0.0.0/8"])) as here:
        here.resolver.change("a.test", ["8.8.8.8"])
        assert (await here.refused("http://a.test:6379/")).reason == "input_url_refused"


async def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(BODY))
        assert (await here.fetch(here.web.url("/a", host=HOST))).size_bytes == len(BODY)


# ---------------------------------------------------------------- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(tmp_path: Path, status: int) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", redirect("b/c?x=1#part", status=status))
        here.web.route("/b/c", answer(BODY))
        await here.fetch(here.web.url("/a", host=HOST))
        assert here.target.read_bytes() == BODY
        assert here.web.requests[1].target == "/b/c?x=1"


async def test_the_last_host_is_named(tmp_path: Path) -> None:
    async with desk(tmp_path, allowed=AllowedHosts.parse([HOST, "cdn.test"])) as here:
        here.resolver.change("cdn.test", ["127.0.0.1"])
        here.web.route("/a", redirect(here.web.url("/b", host="cdn.test")))
        here.web.route("/b", answer(BODY))
        assert (await here.fetch(here.web.url("/a", host=HOST))).final_host == "cdn.test"
        assert here.web.requests[1].headers["host"] == f"cdn.test:{here.web.port}"


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:{port}/b",
        "http://localhost:{port}/b",
        "http://[::1]:{port}/b",
        "http://[::ffff:127.0.0.1]:{port}/b",
        "http://2130706433:{port}/b",
        "http://0x7f.1:{port}/b",
        "http://169.254.169.254/latest/meta-data/",
        "http://inside.test/b",
        "http://user:secret@files.test:{port}/b",
        "//127.0.0.1:{port}/b",
        "file:///etc/passwd",
        "gopher://files.test:{port}/b",
        "http://other.test:6379/",
        "http://files.test:{port}/\\b",
        "http://[",
    ],
)
async def test_a_redirect_to_a_forbidden_place_is_refused(tmp_path: Path, to: str) -> None:
    async with desk(tmp_path) as here:
        here.resolver.change("inside.test", ["10.0.0.1"])
        here.web.route("/a", redirect(to.format(port=here.web.port)))
        here.web.route("/b", answer(BODY))
        failure = await here.refused(here.web.url("/a", host=HOST))
        assert failure.reason == "input_url_refused"
        assert "169.254" not in failure.message
        assert "10.0.0.1" not in failure.message
        assert "secret" not in failure.message
        assert len(here.web.requests) == 1


async def test_redirects_are_counted(tmp_path: Path) -> None:
    limits = FetchLimits(redirects_max=3)
    async with desk(tmp_path, limits) as here:
        for step in range(4):
            here.web.route(f"/{step}", redirect(f"/{step + 1}"))
        here.web.route("/4", answer(BODY))
        await here.fetch(here.web.url("/1", host=HOST))
        here.target.unlink()
        assert await here.reason("/0") == "input_redirects_exceeded"


async def test_a_redirect_loop_ends(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", redirect("/a"))
        assert await here.reason("/a") == "input_redirects_exceeded"
        assert len(here.web.requests) == 6


async def test_a_redirect_without_a_location_is_an_http_error(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.web.route("/a", answer(b"", status=302))
        assert await here.reason("/a") == "input_http_error"


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
    async with desk(tmp_path, FetchLimits(total_s=60, read_s=0.1)) as here:
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
        (429, "input_http_error", 3),
        (500, "input_http_error", 3),
        (503, "input_http_error", 3),
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
        assert len(here.resolver.asked) == 3


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


# ---------------------------------------------------------------- TLS


async def test_the_certificate_is_checked_against_the_name(tmp_path: Path) -> None:
    authority = throwaway_authority()
    ca_file = authority.ca_file(tmp_path)
    async with desk(tmp_path, tls=authority.serving(HOST), ca_file=ca_file) as here:
        here.web.route("/a", answer(BODY))
        await here.fetch(here.web.url("/a", host=HOST))
        assert here.target.read_bytes() == BODY
        assert here.web.requests[0].headers["host"] == f"{HOST}:{here.web.port}"


@pytest.mark.parametrize("name", ["other.test", "127.0.0.1"])
async def test_a_certificate_of_another_name_is_refused(tmp_path: Path, name: str) -> None:
    authority = throwaway_authority()
    ca_file = authority.ca_file(tmp_path)
    async with desk(tmp_path, tls=authority.serving(name), ca_file=ca_file) as here:
        here.web.route("/a", answer(BODY))
        assert await here.reason("/a") == "input_tls_failed"
        assert here.web.requests == []


async def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path, tls=throwaway_authority().serving(HOST)) as here:
        assert await here.reason("/a") == "input_tls_failed"


async def test_a_server_without_tls_does_not_get_the_request_in_clear(tmp_path: Path) -> None:
    async with desk(tmp_path, FetchLimits(connect_s=0.2, retries_max=0)) as here:
        url = here.web.url("/a?token=1", host=HOST).replace("http:", "https:")
        assert (await here.refused(url)).reason in {"input_tls_failed", "input_host_unreachable"}
        assert here.web.requests == []


async def test_an_https_address_is_checked_against_its_certificate(tmp_path: Path) -> None:
    authority = throwaway_authority()
    options = {"ca_file": authority.ca_file(tmp_path), "allowed": AllowedHosts.parse(["127.0.0.1"])}
    async with desk(tmp_path, tls=authority.serving("127.0.0.1"), **options) as here:
        here.web.route("/a", answer(BODY))
        assert (await here.fetch(here.web.url("/a"))).final_host == "127.0.0.1"


def test_a_file_of_authorities_that_is_none_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ConfigError, match="fetch_ca_file"):
            GuardedFetcher(QUICK, AllowedHosts(), FakeResolver({}), str(tmp_path / name))
