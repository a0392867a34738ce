"""What the verbs need to get a caller's file from its URL, safely."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """A file that was fetched whole."""

    size_bytes: int
    final_host: str


class Fetcher(Protocol):
    """Fetches http(s) URLs from public addresses only, within limits."""

    def check(self, url: str, *, param: str) -> None:
        """Refuse at once what can be told without a network: scheme, userinfo, port, a literal
        private address.

        Raises InvalidFields.
        """
        ...

    async def fetch(
        self, url: str, target: Path, *, size_bytes_max: int, param: str
    ) -> FetchedFile:
        """Fetch the URL into `target`.

        Raises InputUnreachable or InputRejected with code, message and param.
        """
        ...
