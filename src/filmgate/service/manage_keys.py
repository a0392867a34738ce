"""Make, edit, rotate, disable and revoke API keys. A token is shown once, when it is made; only its
hash is kept.

`within` is the account beyond which nothing is seen, and whose keys may not push themselves before
those of others; None stands for an admin or an operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from filmgate.domain.account import Account
from filmgate.domain.api_key import (
    SCOPES_ALL,
    TOKEN_ENTROPY_BYTES,
    TOKEN_SHOWN_CHARS,
    ApiKey,
    Priority,
    Spent,
    broken_rules,
    hash_token,
    token_from,
)
from filmgate.domain.errors import BrokenRule, InvalidFields, NotFound
from filmgate.domain.field_rule import shown
from filmgate.domain.ids import ENTROPY_BYTES, ApiKeyId, api_key_id
from filmgate.domain.key_change import changed
from filmgate.service.authenticate import forget_key
from filmgate.service.deps import Deps
from filmgate.service.manage_accounts import find_account, first_account

OVERLAP_S_DEFAULT = 24 * 3600
OVERLAP_S_MAX = 30 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A key, whose it is, and what it spends."""

    key: ApiKey
    account: Account
    spent: Spent


async def create_first_key(name: str, *, deps: Deps) -> str:
    """Make a key of the first account that may do everything; return its token."""
    owner = await first_account(deps=deps)
    fields = {"name": name, "scopes": sorted(SCOPES_ALL)}
    return (await create_key(fields, account=owner, deps=deps))[1]


async def create_key(
    fields: Mapping[str, object], *, account: Account, deps: Deps, within: Account | None = None
) -> tuple[KeyView, str]:
    """Make a key of an account from named fields (domain/key_change.py); return it with its token.

    Raises InvalidFields.
    """
    token, now = token_from(deps.entropy.bytes(TOKEN_ENTROPY_BYTES)), deps.clock.now()
    blank = ApiKey(
        id=api_key_id(now, deps.entropy.bytes(ENTROPY_BYTES)),
        account_id=account.id,
        name="",
        token_hash=hash_token(token),
        prefix=token[:TOKEN_SHOWN_CHARS],
        created_at=now,
    )
    key = _checked(changed(blank, fields), was=blank, within=within, deps=deps)
    await deps.store.add_key(key)
    return KeyView(key=key, account=account, spent=Spent()), token


async def list_keys(
    *, deps: Deps, account: Account | None = None, within: Account | None = None
) -> list[KeyView]:
    """Return all keys, or those of an account, newest first."""
    limit = within or account
    keys = await deps.store.keys(account_id=limit.id if limit else None)
    spent = await deps.store.spending(account_id=limit.id if limit else None)
    owners = {owner.id: owner for owner in await deps.store.accounts()}
    return [
        KeyView(key=key, account=owners[key.account_id], spent=spent.get(key.id, Spent()))
        for key in keys
        if account is None or key.account_id == account.id
    ]


async def show_key(id_or_name: str, *, deps: Deps, within: Account | None = None) -> KeyView:
    """Return the key with that id, or the only usable one with that name. Raises NotFound."""
    key = await find_key(id_or_name, deps=deps, within=within)
    owner = await find_account(key.account_id, deps=deps)
    spent = await deps.store.spending(key_id=key.id)
    return KeyView(key=key, account=owner, spent=spent.get(key.id, Spent()))


async def edit_key(
    id_or_name: str, fields: Mapping[str, object], *, deps: Deps, within: Account | None = None
) -> KeyView:
    """Change what the fields name. Raises NotFound, InvalidFields."""
    was = await _find_kept(id_or_name, deps, within)
    key = _checked(changed(was, fields), was=was, within=within, deps=deps)
    await deps.store.edit_key(key)
    forget_key(was, deps=deps)
    return await show_key(key.id, deps=deps)


async def rotate_key(
    id_or_name: str,
    *,
    deps: Deps,
    overlap_s: int = OVERLAP_S_DEFAULT,
    within: Account | None = None,
) -> tuple[KeyView, str]:
    """Give a key a new token; the old one stays valid for the overlap. Returns the new one.

    A token that was still valid from the rotation before ends now. Raises NotFound, InvalidFields.
    """
    if not 0 <= overlap_s <= OVERLAP_S_MAX:
        message = f"overlap_s must be 0 to {OVERLAP_S_MAX:,} seconds, got {overlap_s:,}"
        raise InvalidFields([BrokenRule("overlap_s", message)])
    was = await _find_kept(id_or_name, deps, within)
    token = token_from(deps.entropy.bytes(TOKEN_ENTROPY_BYTES))
    await deps.store.rotate_key(
        was.id,
        token_hash=hash_token(token),
        prefix=token[:TOKEN_SHOWN_CHARS],
        previous_until=deps.clock.now() + timedelta(seconds=overlap_s),
    )
    forget_key(was, deps=deps)
    return await show_key(was.id, deps=deps), token


async def disable_key(
    id_or_name: str, *, is_disabled: bool, deps: Deps, within: Account | None = None
) -> KeyView:
    """Take a key out of use, or put it back. Its tasks go on. Raises NotFound, InvalidFields."""
    was = await _find_kept(id_or_name, deps, within)
    await deps.store.disable_key(was.id, at=deps.clock.now() if is_disabled else None)
    forget_key(was, deps=deps)
    return await show_key(was.id, deps=deps)


async def revoke_key(id_or_name: str, *, deps: Deps, within: Account | None = None) -> KeyView:
    """Take a key out of use for ever. Its tasks go on. Raises NotFound."""
    was = await find_key(id_or_name, deps=deps, within=within)
    await deps.store.revoke_key(was.id, at=deps.clock.now())
    forget_key(was, deps=deps)
    return await show_key(was.id, deps=deps)


async def find_key(id_or_name: str, *, deps: Deps, within: Account | None = None) -> ApiKey:
    """Return the key with that id, or the only one with that name that is not revoked.

    Raises NotFound.
    """
    by_id = await deps.store.key(ApiKeyId(id_or_name)) if "\x00" not in id_or_name else None
    if by_id is not None and (within is None or by_id.account_id == within.id):
        return by_id
    keys = await deps.store.keys(account_id=within.id if within else None)
    found = [key for key in keys if key.name == id_or_name and key.revoked_at is None]
    if len(found) != 1:
        what = "no key is" if not found else f"{len(found)} keys are"
        message = f"{what} named {shown(id_or_name)}; `filmgate keys list` shows the ids"
        raise NotFound(message, param="key")
    return found[0]


async def _find_kept(id_or_name: str, deps: Deps, within: Account | None) -> ApiKey:
    key = await find_key(id_or_name, deps=deps, within=within)
    if key.revoked_at is not None:
        raise InvalidFields([BrokenRule("key", f"{key.id} is revoked, which is for ever")])
    return key


def _checked(key: ApiKey, *, was: ApiKey, within: Account | None, deps: Deps) -> ApiKey:
    broken = broken_rules(key, models=deps.models)
    if key.expires_at not in {None, was.expires_at} and key.has_expired(deps.clock.now()):
        broken.append(BrokenRule("expires_at", "expires_at must be in the future"))
    if within is not None:
        broken += _pushing(key, deps)
    if broken:
        raise InvalidFields(broken)
    return key


def _pushing(key: ApiKey, deps: Deps) -> list[BrokenRule]:
    """What only an admin may allow, because it is at the expense of other accounts."""
    broken: list[BrokenRule] = []
    if key.priority is Priority.HIGH:
        message = "priority must be low or normal; only an admin account may set high"
        broken.append(BrokenRule("priority", message))
    usual = deps.limits.key_requests_per_minute
    if usual and (key.requests_per_minute or 0) > usual:
        rule = f"requests_per_minute must be at most {usual:,}; only an admin account may set more"
        broken.append(BrokenRule("requests_per_minute", f"{rule}, got {key.requests_per_minute}"))
    return broken
