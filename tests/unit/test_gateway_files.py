"""Files: signed links, ranges and conditions; uploads as streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from filmgate.gateway import uploads
from filmgate.gateway.files import disposition
from filmgate.gateway.multipart import clean_filename
from filmgate.gateway.ranges import http_date, quoted, select
from filmgate.storage.local import LocalStorage
from gateway_room import NOW, SIMPLE, Room

FILM = bytes(range(256)) * 10
SIZE = len(FILM)
MODIFIED_S = 1_763_000_000.5
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 100


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


async def film_path(room: Room) -> str:
    async with room.client() as client:
        answer = await client.post("/v1/videos/generations", json=SIMPLE)
        task_id = answer.json()["data"][0]["task_id"]
        await room.completed(task_id, film=FILM)
        task = (await client.get(f"/v1/tasks/{task_id}")).json()["data"]
    return task["result"]["videos"][0]["url"][0].removeprefix("http://films.example")


async def test_a_signed_link_needs_no_key_and_gives_the_whole_file(room: Room) -> None:
    path = await film_path(room)
    async with room.client(token=None) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.content == FILM
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private"
    assert answer.headers["etag"].startswith('"')
    assert answer.headers["content-disposition"].startswith('inline; filename="task_')
    assert answer.headers["content-security-policy"].startswith("sandbox")


async def test_head_is_get_without_the_bytes(room: Room) -> None:
    path = await film_path(room)
    async with room.client(token=None) as client:
        get, head = await client.get(path), await client.head(path)
        ranged = await client.head(path, headers={"Range": "bytes=0-9"})
    names = {"x-request-id"}
    for answer in (head, ranged):  # RFC 9110, 14.2: a range is for GET alone
        assert (answer.status_code, answer.content) == (200, b"")
        assert {n: v for n, v in answer.headers.items() if n not in names} == {
            n: v for n, v in get.headers.items() if n not in names
        }


async def test_head_reads_nothing_of_the_file(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await film_path(room)
    reads: list[str] = []
    monkeypatch.setattr(LocalStorage, "read", lambda *_, **__: reads.append("read"))
    async with room.client(token=None) as client:
        answer = await client.head(path)
    assert answer.status_code == 200
    assert reads == []


async def test_a_range_is_that_part(room: Room) -> None:
    path = await film_path(room)
    async with room.client(token=None) as client:
        answer = await client.get(path, headers={"Range": "bytes=100-299"})
    assert answer.status_code == 206
    assert answer.content == FILM[100:300]
    assert answer.headers["content-range"] == f"bytes 100-299/{SIZE}"
    assert answer.headers["content-length"] == "200"


async def test_a_range_beyond_the_end_is_a_416(room: Room) -> None:
    path = await film_path(room)
    async with room.client(token=None) as client:
        answer = await client.get(path, headers={"Range": f"bytes={SIZE}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.json()["error"]["code"] == 416
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_what_the_client_has_is_not_sent_again(room: Room) -> None:
    path = await film_path(room)
    async with room.client(token=None) as client:
        etag = (await client.head(path)).headers["etag"]
        answer = await client.get(path, headers={"If-None-Match": etag})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == etag
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(
    ("old", "new"),
    [("signature=", "signature=0"), ("expires=1", "expires=2"), ("film.mp4", "film.mp5")],
)
async def test_a_link_that_was_changed_is_a_404(room: Room, old: str, new: str) -> None:
    path = await film_path(room)
    assert old in path
    async with room.client(token=None) as client:
        changed = await client.get(path.replace(old, new))
        bare = await client.get(path.partition("?")[0])
    for answer in (changed, bare):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "file_not_found"


async def test_an_expired_link_is_a_410(room: Room) -> None:
    path = await film_path(room)
    room.clock.at = NOW + timedelta(days=2)
    async with room.client(token=None) as client:
        answer = await client.get(path)
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "file_expired"


ETAG = '"tag"'
WHOLE = (200, 0, 1000)


@pytest.mark.parametrize(
    ("headers", "selection"),
    [
        ({}, WHOLE),
        ({"range": "bytes=0-0"}, (206, 0, 1)),
        ({"range": "bytes=0-"}, (206, 0, 1000)),
        ({"range": "bytes=999-"}, (206, 999, 1000)),
        ({"range": "bytes=-1"}, (206, 999, 1000)),
        ({"range": "bytes=-5000"}, (206, 0, 1000)),
        ({"range": "bytes=900-5000"}, (206, 900, 1000)),
        ({"range": "BYTES=1-2"}, (206, 1, 3)),
        ({"range": "bytes= 1-2 "}, (206, 1, 3)),
        ({"range": "bytes=1000-"}, (416, 0, 0)),
        ({"range": "bytes=1000-1001"}, (416, 0, 0)),
        ({"range": "bytes=-0"}, (416, 0, 0)),
        ({"range": "bytes=2-1"}, WHOLE),
        ({"range": "bytes=-"}, WHOLE),
        ({"range": "bytes=1-2,5-6"}, WHOLE),
        ({"range": "frames=1-2"}, WHOLE),
        ({"range": "bytes=a-b"}, WHOLE),
        ({"range": "bytes=1"}, WHOLE),
        ({"range": "bytes=" + "9" * 30 + "-"}, WHOLE),
        ({"range": "bytes=1-2", "if-range": ETAG}, (206, 1, 3)),
        ({"range": "bytes=1-2", "if-range": '"other"'}, WHOLE),
        ({"range": "bytes=1-2", "if-range": 'W/"tag"'}, WHOLE),
        ({"range": "bytes=1-2", "if-range": http_date(MODIFIED_S)}, (206, 1, 3)),
        ({"range": "bytes=1-2", "if-range": http_date(MODIFIED_S + 1)}, WHOLE),
        ({"range": "bytes=1-2", "if-range": "nonsense"}, WHOLE),
        ({"if-none-match": ETAG}, (304, 0, 0)),
        ({"if-none-match": 'W/"tag"'}, (304, 0, 0)),
        ({"if-none-match": '"a", "tag"'}, (304, 0, 0)),
        ({"if-none-match": "*"}, (304, 0, 0)),
        ({"if-none-match": '"a"'}, WHOLE),
        ({"if-none-match": '"a"', "if-modified-since": http_date(MODIFIED_S)}, WHOLE),
        ({"if-modified-since": http_date(MODIFIED_S)}, (304, 0, 0)),
        ({"if-modified-since": http_date(MODIFIED_S - 2)}, WHOLE),
        ({"if-modified-since": "nonsense"}, WHOLE),
        ({"if-modified-since": "Mon, 01 Jan 99999 00:00:00 GMT"}, WHOLE),
        ({"range": "bytes=1-2", "if-none-match": ETAG}, (304, 0, 0)),
    ],
)
def test_the_part_that_is_sent(headers: dict[str, str], selection: tuple[int, int, int]) -> None:
    got = select(headers, size_bytes=1000, etag=ETAG, modified_at_s=MODIFIED_S)
    assert (got.status, got.start, got.end) == selection


def test_nothing_of_an_empty_file_can_be_ranged() -> None:
    got = select({"range": "bytes=0-"}, size_bytes=0, etag=ETAG, modified_at_s=0)
    assert got.status == 416


@pytest.mark.parametrize(
    ("etag", "said"), [("a-1", '"a-1"'), ('"a"', '"a"'), ('W/"a"', 'W/"a"'), ('a"b', '"ab"')]
)
def test_an_etag_has_its_quotes(etag: str, said: str) -> None:
    assert quoted(etag) == said


@pytest.mark.parametrize(
    ("filename", "said"),
    [
        ("film.mp4", 'inline; filename="film.mp4"'),
        ('a"b\\c.png', "inline; filename=\"a_b_c.png\"; filename*=UTF-8''a%22b%5Cc.png"),
        ("ü\r\nX: y", "inline; filename=\"___X_ y\"; filename*=UTF-8''%C3%BC%0D%0AX%3A%20y"),
        ("", 'inline; filename="file"'),
    ],
)
def test_a_filename_cannot_break_its_header(filename: str, said: str) -> None:
    assert disposition(filename) == said


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cat.png", "cat.png"),
        ("..", "upload"),
        ("", "upload"),
        ("a\x00b\x1b[31m.png", "ab[31m.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("x" * 300, "x" * 150),
        ("猫.png", "猫.png"),
    ],
)
def test_an_uploads_name_is_cleaned(name: str, clean: str) -> None:
    assert clean_filename(name) == clean


async def test_an_upload_is_a_signed_link_to_the_same_bytes(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(
            "/v1/uploads/images", files={"file": ("../cat.png", PNG, "text/html")}
        )
        said = answer.json()
        read = await client.get(said["url"])
    assert answer.status_code == 200
    assert list(said) == ["url", "filename", "content_type", "bytes", "created_at"]
    assert said["url"].startswith("http://films.example/v1/files/uploads/")
    assert said | {"url": ""} == {
        "url": "",
        "filename": "cat.png",
        "content_type": "image/png",
        "bytes": len(PNG),
        "created_at": int(NOW.timestamp()),
    }
    assert read.content == PNG
    assert read.headers["content-type"] == "image/png"


BOUNDARY = "xyz"


def part(name: str, body: bytes, *, filename: str | None = "a.png") -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n"
        "Content-Type: image/png\r\n\r\n".encode()
        + body
        + b"\r\n"
    )


END = f"--{BOUNDARY}--\r\n".encode()
FIELD = "missing or invalid file field: "
FORMS = {
    "no part": (END, 400, FIELD + "the form holds no file"),
    "nothing": (b"", 400, FIELD + "the form holds no file"),
    "other name": (
        part("image", PNG) + END,
        400,
        FIELD + 'the form\'s field must be named file, got "image"',
    ),
    "no filename": (
        part("file", PNG, filename=None) + END,
        400,
        FIELD + "the field file has no file name, so it is no file",
    ),
    "two files": (
        part("file", PNG) + part("file", PNG) + END,
        400,
        FIELD + "the form must hold one file and nothing else",
    ),
    "a field behind": (
        part("file", PNG) + part("purpose", b"x", filename=None) + END,
        400,
        FIELD + "the form must hold one file and nothing else",
    ),
    "cut off": (part("file", PNG), 400, "the form ends before its closing boundary"),
    "cut in the file": (part("file", PNG)[:-20], 400, "the form ends before its closing boundary"),
    "empty file": (part("file", b"") + END, 400, "the file must not be empty, got 0 bytes"),
    "no form": (b"garbage" * 10, 400, "the form is not valid multipart/form-data"),
    "a script": (
        part("file", b"<script>" * 20) + END,
        400,
        "unsupported image type: unknown, allowed: jpeg, png, webp, bmp, gif",
    ),
    "too large": (
        part("file", PNG + b"\x00" * 2**20) + END,
        413,
        f"file size {2**20 + len(PNG)} exceeds maximum 1048576 bytes",
    ),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("step", [1_000_000_000, 50_000, 7])
async def test_a_wrong_form_is_told_and_nothing_is_kept(room: Room, name: str, step: int) -> None:
    form, status, message = FORMS[name]
    if step == 7 and len(form) > 10_000:
        step = 7_777

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(form), step):
            yield form[at : at + step]

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    async with room.client() as client:
        answer = await client.post("/v1/uploads/images", content=chunks(), headers=headers)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert error["param"] == "file"
    assert error["type"] == "invalid_request_error"
    if status == 413:
        assert error["message"].startswith("file size ")
        assert error["message"].endswith(" exceeds maximum 1048576 bytes")
    else:
        assert error["message"] == message
    assert not room.store.assets
    assert not [stored async for stored in room.storage.list_keys("uploads/")]


async def test_a_declared_size_over_the_limit_is_refused_unread(room: Room) -> None:
    headers = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": "25165824",
    }
    async with room.client() as client:
        answer = await client.post("/v1/uploads/images", content=b"", headers=headers)
    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == "file size 25165824 exceeds maximum 1048576 bytes"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("application/json", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=" + "x" * 300, 400),
    ],
)
async def test_what_is_no_form_is_refused(room: Room, given: str, status: int) -> None:
    async with room.client() as client:
        answer = await client.post(
            "/v1/uploads/images", content=b"{}", headers={"Content-Type": given}
        )
    assert answer.status_code == status


async def test_a_compressed_upload_is_refused_for_being_compressed(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(
            "/v1/uploads/images",
            files={"file": ("a.png", b"x")},
            headers={"Content-Encoding": "gzip"},
        )
    assert answer.status_code == 415
    assert answer.json()["error"]["message"] == 'Content-Encoding must be absent, got "gzip"'


async def test_too_many_uploads_at_once_are_sent_away(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "UPLOADS_AT_ONCE_MAX", 0)
    async with room.client() as client:
        answer = await client.post("/v1/uploads/audios", files={"file": ("a.wav", b"RIFF")})
    assert answer.status_code == 503
