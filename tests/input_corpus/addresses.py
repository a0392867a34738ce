"""URLs that callers may name, and how the servers behind them may behave, each with its expected
answer. It asserts nothing.

A name in `NAMES` has these addresses; the test server stands at the loopback ones of files.test.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from filmgate.testing import web
from filmgate.testing.web import Route
from web_fixtures import BODY, HOST

NAMES = {
    HOST: ["127.0.0.1"],
    "rebound.test": ["127.0.0.1"],
    "private.test": ["10.0.0.7"],
    "metadata.test": ["169.254.169.254"],
    "both.test": ["93.184.216.34", "192.168.1.1"],
    "mapped.test": ["::ffff:127.0.0.9"],
    "tunnel.test": ["2002:7f00:1::"],
    "local6.test": ["fd00::1"],
    "multicast.test": ["224.0.0.1"],
}

REFUSED_AT_ONCE: dict[str, tuple[str, str]] = {
    "loopback": ("http://127.0.0.1/a.png", "public address"),
    "loopback, other": ("http://127.8.9.1/a.png", "public address"),
    "this network": ("http://0.0.0.0/a.png", "public address"),
    "private": ("http://192.168.0.1/a.png", "public address"),
    "shared": ("http://100.100.100.200/a.png", "public address"),
    "metadata": ("http://169.254.169.254/latest/meta-data/", "public address"),
    "multicast": ("http://224.0.0.1/a.png", "public address"),
    "broadcast": ("http://255.255.255.255/a.png", "public address"),
    "decimal": ("http://2130706433/a.png", "four decimal numbers"),
    "octal": ("http://0177.0.0.1/a.png", "valid http or https URL"),
    "hexadecimal": ("http://0x7f000001/a.png", "four decimal numbers"),
    "hexadecimal parts": ("http://0x7f.0.0.1/a.png", "four decimal numbers"),
    "short": ("http://127.1/a.png", "four decimal numbers"),
    "full-width digits": ("http://１２７.0.0.1/a.png", "valid http or https URL"),
    "IPv6 loopback": ("http://[::1]/a.png", "public address"),
    "IPv6 any": ("http://[::]/a.png", "public address"),
    "IPv6 private": ("http://[fc00::1]/a.png", "public address"),
    "IPv6 link-local": ("http://[fe80::1]/a.png", "public address"),
    "IPv6 zone": ("http://[fe80::1%25eth0]/a.png", "no zone"),
    "IPv6 mapped": ("http://[::ffff:10.0.0.1]/a.png", "public address"),
    "IPv6 mapped, hexadecimal": ("http://[::ffff:7f00:1]/a.png", "public address"),
    "IPv6 NAT64": ("http://[64:ff9b::7f00:1]/a.png", "public address"),
    "6to4": ("http://[2002:7f00:1::]/a.png", "public address"),
    "Teredo": ("http://[2001:0:1234::1]/a.png", "public address"),
    "localhost": ("http://localhost/a.png", "public host"),
    "localhost, other": ("http://a.localhost/a.png", "public host"),
    "localhost with a dot": ("http://localhost./a.png", "public host"),
    "user name": ("http://user@example.com/a.png", "without user name"),
    "user name like a host": ("http://example.com@127.0.0.1/a.png", "without user name"),
    "odd port": ("http://example.com:22/a.png", "one of the ports"),
    "database port": ("http://example.com:5432/a.png", "one of the ports"),
    "file": ("file:///etc/passwd", "http"),
    "ftp": ("ftp://example.com/a.png", "http"),
    "no host": ("http:///a.png", "host"),
    "backslash": ("http://example.com\\@127.0.0.1/a.png", "backslashes"),
    "line break": ("http://example.com/a\r\nHost: x", "control characters"),
    "too long": ("http://example.com/" + "a" * 9000, "8"),
}
"""URL, and a word of the message: HTTP 400 when the task is submitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a server does, and the failure's code and a word of its message; no code: it is taken.

    `hits`: how often the server is asked, None where that is not the point.
    """

    code: str = ""
    word: str = ""
    routes: dict[str, Route] = field(default_factory=dict[str, Route])
    host: str = HOST
    hits: int | None = None
    later: list[str] | None = None
    """Addresses that the host's name has from the second look-up on."""


FINE = web.answer(BODY)


def to(url: str) -> dict[str, Route]:
    """A redirect to there."""
    return {"/a": web.redirect(url)}


FETCHED: dict[str, Fetched] = {
    "a file": Fetched(routes={"/a": FINE}, hits=1),
    "a redirect": Fetched(routes={"/a": web.redirect("/b"), "/b": FINE}, hits=2),
    "five redirects": Fetched(
        routes={"/a": web.redirect("/1"), "/5": FINE}
        | {f"/{n}": web.redirect(f"/{n + 1}") for n in range(1, 5)},
        hits=6,
    ),
    "six redirects": Fetched(
        routes={"/a": web.redirect("/1"), "/6": FINE}
        | {f"/{n}": web.redirect(f"/{n + 1}") for n in range(1, 6)},
        code="input_redirects_exceeded",
        word="at most 5 times",
    ),
    "a loop": Fetched(
        routes={"/a": web.redirect("/a")}, code="input_redirects_exceeded", word="at most", hits=6
    ),
    "a redirect to loopback": Fetched(
        routes=to("http://127.0.0.9/b"), code="input_url_refused", word="redirect only", hits=1
    ),
    "a redirect to metadata": Fetched(
        routes=to("http://169.254.169.254/"), code="input_url_refused", word="redirect only", hits=1
    ),
    "a redirect to a private name": Fetched(
        routes=to("http://private.test/b"), code="input_url_refused", word="public", hits=1
    ),
    "a redirect to a file": Fetched(
        routes=to("file:///etc/passwd"), code="input_url_refused", word="redirect only", hits=1
    ),
    "a redirect to a decimal host": Fetched(
        routes=to("http://2130706433/"), code="input_url_refused", word="redirect only", hits=1
    ),
    "a redirect to a user": Fetched(
        routes=to("http://a:b@example.com/"), code="input_url_refused", word="redirect only", hits=1
    ),
    "a redirect to nowhere": Fetched(
        routes={"/a": web.answer(b"", status=302)}, code="input_http_error", word="location"
    ),
    "a private name": Fetched(host="private.test", code="input_url_refused", word="public"),
    "a metadata name": Fetched(host="metadata.test", code="input_url_refused", word="public"),
    "public and private": Fetched(host="both.test", code="input_url_refused", word="public"),
    "a mapped name": Fetched(host="mapped.test", code="input_url_refused", word="public"),
    "a 6to4 name": Fetched(host="tunnel.test", code="input_url_refused", word="public"),
    "a private IPv6 name": Fetched(host="local6.test", code="input_url_refused", word="public"),
    "a multicast name": Fetched(host="multicast.test", code="input_url_refused", word="public"),
    "a name nobody has": Fetched(
        host="nobody.test", code="input_host_unreachable", word="no host nobody.test"
    ),
    "a name that changes": Fetched(
        routes={"/a": web.redirect("/b"), "/b": FINE},
        host="rebound.test",
        later=["10.0.0.7"],
        code="input_url_refused",
        word="public",
        hits=1,
    ),
    "401": Fetched(routes={"/a": web.answer(b"", status=401)}, code="input_access_denied", hits=1),
    "403": Fetched(
        routes={"/a": web.answer(b"", status=403)}, code="input_access_denied", word="403", hits=1
    ),
    "404": Fetched(
        routes={"/a": web.answer(b"", status=404)}, code="input_not_found", word="404", hits=1
    ),
    "410": Fetched(routes={"/a": web.answer(b"", status=410)}, code="input_not_found", hits=1),
    "206": Fetched(routes={"/a": web.answer(BODY, status=206)}, code="input_http_error", hits=1),
    "429 for ever": Fetched(
        routes={"/a": web.answer(b"", status=429)}, code="input_http_error", word="429", hits=6
    ),
    "503 for ever": Fetched(
        routes={"/a": web.answer(b"", status=503)}, code="input_http_error", word="503", hits=6
    ),
    "503, then well": Fetched(
        routes={"/a": web.in_turn(web.answer(b"", status=503), FINE)}, hits=2
    ),
    "hangs up, then well": Fetched(routes={"/a": web.in_turn(web.hang_up(), FINE)}, hits=2),
    "silence": Fetched(routes={"/a": web.silence()}, code="input_timed_out", word="silent"),
    "a slow drip": Fetched(
        routes={"/a": web.drip(b"x", pause_s=0.02)}, code="input_timed_out", word="within"
    ),
    "an endless body": Fetched(
        routes={"/a": web.endless()}, code="input_too_large", word="sends more", hits=1
    ),
    "a gzip bomb": Fetched(
        routes={"/a": web.gzip_bomb(2**24)}, code="input_encoding_refused", word="gzip", hits=1
    ),
    "a length over the limit": Fetched(
        routes={"/a": web.lying(b"x", length_bytes=10**12)},
        code="input_too_large",
        word="announces",
        hits=1,
    ),
    "a length that is not kept": Fetched(
        routes={"/a": web.lying(BODY, length_bytes=len(BODY) + 9)},
        code="input_interrupted",
        word="early",
        hits=6,
    ),
    "chunks without an end": Fetched(
        routes={"/a": web.chunked([BODY], is_ended=False)}, code="input_interrupted", word="early"
    ),
    "chunks": Fetched(routes={"/a": web.chunked([BODY[:100], BODY[100:]])}, hits=1),
    "not HTTP": Fetched(
        routes={"/a": web.garbage(b"SSH-2.0-OpenSSH_9.6\r\n")}, code="input_http_error", word="HTTP"
    ),
}
