"""Stands in for `filmgate serve --private`: its lock and files in the folder, and /readyz.

fake_serve.py [--version V] [--crash] [--public] --data DIR
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from filmgate import __version__


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", default=__version__)
    parser.add_argument("--crash", action="store_true")
    parser.add_argument("--public", action="store_true")
    parser.add_argument("--data", type=Path, required=True)
    words = parser.parse_args()
    with (words.data / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if words.crash:
        sys.exit("the database has no room")
    lock = (words.data / "server.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another server runs here")
    http = ThreadingHTTPServer(("127.0.0.1", 0), Ready)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=http.shutdown).start())
    (words.data / "client.key").write_text("fg_client\n")
    running = {
        "pid": os.getpid(),
        "url": f"http://127.0.0.1:{http.server_port}",
        "version": words.version,
        "is_private": not words.public,
        "started_at": "2026-01-01T00:00:00Z",
    }
    (words.data / "server.json").write_text(json.dumps(running))
    http.serve_forever(poll_interval=0.02)


if __name__ == "__main__":
    main()
