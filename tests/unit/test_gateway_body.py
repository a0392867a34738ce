"""Bodies: every way to be wrong has its own sentence, and none of them is a 500."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from filmgate.domain.errors import InvalidRequest, Unavailable
from filmgate.gateway import body as body_module
from filmgate.gateway.body import Bodies
from filmgate.gateway.strict_json import LARGE_BYTES, parse_json
from gateway_room import SIMPLE, Room

SUBMIT = "/v1/videos/generations"
BODY = "the request body"

WRONG = {
    "empty": (b"", f"{BODY} is empty; a JSON object is needed"),
    "blank": (b" ", f"{BODY} is not valid JSON: Expecting value at line 1, column 2"),
    "half": (b'{"a":', f"{BODY} is not valid JSON: Expecting value at line 1, column 6"),
    "second line": (
        b'{"a":1,\n "b" 2}',
        f"{BODY} is not valid JSON: Expecting ':' delimiter at line 2, column 6",
    ),
    "trailing comma": (
        b'{"a":1,}',
        f"{BODY} is not valid JSON: Expecting property name enclosed in double quotes"
        " at line 1, column 8",
    ),
    "two values": (b"{}{}", f"{BODY} is not valid JSON: Extra data at line 1, column 3"),
    "single quotes": (
        b"{'a':1}",
        f"{BODY} is not valid JSON: Expecting property name enclosed in double quotes"
        " at line 1, column 2",
    ),
    "control character": (
        b'{"a":"\n"}',
        f"{BODY} is not valid JSON: Invalid control character at line 1, column 7",
    ),
    "leading zero": (
        b'{"a":01}',
        f"{BODY} is not valid JSON: Expecting ',' delimiter at line 1, column 7",
    ),
    "not UTF-8": (b'{"a":"\xff"}', f"{BODY} must be UTF-8, got byte 0xff at offset 6"),
    "Latin-1": (b'{"a":"\xe4"}', f"{BODY} must be UTF-8, got byte 0xe4 at offset 6"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), f"{BODY} must be UTF-8, got byte 0xff at offset 0"),
    "byte order mark": (
        b'\xef\xbb\xbf{"a":1}',
        f"{BODY} must not begin with a byte order mark",
    ),
    "same key twice": (b'{"seed":1,"seed":2}', f'{BODY} names "seed" twice'),
    "same key, escaped": (b'{"seed":1,"s\\u0065ed":2}', f'{BODY} names "seed" twice'),
    "same key inside": (b'{"a":[{"b":1,"b":1}]}', f'{BODY} names "b" twice'),
    "NaN": (b'{"a":NaN}', f"{BODY} holds NaN, which is not JSON"),
    "Infinity": (b'{"a":Infinity}', f"{BODY} holds Infinity, which is not JSON"),
    "minus Infinity": (b'{"a":[-Infinity]}', f"{BODY} holds -Infinity, which is not JSON"),
    "out of range": (b'{"a":1e999}', f"{BODY} holds a number out of range: 1e999"),
    "a million digits": (
        b'{"a":' + b"7" * 1_000_000 + b"}",
        f"{BODY} holds a number of 1,000,000 characters; at most 400 are taken",
    ),
    "a long fraction": (
        b'{"a":0.' + b"7" * 1_000 + b"}",
        f"{BODY} holds a number of 1,002 characters; at most 400 are taken",
    ),
    "17 levels": (
        b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
        f"{BODY} must not be nested deeper than 16 levels",
    ),
    "9,000 levels": (
        b'{"a":' + b"[" * 9_000,
        f"{BODY} must not be nested deeper than 16 levels",
    ),
    "9,000 objects inside each other": (
        b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
        f"{BODY} must not be nested deeper than 16 levels",
    ),
    "5,000 objects": (
        b'{"a":[' + b"{}," * 4_999 + b"{}]}",
        f"{BODY} must hold at most 10,000 braces, brackets and commas, got 10,001",
    ),
    "array": (b"[{}]", f"{BODY} must be a JSON object, got an array"),
    "string": (b'"a"', f"{BODY} must be a JSON object, got a string"),
    "number": (b"7", f"{BODY} must be a JSON object, got a number"),
    "null": (b"null", f"{BODY} must be a JSON object, got null"),
    "true": (b"true", f"{BODY} must be a JSON object, got true or false"),
    "lone surrogate": (
        b'{"a":"\\ud800"}',
        f"{BODY} holds half of a surrogate pair (\\ud800 to \\udfff): no character",
    ),
    "lone surrogate in a key": (
        b'{"\\uDFFFx":1}',
        f"{BODY} holds half of a surrogate pair (\\ud800 to \\udfff): no character",
    ),
    "lone surrogate deep inside": (
        b'{"a":[{"b":["\\udc00"]}]}',
        f"{BODY} holds half of a surrogate pair (\\ud800 to \\udfff): no character",
    ),
    "surrogate as bytes": (
        b'{"a":"\xed\xa0\x80"}',
        f"{BODY} must be UTF-8, got byte 0xed at offset 6",
    ),
}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize("name", WRONG)
def test_every_broken_body_has_its_own_sentence(name: str) -> None:
    raw, message = WRONG[name]
    with pytest.raises(InvalidRequest) as caught:
        parse_json(raw)
    assert caught.value.message == message
    assert caught.value.http_status == 400


@pytest.mark.parametrize("name", WRONG)
async def test_no_broken_body_is_a_500(room: Room, name: str) -> None:
    raw, message = WRONG[name]
    headers = {"Content-Type": "application/json"}
    async with room.client() as client:
        answer = await client.post(SUBMIT, content=raw, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == message
    assert answer.json()["error"]["type"] == "invalid_request_error"


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_what_is_right_is_read_as_the_standard_library_reads_it(value: dict[str, object]) -> None:
    raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    assert parse_json(raw) == json.loads(raw)


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_a_400(raw: bytes) -> None:
    try:
        assert isinstance(parse_json(b'{"a":' + raw), dict)
    except InvalidRequest as error:
        assert error.http_status == 400


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert parse_json(b'{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}


def test_sixteen_levels_are_taken() -> None:
    assert parse_json(b'{"a":' + b"[" * 15 + b"]" * 15 + b"}")


LONG = b"iVBORw0KGg/+" * 100_000


def test_a_large_body_is_read_whole() -> None:
    body = parse_json(b'{"image_urls":["data:image/png;base64,' + LONG + b'"],"duration":5}')
    assert body == {"image_urls": ["data:image/png;base64," + LONG.decode()], "duration": 5}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"a":"' + LONG + b'","b":1,"b":2}', f'{BODY} names "b" twice'),
        (b'{"a":"' + LONG + b'","a":"' + LONG + b'"}', f'{BODY} names "a" twice'),
        (b'{"a":"\\"' + LONG + b'\\"","b":1,"b":2}', f'{BODY} names "b" twice'),
        (b'{"a":"' + LONG + b'\\\\","b":1,"b":2}', f'{BODY} names "b" twice'),
        (b'{"a":"' + LONG + b'","b":NaN}', f"{BODY} holds NaN, which is not JSON"),
        (b'{"a":"' + LONG + b'","b":1e999}', f"{BODY} holds a number out of range: 1e999"),
        (
            b'{"a":"' + LONG + b'","b":"\\ud800"}',
            f"{BODY} holds half of a surrogate pair (\\ud800 to \\udfff): no character",
        ),
        (
            b'{"a":"' + LONG + b'\xff"}',
            f"{BODY} must be UTF-8, got byte 0xff at offset 1,200,006",
        ),
        (
            b'{"a":"' + LONG + b'\n"}',
            f"{BODY} is not valid JSON: Invalid control character at line 1, column 1,200,007",
        ),
        (
            b'{"a":"' + LONG + b'","b":' + b"[" * 17 + b"]" * 17 + b"}",
            f"{BODY} must not be nested deeper than 16 levels",
        ),
        (
            b'{"a":[' + b'"",' * 400_000 + b'""]}',
            f"{BODY} is over 1,048,576 bytes and then may hold at most 4,095 quotation marks",
        ),
        (
            b'{"a":[' + b"1," * 600_000 + b"1]}",
            f"{BODY} is over 1,048,576 bytes without its long strings: 1,200,009",
        ),
        (b'["' + LONG + b'"]', f"{BODY} must be a JSON object, got an array"),
        (
            b"\xef\xbb\xbf" + b'{"a":"' + LONG + b'"}',
            f"{BODY} must not begin with a byte order mark",
        ),
    ],
)
def test_a_large_body_is_judged_like_a_small_one(raw: bytes, message: str) -> None:
    assert len(raw) > LARGE_BYTES
    with pytest.raises(InvalidRequest) as caught:
        parse_json(raw)
    assert caught.value.message == message


def test_long_keys_that_differ_in_the_middle_are_two_keys() -> None:
    one, two = b"k" * 400 + b"1" + b"k" * 400, b"k" * 400 + b"2" + b"k" * 400
    body = parse_json(b'{"' + one + b'" : "' + LONG + b'","' + two + b'"\n:2}')
    assert body == {one.decode(): LONG.decode(), two.decode(): 2}


def test_a_large_body_with_escaped_slashes_is_read_whole() -> None:
    body = {"image_urls": ["data:image/png;base64," + LONG.decode()], "prompt": 'a "b" \\ ' * 200}
    raw = json.dumps(body).replace("/", "\\/").encode()
    assert len(raw) > LARGE_BYTES
    assert parse_json(raw) == body


@given(st.lists(st.sampled_from(['"', "\\", "x" * 300, "\n", ":", ",", "\u20ac"]), max_size=12))
def test_no_string_hides_what_follows_a_large_one(parts: list[str]) -> None:
    tricky = "".join(parts)
    raw = json.dumps({"a": LONG.decode() + tricky, "b": tricky, "c": 1}).encode()
    assert parse_json(raw)["b"] == tricky
    with pytest.raises(InvalidRequest, match='names "c" twice'):
        parse_json(raw[:-1] + b',"c":2}')


TYPES = {
    None: "Content-Type must be application/json, got none",
    "text/plain": 'Content-Type must be application/json, got "text/plain"',
    "application/jsonx": 'Content-Type must be application/json, got "application/jsonx"',
    "application/json; charset=latin-1": "Content-Type's only parameter must be charset=utf-8, "
    'got "application/json; charset=latin-1"',
    "multipart/form-data; boundary=x": "Content-Type must be application/json, "
    'got "multipart/form-data; boundary=x"',
}


@pytest.mark.parametrize("given_type", TYPES)
async def test_another_content_type_is_a_415(room: Room, given_type: str | None) -> None:
    headers = {} if given_type is None else {"Content-Type": given_type}
    async with room.client() as client:
        answer = await client.post(SUBMIT, content=json.dumps(SIMPLE), headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"]["message"] == TYPES[given_type]


@pytest.mark.parametrize(
    "given_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'],
)
async def test_json_in_utf8_is_taken_however_it_is_spelt(room: Room, given_type: str) -> None:
    async with room.client() as client:
        answer = await client.post(
            SUBMIT, content=json.dumps(SIMPLE), headers={"Content-Type": given_type}
        )
    assert answer.status_code == 200


async def test_a_compressed_body_is_a_415(room: Room) -> None:
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert answer.json()["error"]["message"] == 'Content-Encoding must be absent, got "gzip"'


async def test_a_declared_length_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    room = Room(tmp_path, body_bytes_max=1000)
    reads = 0

    async def receive() -> dict[str, object]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"x", "more_body": False}

    request = request_with(receive, length=b"1001")
    with pytest.raises(InvalidRequest) as caught:
        async with Bodies(body_bytes_max=1000, large_bodies_max=1).json(request):
            pass
    assert caught.value.http_status == 413
    assert "at most 1,000 bytes, got 1,001" in caught.value.message
    assert reads == 0
    async with room.client() as client:
        answer = await client.post(SUBMIT, json=SIMPLE | {"prompt": "x" * 1000})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == 413


async def test_a_stream_over_the_limit_is_refused_as_soon_as_it_is(tmp_path: Path) -> None:
    room = Room(tmp_path, body_bytes_max=1000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 300

    headers = {"Content-Type": "application/json"}
    async with room.client() as client:
        answer = await client.post(SUBMIT, content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert "at most 1,000 bytes, got at least 1,200" in answer.json()["error"]["message"]


async def test_a_length_that_lies_low_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        async with Bodies(body_bytes_max=10, large_bodies_max=1).json(
            request_with(messages(b"x" * 20), length=b"5")
        ):
            pass
    assert caught.value.http_status == 413


@pytest.mark.parametrize("length", [b"-1", b"1_0", b"x", b"1" * 30, "²".encode("latin-1")])
async def test_a_malformed_length_is_a_400(length: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Content-Length must be a number of bytes"):
        async with Bodies(body_bytes_max=10, large_bodies_max=1).json(
            request_with(messages(b"{}"), length=length)
        ):
            pass


def messages(*parts: bytes):
    rest = list(parts)

    async def receive() -> dict[str, object]:
        part = rest.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(rest)}

    return receive


def request_with(receive, *, length: bytes | None = None) -> Request:
    headers = [(b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", length))
    return Request({"type": "http", "headers": headers}, receive)


async def test_large_bodies_wait_for_a_place_and_give_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_module, "LARGE_WAIT_S", 0.01)
    bodies = Bodies(body_bytes_max=10**7, large_bodies_max=1)
    large = b'{"a":"' + LONG + b'"}'
    async with bodies.json(request_with(messages(large[:900_000], large[900_000:]))) as first:
        assert len(first) == 1
        async with bodies.json(request_with(messages(b"{}"))) as small:
            assert small == {}
        # the first chunked body took no place before its last part came, a declared one does
        length = str(len(large)).encode()
        async with bodies.json(request_with(messages(large), length=length)):
            with pytest.raises(Unavailable):
                async with bodies.json(request_with(messages(large), length=length)):
                    pass
    async with bodies.json(request_with(messages(large), length=length)) as again:
        assert len(again) == 1


async def test_a_body_of_unknown_length_takes_a_place_once_it_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_module, "LARGE_WAIT_S", 0.01)
    bodies = Bodies(body_bytes_max=10**7, large_bodies_max=1)
    parts = [b'{"a":"' + LONG, LONG, b'"}']
    async with bodies.json(request_with(messages(*parts))):
        with pytest.raises(Unavailable):
            async with bodies.json(request_with(messages(*parts))):
                pass


async def test_a_place_is_given_back_when_the_body_is_wrong() -> None:
    bodies = Bodies(body_bytes_max=10**7, large_bodies_max=1)
    wrong = b'{"a":"' + LONG
    async with asyncio.timeout(5):
        for _ in range(3):
            with pytest.raises(InvalidRequest):
                async with bodies.json(request_with(messages(wrong), length=b"2000000")):
                    pass


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "READ_S_MAX", 0.05)
    never = asyncio.Event()

    async def receive() -> dict[str, object]:
        await never.wait()
        return {}

    with pytest.raises(InvalidRequest, match="took longer than"):
        async with Bodies(body_bytes_max=10, large_bodies_max=1).json(request_with(receive)):
            pass
