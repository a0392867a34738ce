"""Links to stored files: made with the server's secret, recognised whatever host they were made
for.

/v1/files/results/task_…/1/film.mp4?expires=1763174708&signature=…
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs, quote, unquote, urlsplit

from filmgate.storage.signing import sign, verify

ROUTE = "/v1/files/"
EXPIRES_DIGITS_MAX = 12


class SignedLinks:
    """The Links port."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def path(self, key: str, *, expires_at: datetime) -> str:
        """See the port."""
        expires_s = int(expires_at.timestamp())
        signature = sign(key, expires_s, self._secret)
        return f"{ROUTE}{quote(key)}?expires={expires_s}&signature={signature}"

    def is_signed(self, key: str, *, expires: str, signature: str) -> bool:
        """See the port."""
        if not expires.isascii() or not expires.isdigit() or len(expires) > EXPIRES_DIGITS_MAX:
            return False
        return verify(key, int(expires), signature, self._secret)

    def token(self, name: str) -> str:
        """See the port. No file has such a key, nor such a time."""
        return sign(f"token/{name}", 0, self._secret)

    def is_token(self, name: str, token: str) -> bool:
        """See the port."""
        return verify(f"token/{name}", 0, token, self._secret)

    def key_of(self, url: str) -> str | None:
        """See the port."""
        parts = urlsplit(url)
        if not parts.path.startswith(ROUTE):
            return None
        key, query = unquote(parts.path.removeprefix(ROUTE)), parse_qs(parts.query)
        expires, signature = query.get("expires", [""])[0], query.get("signature", [""])[0]
        return key if self.is_signed(key, expires=expires, signature=signature) else None
