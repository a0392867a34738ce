"""Which part of a file a request wants: Range, If-Range, If-None-Match (RFC 9110, 13 and 14).

    If-None-Match, If-Modified-Since → 304
    Range, if If-Range allows it     → 206, or 416 when nothing of it exists
    anything else                    → 200, whole

Several ranges, units other than bytes and malformed ranges are ignored: the answer is the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to answer: the status, and the bytes from `start` up to, not including, `end`."""

    status: int
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        """How many bytes the answer has."""
        return self.end - self.start


def select(
    headers: Mapping[str, str],
    *,
    size_bytes: int,
    etag: str,
    modified_at_s: float,
    has_ranges: bool = True,
) -> Selection:
    """Return the part of a file that the headers ask for. `etag` comes with its quotes; only GET
    `has_ranges`.
    """
    if _is_unchanged(headers, etag, modified_at_s):
        return Selection(status=304, start=0, end=0)
    whole = Selection(status=200, start=0, end=size_bytes)
    asked = _RANGE.fullmatch(headers.get("range", ""))
    if (
        asked is None
        or not has_ranges
        or not _if_range_allows(headers.get("if-range"), etag, modified_at_s)
    ):
        return whole
    first, last = asked.groups()
    if not first:
        if not last:
            return whole
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return whole
    if start >= size_bytes:
        return Selection(status=416, start=0, end=0)
    return Selection(status=206, start=start, end=end)


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether If-None-Match names the tag; weak tags count as strong ones there."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def http_date(moment_s: float) -> str:
    """Return a moment as headers say it."""
    return formatdate(moment_s, usegmt=True)


def quoted(etag: str) -> str:
    """Return a storage's tag as an ETag header says it."""
    is_quoted = etag.endswith('"') and etag.startswith(('"', 'W/"'))
    return etag if is_quoted else '"' + etag.replace('"', "") + '"'


def _is_unchanged(headers: Mapping[str, str], etag: str, modified_at_s: float) -> bool:
    known = headers.get("if-none-match")
    if known is not None:
        return is_known(known, etag)
    since_s = _moment_s(headers.get("if-modified-since"))
    return since_s is not None and int(modified_at_s) <= since_s


def _if_range_allows(condition: str | None, etag: str, modified_at_s: float) -> bool:
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag and not etag.startswith("W/")
    return _moment_s(condition) == int(modified_at_s)


def _moment_s(text: str | None) -> float | None:
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
