"""Signs links to stored files: who holds one may read that file. Expiry is checked elsewhere.

text      = "filmgate-file-v1" LF expires_at_s LF key
signature = base64url(HMAC-SHA-256(secret, text)), 43 characters, no padding
"""

from __future__ import annotations

import base64
import hashlib
import hmac

SECRET_BYTES_MIN = 16


def sign(key: str, expires_at_s: int, secret: bytes) -> str:
    """Return the signature of a storage key until a Unix time, safe in URLs.

    Raises ValueError for a secret of less than 16 bytes, which could be guessed.
    """
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(f"a signing secret must have at least {SECRET_BYTES_MIN} bytes")
    text = f"filmgate-file-v1\n{expires_at_s}\n{key}".encode()
    digest = hmac.digest(secret, text, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def verify(key: str, expires_at_s: int, signature: str, secret: bytes) -> bool:
    """Tell whether a signature belongs to this key and time, taking the same time for every guess.

    A true one may have expired: compare `expires_at_s` with the clock afterwards.
    """
    expected = sign(key, expires_at_s, secret)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass"))
