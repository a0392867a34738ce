"""Reads `data:` URIs that carry a file as base64; what the file holds is not judged.

    data:image/png;base64,iVBORw0KGgo…
         ───────── ────── ────────────
         type      always standard alphabet, padded

Sources: RFC 2397, RFC 4648 section 4. Spaces, tabs and line breaks inside the base64 are ignored,
as MIME encoders add them. All else is refused: percent escapes, the URL-safe alphabet, missing
padding, stray bits at the end, other encodings.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from filmgate.domain.errors import BrokenRule, InvalidFields

HEAD_LENGTH_MAX = 256
HEAD = re.compile(r"data:([a-z]+)/([a-z0-9.+-]+)((?:;[a-z0-9._+-]+=[a-z0-9._+-]+)*);base64", re.I)
WHITESPACE = {ord(sign): None for sign in " \t\r\n"}


def is_data_uri(text: str) -> bool:
    """Tell whether a text is meant as a data URI."""
    return text[:5].lower() == "data:"


def parse_data_uri(
    text: str, *, param: str, kinds: Sequence[str] = ("image",), size_bytes_max: int
) -> tuple[str, bytes]:
    """Return the declared content type, in lower case, and the bytes. Raises InvalidFields."""
    head, comma, body = text[:HEAD_LENGTH_MAX].partition(",")
    match = HEAD.fullmatch(head) if comma else None
    if match is None or match[1].lower() not in kinds:
        starts = " or ".join(f"data:{kind}/…;base64," for kind in kinds)
        raise _broken(param, f"a data URI that starts with {starts}")
    body = text[len(head) + 1 :]
    if len(body) // 4 * 3 - 2 > size_bytes_max:
        body = body.translate(WHITESPACE)
        if len(body) // 4 * 3 - 2 > size_bytes_max:
            raise _too_large(param, size_bytes_max)
    data = _decoded(body.translate(WHITESPACE), param)
    if not data:
        raise _broken(param, "a data URI with at least one byte")
    if len(data) > size_bytes_max:
        raise _too_large(param, size_bytes_max)
    return f"{match[1]}/{match[2]}".lower(), data


def _decoded(body: str, param: str) -> bytes:
    try:
        data = base64.b64decode(body.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise _broken(param, "a data URI with valid base64") from error
    tail = body[-4:]
    if tail and base64.b64encode(data[-(len(data) % 3 or 3) :]).decode("ascii") != tail:
        raise _broken(param, "a data URI with valid base64")
    return data


def _broken(param: str, rule: str) -> InvalidFields:
    return InvalidFields([BrokenRule(param, f"{param} must be {rule}")])


def _too_large(param: str, size_bytes_max: int) -> InvalidFields:
    return _broken(param, f"a file of at most {size_bytes_max} bytes, got more")
