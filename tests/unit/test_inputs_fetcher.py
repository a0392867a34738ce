"""Where the fetcher connects, which redirects it follows, and whose certificates it takes."""

from pathlib import Path

import pytest

from filmgate.domain.content_type import sniff
from filmgate.domain.errors import (
    ConfigError,
    InputRejected,
)
from filmgate.inputs.addresses import AllowedHosts
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.testing.web import (
    FakeResolver,
    WebServer,
    answer,
    chunked,
    redirect,
)
from web_fixtures import BODY, HOST, QUICK, desk, names_in, throwaway_authority


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
