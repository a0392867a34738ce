"""Data URIs and upload forms that callers may send, each with its expected answer. It asserts
nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import media_files as files
from input_corpus.pictures import drawn

LIMIT_BYTES = 2**20
"""The limit of images and sounds in the gateway under test."""
BOUNDARY = "corpus"


def uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


PNG = drawn("PNG")()
WAV = files.wav_bytes(files.tone(3))

DATA_URIS: dict[str, tuple[Callable[[], str], int, str]] = {
    "png": (lambda: uri(PNG), 200, ""),
    "png said to be jpeg": (lambda: uri(PNG, "image/jpeg"), 200, ""),
    "with a parameter": (lambda: uri(PNG, "image/png;name=a.png"), 200, ""),
    "in capitals": (lambda: uri(PNG).replace("data:image/png", "DATA:IMAGE/PNG"), 200, ""),
    "in lines": (lambda: uri(PNG).replace("A", "A\r\n", 9), 200, ""),
    "at the limit": (lambda: uri(PNG + bytes(LIMIT_BYTES - len(PNG))), 200, ""),
    "over the limit": (lambda: uri(PNG + bytes(LIMIT_BYTES - len(PNG) + 1)), 400, "at most"),
    "huge": (lambda: uri(PNG + bytes(3 * LIMIT_BYTES)), 400, "at most"),
    "not base64": (lambda: "data:image/png;base64,!!!!", 400, "base64"),
    "one sign too few": (lambda: uri(PNG)[:-1], 400, "base64"),
    "URL-safe alphabet": (lambda: "data:image/png;base64,_-_-", 400, "base64"),
    "percent escapes": (lambda: "data:image/png;base64,iVBORw0KGgo%3D", 400, "base64"),
    "no base64 mark": (lambda: "data:image/png,abc", 400, "data:image/"),
    "no comma": (lambda: "data:image/png;base64", 400, "data:image/"),
    "no bytes": (lambda: "data:image/png;base64,", 400, "one byte"),
    "a page": (lambda: uri(b"<html><script>", "text/html"), 400, "data:image/"),
    "a page said to be png": (lambda: uri(b"<html><script>"), 400, "an HTML page"),
    "svg": (lambda: uri(b"<svg xmlns='x'/>", "image/svg+xml"), 400, "SVG"),
    "a sound": (lambda: uri(WAV, "audio/wav"), 400, "data:image/"),
    "a sound said to be png": (lambda: uri(WAV), 400, "WAV"),
    "a PDF said to be png": (lambda: uri(b"%PDF-1.7"), 400, "PDF"),
}
"""The text, the HTTP status, and a word of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An upload: its body, and the answer."""

    body: Callable[[], bytes]
    status: int
    word: str = ""
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}"
    kind: str = "images"


def part(body: bytes, *, name: str = "file", filename: str | None = "a.png") -> bytes:
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n"
    return head.encode() + body + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()

FORMS: dict[str, Form] = {
    "a picture": Form(body=lambda: part(PNG) + END, status=200),
    "a picture with a lying name": Form(
        body=lambda: part(PNG, filename="../../etc/passwd.exe") + END, status=200
    ),
    "a sound": Form(body=lambda: part(WAV) + END, status=200, kind="audios"),
    "an mp3": Form(body=lambda: part(files.mp3_bytes(3)) + END, status=200, kind="audios"),
    "at the limit": Form(body=lambda: part(PNG + bytes(LIMIT_BYTES - len(PNG))) + END, status=200),
    "over the limit": Form(
        body=lambda: part(PNG + bytes(LIMIT_BYTES - len(PNG) + 1)) + END,
        status=413,
        word="exceeds maximum 1048576 bytes",
    ),
    "no field": Form(body=lambda: END, status=400, word="the form holds no file"),
    "nothing": Form(body=lambda: b"", status=400, word="the form holds no file"),
    "another field": Form(
        body=lambda: part(PNG, name="image") + END, status=400, word="must be named file"
    ),
    "two files": Form(
        body=lambda: part(PNG) + part(PNG) + END, status=400, word="one file and nothing else"
    ),
    "a text in place of a file": Form(
        body=lambda: part(PNG, filename=None) + END, status=400, word="no file name"
    ),
    "an empty file": Form(body=lambda: part(b"") + END, status=400, word="must not be empty"),
    "a form cut off": Form(
        body=lambda: part(PNG)[:-50], status=400, word="before its closing boundary"
    ),
    "rubbish": Form(body=lambda: b"rubbish" * 99, status=400, word="not valid multipart"),
    "a page": Form(
        body=lambda: part(b"<html><script>") + END, status=400, word="unsupported image type"
    ),
    "a PDF": Form(body=lambda: part(b"%PDF-1.7") + END, status=400, word="unsupported image type"),
    "a sound as a picture": Form(
        body=lambda: part(WAV) + END, status=400, word="unsupported image type: audio/wav"
    ),
    "a picture as a sound": Form(
        body=lambda: part(PNG) + END,
        status=400,
        word="unsupported audio type: image/png",
        kind="audios",
    ),
    "JSON": Form(
        body=lambda: b"{}", status=415, word="multipart/form-data", content_type="application/json"
    ),
    "no boundary": Form(
        body=lambda: END, status=400, word="boundary", content_type="multipart/form-data"
    ),
}
