"""What the verbs need to keep a browser signed in. Each method is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in, by hashes: neither token can be read from it."""

    token_hash: bytes
    key_hash: bytes
    """The token hash of the API key that the session stands for."""
    created_at: datetime
    expires_at: datetime


class Sessions(Protocol):
    """Signed-in browsers."""

    async def add_session(self, session: Session) -> None:
        """Keep a session; those that had expired when it was created are forgotten."""
        ...

    async def session(self, token_hash: bytes) -> Session | None:
        """Return a session, expired or not."""
        ...

    async def forget_session(self, token_hash: bytes) -> None:
        """End a session, if there is one."""
        ...
