"""The page at `/`: files of this package, read once, served as they are. It knows nothing of tasks.

`/` is page/index.html; its scripts, styles and messages stand under /page/. The page signs in at
/v1/session and uses the public API for all else. Nothing of it comes from another host, and the
policy below holds it to that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request

from filmgate.domain.errors import UnknownRoute
from filmgate.domain.field_rule import shown
from filmgate.gateway.answers import Answer
from filmgate.gateway.ranges import is_known

INDEX = "index.html"
TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".svg": b"image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """One file, ready to be sent."""

    body: bytes
    content_type: bytes
    etag: bytes


class PageFiles:
    """The handlers of `/` and /page/."""

    def __init__(self, *, version: str) -> None:
        folder = files("filmgate.gateway").joinpath("page")
        self._files = {
            name: _page_file(entry, version=version) for name, entry in _entries(folder, "")
        }

    async def home(self, request: Request) -> Answer:
        """Send the page."""
        return self._send(INDEX, request)

    async def part(self, request: Request) -> Answer:
        """Send a script, a style, messages or a picture of the page."""
        return self._send(request.path_params["name"], request)

    def _send(self, name: str, request: Request) -> Answer:
        file = self._files.get(name)
        if file is None:
            raise UnknownRoute(f"the page has no file {shown(name)}")
        headers = [
            (b"content-type", file.content_type),
            (b"content-security-policy", POLICY.encode()),
            (b"cache-control", b"no-cache"),
            (b"etag", file.etag),
        ]
        if is_known(request.headers.get("if-none-match", ""), file.etag.decode()):
            return Answer(b"", status=304, headers=headers)
        return Answer(file.body, headers=headers)


def _entries(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _entries(entry, f"{prefix}{entry.name}/")
        elif _ending(entry.name) in TYPES:
            found.append((prefix + entry.name, entry))
    return found


def _page_file(entry: Traversable, *, version: str) -> PageFile:
    body = entry.read_bytes()
    if entry.name == INDEX:
        body = body.replace(b"{version}", version.encode())
    etag = b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
    return PageFile(body=body, content_type=TYPES[_ending(entry.name)], etag=etag)


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
