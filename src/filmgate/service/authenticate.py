"""Who is asking: a bearer token to the key that it opens.

Keys are remembered for a second, so that polling is cheap.
"""

from __future__ import annotations

from datetime import timedelta

from filmgate.domain.api_key import ApiKey, hash_token
from filmgate.domain.errors import Unauthorized
from filmgate.service.deps import Deps

REMEMBERED_S = 1.0
REMEMBERED_MAX = 10_000
LAST_USED_GRAIN = timedelta(seconds=60)
TOKEN_CHARS_MAX = 200

NO_TOKEN = "send your API key as `Authorization: Bearer <key>`"  # noqa: S105 - a sentence
WRONG_TOKEN = "this API key is not valid"  # noqa: S105 - a sentence


async def authenticate(token: str | None, *, deps: Deps) -> ApiKey:
    """Return the key that a token opens; a revoked one is refused within a second everywhere.
    Raises Unauthorized.

    The look-up is by SHA-256 of the token, so its time tells nothing about how much of a token is
    right.
    """
    if not token:
        raise Unauthorized(NO_TOKEN)
    if len(token) > TOKEN_CHARS_MAX or not token.isascii():
        raise Unauthorized(WRONG_TOKEN)
    token_hash, now = hash_token(token), deps.clock.now()
    known = deps.known_keys.get(token_hash)
    if known is not None and (now - known[0]).total_seconds() < REMEMBERED_S:
        return known[1]
    key = await deps.store.key_by_hash(token_hash)
    if key is None or not key.is_usable:
        deps.known_keys.pop(token_hash, None)
        raise Unauthorized(WRONG_TOKEN)
    if len(deps.known_keys) >= REMEMBERED_MAX:
        deps.known_keys.clear()
    deps.known_keys[token_hash] = (now, key)
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_GRAIN:
        await deps.store.touch_key(key.id, at=now)
    return key
