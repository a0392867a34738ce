"""The form of an Idempotency-Key and the digest of a body. Keeping them is the store's business."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from filmgate.domain.errors import InvalidRequest

KEY_CHARS_MAX = 191
_FORM = re.compile(rf"[!-~]{{1,{KEY_CHARS_MAX}}}")


def check_idempotency_key(key: str) -> str:
    """Return the key. Raises InvalidRequest if it has not the contract's form."""
    if not _FORM.fullmatch(key):
        raise InvalidRequest(
            f"Idempotency-Key must be 1 to {KEY_CHARS_MAX} visible ASCII characters without spaces,"
            f" got {len(key)} characters",
            param="Idempotency-Key",
        )
    return key


def body_digest(body: Mapping[str, object]) -> bytes:
    """Return the SHA-256 of a body as canonical JSON: keys sorted, no spaces."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).digest()
