"""Who is asking, and whether they may: a bearer token to the key that it opens.

    token → key (not revoked, disabled or expired) → from its networks → scope

Keys are remembered for a second, so that polling is cheap. Rates are kept in limit_rate.py, models
and budgets where tasks are submitted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from filmgate.domain.api_key import ApiKey, KeyScope, hash_token
from filmgate.domain.errors import Forbidden, Unauthorized
from filmgate.service.deps import Deps
from filmgate.service.limit_rate import count_failed_login

REMEMBERED_S = 1.0
REMEMBERED_MAX = 10_000
LAST_USED_GRAIN = timedelta(seconds=60)
TOKEN_CHARS_MAX = 200

NO_TOKEN = "send your API key as `Authorization: Bearer <key>`"  # noqa: S105 - a sentence
WRONG_TOKEN = "this API key is not valid"  # noqa: S105 - a sentence


async def authenticate(token: str | None, *, deps: Deps, address: str | None = None) -> ApiKey:
    """Return the key that a token opens; a change of it is in force within a second everywhere.

    Raises Unauthorized; RateLimited if the address has tried too many that were wrong.

    The look-up is by SHA-256 of the token, so its time tells nothing about how much of a token is
    right.
    """
    if not token:
        raise Unauthorized(NO_TOKEN)
    is_sane = len(token) <= TOKEN_CHARS_MAX and token.isascii()
    try:
        return await key_of_hash(hash_token(token if is_sane else ""), deps=deps, address=address)
    except Unauthorized:
        await count_failed_login(address, deps=deps)
        raise


async def key_of_hash(token_hash: bytes, *, deps: Deps, address: str | None = None) -> ApiKey:
    """Return the usable key whose token has this hash. Raises Unauthorized."""
    now = deps.clock.now()
    known = deps.known_keys.get(token_hash)
    if known is not None and (now - known[0]).total_seconds() < REMEMBERED_S:
        _check_usable(known[1], token_hash, now)
        return known[1]
    key = await deps.store.key_by_hash(token_hash)
    if key is None:
        deps.known_keys.pop(token_hash, None)
        raise Unauthorized(WRONG_TOKEN)
    if len(deps.known_keys) >= REMEMBERED_MAX:
        deps.known_keys.clear()
    deps.known_keys[token_hash] = (now, key)
    _check_usable(key, token_hash, now)
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_GRAIN:
        await deps.store.touch_key(key.id, at=now, address=address)
    return key


def forget_key(key: ApiKey, *, deps: Deps) -> None:
    """Let the next request with a key that was changed see it as it is now."""
    deps.known_keys.pop(key.token_hash, None)
    if key.previous_token_hash is not None:
        deps.known_keys.pop(key.previous_token_hash, None)


def admit(key: ApiKey, *, one_of: Collection[KeyScope], address: str | None) -> None:
    """Check that a key may be used from an address, for what needs one of these scopes.

    Raises Forbidden.
    """
    if not key.may_come_from(address or ""):
        message = f"this API key may not be used from {address or 'an unknown address'}"
        raise Forbidden(message)
    if key.scopes.isdisjoint(one_of):
        needed = " or ".join(sorted(one_of))
        has = ", ".join(sorted(key.scopes))
        raise Forbidden(f"this needs an API key with the scope {needed}; this one has {has}")


def _check_usable(key: ApiKey, token_hash: bytes, now: datetime) -> None:
    """Why a key is of no use is told to its holder alone: whoever has the token."""
    if key.revoked_at is not None:
        raise Unauthorized(WRONG_TOKEN)
    if not key.opens(token_hash, at=now):
        raise Unauthorized(f"this API key was replaced by a new one on {_said(key.previous_until)}")
    if key.disabled_at is not None:
        raise Unauthorized("this API key is disabled")
    if key.has_expired(now):
        raise Unauthorized(f"this API key expired on {_said(key.expires_at)}")


def _said(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an earlier day"
