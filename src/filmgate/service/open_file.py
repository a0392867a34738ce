"""Find the stored file behind a signed link.

The signature is the permission; no key is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from filmgate.domain.asset import Asset
from filmgate.domain.errors import FileGone, FileNotFound
from filmgate.ports.storage import StoredFile
from filmgate.service.deps import Deps


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """A file that may be read."""

    asset: Asset
    stored: StoredFile


async def open_file(key: str, *, expires: str, signature: str, deps: Deps) -> OpenFile:
    """Return the file.

    Raises FileNotFound for a wrong signature or an unknown key, FileGone after the link's time.
    """
    if not deps.links.is_signed(key, expires=expires, signature=signature):
        raise FileNotFound("no such file, or the link's signature is wrong")
    gone = FileGone("this link has expired; read the task again, or make the video again")
    if deps.clock.now().timestamp() >= int(expires):
        raise gone
    asset = await deps.store.asset(key)
    if asset is None or (asset.expires_at is not None and asset.expires_at <= deps.clock.now()):
        raise gone
    stored = await deps.storage.head(key)
    if stored is None:
        raise gone
    return OpenFile(asset=asset, stored=stored)
