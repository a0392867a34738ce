"""Strict JSON: one object, each key once, finite numbers, whole characters. Reads no sockets.

The standard library's decoder is the judge, because it can see duplicate keys (msgspec is faster,
but silently keeps the last of them). It costs 2 ms a MiB, so a body over LARGE_BYTES, which holds
base64, is decoded by msgspec, and the judge sees it with its long strings cut out.
"""

from __future__ import annotations

import json
import math
import re
from typing import cast

import msgspec

from filmgate.domain.errors import BrokenRule, InvalidFields, InvalidRequest
from filmgate.domain.field_rule import shown

LARGE_BYTES = 2**20
DEPTH_MAX = 16
DIGITS_MAX = 400
MARKS_MAX = 10_000
"""More `{`, `[` and `,` than any prompt may have, few enough for values to be seen one by one."""
QUOTES_OF_LARGE_MAX = 4_096
CUT_FROM_BYTES = 256

_BODY = "the request body"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(raw: bytes) -> dict[str, object]:
    """Return the object that the bytes spell. Raises InvalidRequest: what is wrong, and where."""
    value = _parse_large(raw) if len(raw) > LARGE_BYTES else _parse(_text(raw))
    if not isinstance(value, dict):
        raise InvalidRequest(f"{_BODY} must be a JSON object, got {_kind(value)}")
    return cast("dict[str, object]", value)


def _text(raw: bytes) -> str:
    if not raw:
        raise InvalidRequest(f"{_BODY} is empty; a JSON object is needed")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"{_BODY} must be UTF-8, got byte 0x{raw[error.start]:02x} at offset {error.start:,}"
        ) from None
    if text[0] == "\ufeff":
        raise InvalidRequest(f"{_BODY} must not begin with a byte order mark")
    return text


def _parse(text: str) -> object:
    opened = text.count("{") + text.count("[")
    marks = opened + text.count(",")
    if marks > MARKS_MAX:
        raise InvalidRequest(
            f"{_BODY} must hold at most {MARKS_MAX:,} braces, brackets and commas, got {marks:,}"
        )
    try:
        value: object = _decode(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        place = f"line {error.lineno:,}, column {error.colno:,}"
        raise InvalidRequest(f"{_BODY} is not valid JSON: {what} at {place}") from None
    except RecursionError:
        raise _too_deep() from None
    if opened > DEPTH_MAX:
        _check_depth(value)
    if "\\u" in text and _SURROGATE.search(text):
        _check_unicode(value)
    return value


def _parse_large(raw: bytes) -> object:
    try:
        value: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return _parse(_text(raw))
    _parse(_without_long_strings(raw).decode("utf-8"))
    return value


def _without_long_strings(raw: bytes) -> bytes:
    """Cut the long values out of valid JSON and keep all keys. Raises InvalidRequest."""
    pieces = raw.split(b'"', QUOTES_OF_LARGE_MAX)
    if len(pieces) > QUOTES_OF_LARGE_MAX:
        raise InvalidRequest(
            f"{_BODY} is over {LARGE_BYTES:,} bytes and then may hold"
            f" at most {QUOTES_OF_LARGE_MAX - 1:,} quotation marks"
        )
    is_inside = False
    for index, piece in enumerate(pieces[:-1]):
        is_escaped = is_inside and (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1
        is_key = not is_escaped and pieces[index + 1].lstrip()[:1] == b":"
        if is_inside and len(piece) > CUT_FROM_BYTES and not is_key:
            pieces[index] = b"\\" if is_escaped else b""
        if not is_escaped:
            is_inside = not is_inside
    short = b'"'.join(pieces)
    if len(short) > LARGE_BYTES:
        raise InvalidRequest(
            f"{_BODY} is over {LARGE_BYTES:,} bytes without its long strings: {len(short):,}"
        )
    return short


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                said = shown(name)
                raise InvalidFields([BrokenRule(name[:60], f"{_BODY} names {said} twice")])
            seen.add(name)
    return fields


def _constant(name: str) -> object:
    raise InvalidRequest(f"{_BODY} holds {name}, which is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise _too_long(digits)
    return int(digits)


def _number(text: str) -> float:
    if len(text) > DIGITS_MAX:
        raise _too_long(text)
    value = float(text)
    if not math.isfinite(value):
        raise InvalidRequest(f"{_BODY} holds a number out of range: {text[:60]}")
    return value


def _too_long(text: str) -> InvalidRequest:
    return InvalidRequest(
        f"{_BODY} holds a number of {len(text):,} characters; at most {DIGITS_MAX} are taken"
    )


_decode = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_number,
).decode


def _check_depth(value: object) -> None:
    """Walk level by level, so that no nesting is deep enough to exhaust the stack."""
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [x for outer in level for x in _inside(outer) if isinstance(x, (dict, list))]
        if not level:
            return
    raise _too_deep()


def _inside(value: object) -> list[object]:
    """The values within a value; for a scalar none."""
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"{_BODY} must not be nested deeper than {DEPTH_MAX} levels")


def _check_unicode(value: object) -> None:
    level = [value]
    while level:
        for outer in level:
            texts = [outer] if isinstance(outer, str) else []
            if isinstance(outer, dict):
                texts = list(cast("dict[str, object]", outer))
            if not all(_is_unicode(text) for text in texts):
                raise InvalidRequest(
                    f"{_BODY} holds half of a surrogate pair (\\ud800 to \\udfff): no character"
                )
        level = [inner for outer in level for inner in _inside(outer)]


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "a number"
