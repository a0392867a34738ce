"""What the verbs need to hand out links to stored files and to recognise their own."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Links(Protocol):
    """Makes and checks signed links: `/v1/files/<key>?expires=…&signature=…`."""

    def path(self, key: str, *, expires_at: datetime) -> str:
        """Return the path and query under which a stored file can be read until `expires_at`."""
        ...

    def is_signed(self, key: str, *, expires: str, signature: str) -> bool:
        """Whether the signature is ours for this key and time, be that time over or not."""
        ...

    def token(self, name: str) -> str:
        """Return what only this server can make of a name: for paths that nobody may guess."""
        ...

    def is_token(self, name: str, token: str) -> bool:
        """Whether the token is ours for this name."""
        ...

    def key_of(self, url: str) -> str | None:
        """Return the storage key if the URL is one of our links and its signature is
        right; its host does not matter.
        """
        ...
