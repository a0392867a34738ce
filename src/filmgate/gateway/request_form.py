"""What is wrong with a request, whatever it asks for: a header or a query's name that is given
twice, a name that nobody reads. What their values may be is the handlers' affair.

A query's names are those that /openapi.json lists for the operation. Paths that clients of other
APIs ask, and those that need no key, pass over other names, as those APIs do.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator

from starlette.requests import Request

from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.model import FIELD_NAME_CHARS_MAX, UNKNOWN_TOLD_MAX
from filmgate.gateway.apimart import VERSION_HEADER
from filmgate.gateway.auth import PAGE_HEADER
from filmgate.gateway.dashscope import ASYNC_HEADER, RESOLVE_HEADER

SINGLE_HEADERS = {
    name.lower().encode(): name
    for name in (
        "Authorization",
        "Content-Encoding",
        "Content-Type",
        "Host",
        "Idempotency-Key",
        "Last-Event-ID",
        PAGE_HEADER,
        VERSION_HEADER,
        ASYNC_HEADER,
        RESOLVE_HEADER,
    )
}
"""Of two values, nobody could say which one is meant."""


def check_form(request: Request, known: Collection[str], *, is_strict: bool) -> None:
    """Raise InvalidFields if the request says something twice or, where it `is_strict`, asks by a
    name that is not known.
    """
    broken = [*_headers_twice(request)]
    if request.scope["query_string"]:
        broken += _query_rules(request, known)
        if is_strict:
            broken += _unknown(request, known)
    if broken:
        raise InvalidFields(broken)


def _headers_twice(request: Request) -> Iterator[BrokenRule]:
    found = [name for name, _ in request.scope["headers"] if name in SINGLE_HEADERS]
    if len(found) == len(set(found)):  # nearly always, so it must be quick
        return
    for header, count in Counter(found).items():
        if count > 1:
            name = SINGLE_HEADERS[header]
            yield BrokenRule(name, f"{name} must be given once, got it {count} times")


def _query_rules(request: Request, known: Collection[str]) -> Iterator[BrokenRule]:
    given = request.query_params.multi_items()
    counts = Counter(name for name, _ in given)
    for name in known:
        if counts[name] > 1:
            yield BrokenRule(name, f"{name} must be given once, got it {counts[name]} times")
    for name, value in given:
        if name in known and "\x00" in value:
            yield BrokenRule(name, f"{name} must not contain the character U+0000")


def _unknown(request: Request, known: Collection[str]) -> Iterator[BrokenRule]:
    unknown = [name for name in request.query_params if name not in known]
    for name in unknown[:UNKNOWN_TOLD_MAX]:
        said = name[:FIELD_NAME_CHARS_MAX]
        near = difflib.get_close_matches(said, known, n=1, cutoff=0.5)
        takes = f"known are {', '.join(known)}" if known else "there is none"
        hint = f"did you mean {near[0]}?" if near else takes
        yield BrokenRule(said, f"{shown(said)} is not a query parameter of this path; {hint}")
