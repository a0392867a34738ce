"""Which addresses and URLs the fetcher touches, case by case."""

from functools import cache
from ipaddress import ip_address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filmgate.domain.errors import ConfigError, InvalidFields
from filmgate.inputs.addresses import AllowedHosts, is_public
from filmgate.inputs.fetcher import FetchLimits, GuardedFetcher
from filmgate.inputs.location import PORTS, URL_LENGTH_MAX, UrlRefused, read_location
from filmgate.inputs.resolver import StaticResolver, SystemResolver
from filmgate.testing.web import FakeResolver

NOBODY = AllowedHosts()

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_admitted(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_a_url_with_such_an_address_is_refused_before_any_network(text: str) -> None:
    host = f"[{text}]" if ":" in text else text
    assert refusal(f"http://{host}/a.png")


GOOD_URLS = [
    ("https://example.com/a.png", "example.com", 443),
    ("http://example.com", "example.com", 80),
    ("HTTPS://EXAMPLE.COM/A.png", "example.com", 443),
    ("https://example.com./a.png", "example.com", 443),
    ("https://example.com:443/a", "example.com", 443),
    ("https://example.com:8443/a", "example.com", 8443),
    ("http://example.com:8080/a", "example.com", 8080),
    ("http://example.com:443/a", "example.com", 443),
    ("https://bücher.example/ü.png?x=ü", "xn--bcher-kva.example", 443),
    ("https://例え.テスト/a", "xn--r8jz45g.xn--zckzah", 443),
    ("https://a_b.example.com/a", "a_b.example.com", 443),
    ("https://8.8.8.8/a", "8.8.8.8", 443),
    ("https://[2606:4700:4700::1111]/a", "2606:4700:4700::1111", 443),
    ("https://example.com/a@b:c?u=http://10.0.0.1/#f", "example.com", 443),
    ("https://example.com?a@127.0.0.1", "example.com", 443),
]


@pytest.mark.parametrize(("url", "host", "port"), GOOD_URLS)
def test_a_url_is_read_once_into_host_and_port(url: str, host: str, port: int) -> None:
    location = read_location(url, NOBODY)
    assert (location.host, location.port) == (host, port)
    assert location.url.fragment == ""


BAD_URLS = [
    ("", "scheme"),
    ("example.com/a.png", "scheme"),
    ("/etc/passwd", "scheme"),
    ("//example.com/a.png", "scheme"),
    ("ftp://example.com/a.png", "'ftp'"),
    ("file:///etc/passwd", "'file'"),
    ("gopher://127.0.0.1:6379/_x", "'gopher'"),
    ("javascript:alert(1)", "'javascript'"),
    ("data:image/png;base64,AAAA", "'data'"),
    ("http:///a.png", "host"),
    ("http:/example.com/a.png", "host"),
    ("https://user@example.com/", "user name"),
    ("https://user:secret@example.com/", "user name"),
    ("https://example.com@10.0.0.1/", "user name"),
    ("https://:secret@example.com/", "user name"),
    ("https://example.com\\@10.0.0.1/", "backslashes"),
    ("https://exa mple.com/", "spaces"),
    (" https://example.com/", "spaces"),
    ("https://example.com/a\nHost: b", "control characters"),
    ("https://example.com/a\r\n", "control characters"),
    ("https://example.com/\x00", "control characters"),
    ("http://localhost/", "public host"),
    ("http://LOCALHOST./", "public host"),
    ("http://a.localhost/", "public host"),
    ("http://2130706433/", "four decimal numbers"),
    ("http://0x7f000001/", "four decimal numbers"),
    ("http://0x7f.0.0.1/", "four decimal numbers"),
    ("http://0x7f.1/", "four decimal numbers"),
    ("http://0177.0.0.1/", "valid"),
    ("http://017700000001/", "four decimal numbers"),
    ("http://127.1/", "four decimal numbers"),
    ("http://127.0.0.01/", "valid"),
    ("http://1.2.3.4.5/", "four decimal numbers"),
    ("http://256.1.1.1/", "valid"),
    ("http://0x/", "four decimal numbers"),
    ("http://a.0x10/", "four decimal numbers"),
    ("http://3232235521/", "four decimal numbers"),
    ("http://127.0.0.1./", "public address"),
    ("http://127.0.0.1。/", "public address"),
    ("http://①②⑦.⓪.⓪.①/", "valid"),
    ("http://１２７.０.０.１/", "valid"),
    ("http://%31%32%37.0.0.1/", "four decimal numbers"),
    ("http://[::1/", "valid"),
    ("http://[1.2.3.4]/", "valid"),
    ("http://[fe80::1%25eth0]/", "zone"),
    ("http://a..example.com/", "valid host name"),
    ("http://.example.com/", "valid host name"),
    ("http://" + "a" * 64 + ".com/", "valid host name"),
    ("http://" + "a." * 130 + "com/", "valid host name"),
    ("http://example.com:22/", "got 22"),
    ("http://example.com:25/", "got 25"),
    ("http://example.com:6379/", "got 6379"),
    ("http://example.com:0/", "got 0"),
    ("http://example.com:65536/", "got 65536"),
    ("http://example.com:80:80/", "valid"),
    ("https://8.8.8.8:5432/", "got 5432"),
    ("https://example.com/" + "a" * URL_LENGTH_MAX, "characters"),
]


@pytest.mark.parametrize(("url", "said"), BAD_URLS)
def test_a_url_is_refused_at_once_with_the_rule_it_breaks(url: str, said: str) -> None:
    assert said in refusal(url)


@given(st.text("http:/@[]%.\\?#&=-_01279afx ü。①", max_size=40))
@example("[::")
@example("xn--a.xn--")
@example("1" * 5000)
@settings(max_examples=300, deadline=None)
def test_any_text_is_either_refused_or_a_public_place(text: str) -> None:
    try:
        location = read_location(f"http://{text}", NOBODY).joined(text, NOBODY)
    except UrlRefused:
        return
    assert location.literal is None or is_public(location.literal)
    assert location.port in PORTS
    assert not location.url.userinfo
    assert location.host.isascii()


def test_a_name_that_only_looks_encoded_is_left_to_the_resolver() -> None:
    assert read_location("http://xn--/a", NOBODY).joined("/b", NOBODY).host == "xn--"


def test_a_refusal_does_not_repeat_the_password() -> None:
    assert "secret" not in refusal("https://user:secret@example.com/")


def test_a_named_host_may_be_anywhere_on_any_port() -> None:
    allowed = AllowedHosts.parse(["media.intra", "localhost"])
    location = read_location("http://Media.Intra:9000/a.png", allowed)
    assert location.admits(ip_address("10.1.2.3"), allowed)
    assert read_location("http://localhost:9000/a", allowed).is_named
    assert not read_location("http://cdn.media.intra/a", allowed).is_named


def test_an_allowed_network_admits_its_addresses_on_any_port_and_no_others() -> None:
    allowed = AllowedHosts.parse(["10.1.0.0/16", "fd00:1::/32", "192.168.7.7"])
    assert read_location("http://10.1.2.3:9000/a", allowed).literal
    assert read_location("http://[::ffff:10.1.2.3]:9000/a", allowed).literal
    assert read_location("http://[fd00:1::7]:9000/a", allowed).literal
    assert read_location("http://192.168.7.7:9000/a", allowed).literal
    assert "public" in refusal("http://10.2.0.1/a", allowed)
    assert "public" in refusal("http://192.168.7.8/a", allowed)
    assert "public" in refusal("http://169.254.169.254/a", allowed)


def test_an_odd_port_of_a_name_waits_for_its_address_when_networks_are_allowed() -> None:
    allowed = AllowedHosts.parse(["10.1.0.0/16"])
    location = read_location("http://store.intra:9000/a", allowed)
    assert location.admits(ip_address("10.1.2.3"), allowed)
    assert not location.admits(ip_address("8.8.8.8"), allowed)
    assert not location.admits(ip_address("10.2.0.1"), allowed)


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "1.2.3", "http://a.b", "a/b", "ü.example", ""])
def test_an_allowed_entry_that_is_no_host_or_network_is_a_config_error(entry: str) -> None:
    with pytest.raises(ConfigError, match="fetch_allowed"):
        AllowedHosts.parse([entry])


async def test_the_system_is_asked_for_all_addresses_once() -> None:
    found = await SystemResolver().resolve("localhost")
    assert set(found) & {ip_address("127.0.0.1"), ip_address("::1")}
    assert len(set(found)) == len(found)


async def test_a_name_that_no_name_server_could_hold_has_no_addresses() -> None:
    assert await SystemResolver().resolve("a" * 64 + ".test") == ()


async def test_given_names_are_not_asked_of_the_system() -> None:
    system = FakeResolver({"other.test": ["8.8.8.8"]})
    resolver = StaticResolver.parse(["A.test=10.0.0.1", "a.test=::1"], system)
    assert await resolver.resolve("a.test") == (ip_address("10.0.0.1"), ip_address("::1"))
    assert await resolver.resolve("other.test") == (ip_address("8.8.8.8"),)
    assert system.asked == ["other.test"]


def test_a_given_name_without_an_address_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="fetch_resolve"):
        StaticResolver.parse(["a.test=b.test"], FakeResolver({}))


@cache
def fetcher_for(allowed: AllowedHosts) -> GuardedFetcher:
    return GuardedFetcher(FetchLimits(), allowed, FakeResolver({}), None)


def refusal(url: str, allowed: AllowedHosts = NOBODY) -> str:
    fetcher = fetcher_for(allowed)
    with pytest.raises(InvalidFields) as caught:
        fetcher.check(url, param="image_urls")
    assert caught.value.broken[0].param == "image_urls"
    assert caught.value.message.startswith("image_urls must be ")
    return caught.value.message
