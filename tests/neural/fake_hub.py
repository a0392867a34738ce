"""A hub on this machine that speaks as much of Hugging Face's API as `filmgate models pull` needs:
a repository's facts, and its files.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"


class Door(BaseHTTPRequestHandler):
    """Answers for the repositories of its server."""

    protocol_version = "HTTP/1.1"
    repositories: dict[str, Path]
    card: dict[str, Any]

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        if path.startswith("api/models/"):
            self._facts("/".join(path.split("/")[2:4]), is_tree="/tree/" in path)
            return
        name, _, rest = path.partition("/resolve/")
        file = self.repositories.get(name, Path("/nowhere")) / rest.partition("/")[2]
        if not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = file.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        self._send(200, content, {"X-Repo-Commit": REVISION, "ETag": etag})

    def _facts(self, name: str, *, is_tree: bool) -> None:
        folder = self.repositories.get(name)
        if folder is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        sizes = {
            str(path.relative_to(folder)): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        siblings = [{"rfilename": file, "size": size} for file, size in sizes.items()]
        tree = [{"type": "file", "path": f, "size": s, "oid": ""} for f, s in sizes.items()]
        facts = {"id": name, "sha": REVISION, "cardData": self.card, "siblings": siblings}
        self._send(200, json.dumps(tree if is_tree else facts).encode(), {})

    def _send(self, status: int, content: bytes, tags: dict[str, str]) -> None:
        self.send_response(status)
        for tag, value in tags.items():
            self.send_header(tag, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


@contextmanager
def hub(repositories: dict[str, Path], card: dict[str, Any]) -> Iterator[str]:
    """Serve folders as repositories; yields the base URL."""
    door = type("Door", (Door,), {"repositories": repositories, "card": card})
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
