"""Names of databases on the test cluster."""

from __future__ import annotations


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return url.replace("/filmgate?", f"/{name}?")
