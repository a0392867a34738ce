"""Let a caller upload files without its key for some minutes, and find them again by their names.
It speaks no wire format.

    grant (account, folder, end, signature) → a file in that folder → a link, for that account alone
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import Asset
from filmgate.domain.errors import BrokenRule, Forbidden, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.ids import ENTROPY_BYTES, AccountId, ulid
from filmgate.service.deps import Deps
from filmgate.service.keep_upload import UPLOADS, keep_file

GRANT_S = 300
_NAME = re.compile(rf"{UPLOADS}/([0-9A-Z]{{26}})/[^/]+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadGrant:
    """The permission to put files into one folder until a moment, signed by this server."""

    account_id: AccountId
    folder: str
    """Where files may go, such as `uploads/01J9HA7JPQ9A0Z6JZ3V8M9W6PZ`."""
    expires_s: int
    """Seconds since 1970."""
    signature: str


def grant_upload(*, key: ApiKey, deps: Deps) -> UploadGrant:
    """Return a grant with a folder of its own, for the key's account."""
    now = deps.clock.now()
    folder = f"{UPLOADS}/{ulid(now, deps.entropy.bytes(ENTROPY_BYTES))}"
    expires_s = int((now + timedelta(seconds=GRANT_S)).timestamp())
    link = deps.links.path(
        _signed_name(key.account_id, folder), expires_at=datetime.fromtimestamp(expires_s, UTC)
    )
    (signature,) = parse_qs(urlsplit(link).query)["signature"]
    return UploadGrant(
        account_id=key.account_id, folder=folder, expires_s=expires_s, signature=signature
    )


async def keep_granted_upload(
    chunks: AsyncIterator[bytes], *, name: str, filename: str, grant: UploadGrant, deps: Deps
) -> Asset:
    """Keep a picture or a sound under a name, `<folder>/<anything>`; one that was there goes.

    Raises Forbidden for a grant that is over, not ours or for another folder, and as keep_upload
    does.
    """
    _check_grant(grant, deps)
    storage_key = _storage_key(name)
    if storage_key is None or not name.startswith(f"{grant.folder}/"):
        raise Forbidden(f"key must be {grant.folder}/ and a file name, got {shown(name)}")
    return await keep_file(
        chunks,
        kinds=("image", "audio"),
        storage_key=storage_key,
        filename=filename,
        account_id=grant.account_id,
        deps=deps,
    )


async def link_to_upload(name: str, *, param: str, key: ApiKey, deps: Deps) -> str:
    """Return path and query of the link to a file of the key's account that was kept under a name.

    Raises InvalidFields if there is none (any more).
    """
    storage_key = _storage_key(name)
    asset = await deps.store.asset(storage_key) if storage_key else None
    expires_at = asset.expires_at if asset and asset.account_id == key.account_id else None
    if asset is None or expires_at is None or expires_at <= deps.clock.now():
        message = f"{param} must name an uploaded file that has not expired, got {shown(name)}"
        raise InvalidFields([BrokenRule(param, message)])
    return deps.links.path(asset.key, expires_at=expires_at)


def _check_grant(grant: UploadGrant, deps: Deps) -> None:
    name, expires = _signed_name(grant.account_id, grant.folder), str(grant.expires_s)
    if not deps.links.is_signed(name, expires=expires, signature=grant.signature):
        raise Forbidden("the policy's signature is wrong; ask for another policy")
    if grant.expires_s <= deps.clock.now().timestamp():
        raise Forbidden(f"the policy has expired: one lasts {GRANT_S} seconds; ask for another")


def _signed_name(account_id: AccountId, folder: str) -> str:
    """What is signed: no storage key begins so, so neither signature is good for the other."""
    return f"grants/{account_id}/{folder}"


def _storage_key(name: str) -> str | None:
    """Where a named file lies: names may hold any letter, storage keys may not."""
    named = _NAME.fullmatch(name)
    if named is None:
        return None
    digest = sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{UPLOADS}/{named[1]}/{digest}"
