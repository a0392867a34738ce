"""Make, list and revoke API keys. A token is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

from filmgate.domain.api_key import (
    NAME_CHARS_MAX,
    TOKEN_ENTROPY_BYTES,
    TOKEN_SHOWN_CHARS,
    ApiKey,
    hash_token,
    token_from,
)
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.ids import ENTROPY_BYTES, account_id, api_key_id
from filmgate.service.deps import Deps

FIRST_ACCOUNT = "main"


async def create_key(name: str, *, deps: Deps, account: str = FIRST_ACCOUNT) -> tuple[ApiKey, str]:
    """Make a key of an account (made if need be) and return it with its token.

    Raises InvalidFields.
    """
    for what, said in (("key", name), ("account", account)):
        if not said.strip() or len(said) > NAME_CHARS_MAX or not said.isprintable():
            message = f"a name must have 1 to {NAME_CHARS_MAX} printable characters: the {what}'s"
            raise InvalidFields([BrokenRule("name" if what == "key" else what, message)])
    now = deps.clock.now()
    owner = await deps.store.ensure_account(
        account_id(now, deps.entropy.bytes(ENTROPY_BYTES)), name=account, at=now
    )
    token = token_from(deps.entropy.bytes(TOKEN_ENTROPY_BYTES))
    key = ApiKey(
        id=api_key_id(now, deps.entropy.bytes(ENTROPY_BYTES)),
        account_id=owner,
        name=name,
        token_hash=hash_token(token),
        prefix=token[:TOKEN_SHOWN_CHARS],
        created_at=now,
    )
    await deps.store.add_key(key)
    return key, token


async def list_keys(*, deps: Deps) -> list[ApiKey]:
    """Return all keys, newest first."""
    return await deps.store.keys()


async def revoke_key(id_or_name: str, *, deps: Deps) -> ApiKey:
    """Revoke the key with that id, or the only usable one with that name. Raises InvalidFields."""
    found = await find_key(id_or_name, deps=deps)
    revoked = await deps.store.revoke_key(found.id, at=deps.clock.now())
    return revoked or found


async def find_key(id_or_name: str, *, deps: Deps) -> ApiKey:
    """Return the key with that id, or the only usable one with that name. Raises InvalidFields."""
    keys = await deps.store.keys()
    found = [key for key in keys if key.id == id_or_name]
    found = found or [key for key in keys if key.name == id_or_name and key.is_usable]
    if len(found) != 1:
        what = "no key" if not found else f"{len(found)} keys"
        message = f"{what} named {id_or_name!r}; `filmgate keys list` shows the ids"
        raise InvalidFields([BrokenRule("key", message)])
    return found[0]
