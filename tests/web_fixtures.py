"""A throwaway certificate authority for tests; made anew in each run, trusted by nobody else."""

import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayAuthority:
    """Signs certificates for any names."""

    authority: trustme.CA

    def serving(self, *names: str) -> ssl.SSLContext:
        """Return a server's TLS context with a certificate for these names or addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context

    def ca_file(self, folder: Path) -> str:
        """Write the authority's certificate as PEM and return where."""
        path = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return str(path)


@cache
def throwaway_authority() -> ThrowawayAuthority:
    """Return this run's authority."""
    return ThrowawayAuthority(authority=trustme.CA())
