"""Keep a browser signed in: an API key's token is shown once, in exchange for a session's.

token → its key → a session with a token of its own, which ends by itself, by signing out, or with
its key.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta

from filmgate.domain.api_key import ApiKey, KeyScope, hash_token
from filmgate.domain.errors import Unauthorized
from filmgate.ports.sessions import Session
from filmgate.service.authenticate import admit, authenticate, key_of_hash
from filmgate.service.deps import Deps
from filmgate.service.limit_rate import count_failed_login

SESSION_LIFE = timedelta(days=7)
ENTROPY_BYTES = 32
TOKEN_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new session: its token is nowhere else."""

    token: str
    session: Session
    key: ApiKey


async def sign_in(token: str, *, deps: Deps, address: str | None = None) -> SignedIn:
    """Open a session for whoever holds this key's token.

    Raises Unauthorized, Forbidden, RateLimited.
    """
    key = await authenticate(token, deps=deps, address=address)
    admit(key, one_of=tuple(KeyScope), address=address)
    drawn = base64.urlsafe_b64encode(deps.entropy.bytes(ENTROPY_BYTES)).decode().rstrip("=")
    now = deps.clock.now()
    session = Session(
        token_hash=hash_token(drawn),
        key_hash=key.token_hash,
        created_at=now,
        expires_at=now + SESSION_LIFE,
    )
    await deps.store.add_session(session)
    return SignedIn(token=drawn, session=session, key=key)


async def key_of_session(token: str, *, deps: Deps, address: str | None = None) -> ApiKey:
    """Return the key that a session stands for, while both last. Raises Unauthorized."""
    session = None
    if len(token) <= TOKEN_CHARS_MAX and token.isascii():
        session = await deps.store.session(hash_token(token))
    if session is None or session.expires_at <= deps.clock.now():
        await count_failed_login(address, deps=deps)
        raise Unauthorized("this session is over; sign in again")
    return await key_of_hash(session.key_hash, deps=deps, address=address)


async def sign_out(token: str, *, deps: Deps) -> None:
    """End a session at once."""
    if len(token) <= TOKEN_CHARS_MAX and token.isascii():
        await deps.store.forget_session(hash_token(token))
