"""API keys and the accounts that own them.

The token itself is nowhere but in its holder's hands.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from filmgate.domain.ids import AccountId, ApiKeyId

TOKEN_PREFIX = "fg_"  # noqa: S105 - not a secret: it makes leaked tokens findable by scanners
TOKEN_ENTROPY_BYTES = 32
TOKEN_SHOWN_CHARS = 8
NAME_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is kept."""

    id: ApiKeyId
    account_id: AccountId
    name: str
    token_hash: bytes
    prefix: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether requests with this key are served."""
        return self.revoked_at is None


def token_from(entropy: bytes) -> str:
    """Return a new token: the prefix and 256 bits of chance."""
    return TOKEN_PREFIX + base64.urlsafe_b64encode(entropy).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    """Return what is stored of a token.

    A plain SHA-256 is enough: a token holds 256 random bits, so there is nothing to guess (NIST SP
    800-63B, look-up secrets of at least 112 bits).
    """
    return hashlib.sha256(token.encode()).digest()
