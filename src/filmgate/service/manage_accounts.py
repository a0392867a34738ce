"""What those who manage do with accounts: make, list, edit and limit them, grant them credits.

`within` is the account beyond which nothing is seen; None stands for an admin or an operator.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from decimal import Decimal

from filmgate.domain.account import Account
from filmgate.domain.api_key import NAME_RULE, ApiKey, is_name
from filmgate.domain.errors import BrokenRule, InvalidFields, NotFound
from filmgate.domain.field_rule import shown
from filmgate.domain.ids import ENTROPY_BYTES, account_id
from filmgate.domain.ledger import MICRO_USD, Entry
from filmgate.service.deps import Deps

FIRST_ACCOUNT = "main"
GRANT_USD_MAX = 1_000_000_000
NOTE_CHARS_MAX = 200
ENTRIES_SHOWN = 20
_USD_FORM = re.compile(r"-?\$?([0-9]{1,10}(?:\.[0-9]{1,6})?)")


async def reach_of(key: ApiKey, *, deps: Deps) -> Account | None:
    """Return the account beyond which a managing key sees nothing; None if it is an admin's."""
    account = await find_account(key.account_id, deps=deps)
    return None if account.is_admin else account


async def list_accounts(*, deps: Deps, within: Account | None = None) -> list[Account]:
    """Return all accounts, by name."""
    return await deps.store.accounts(sought=within.id if within else None)


async def find_account(id_or_name: str, *, deps: Deps, within: Account | None = None) -> Account:
    """Return the account of that id or name. Raises NotFound, with the name that is nearest."""
    found = await deps.store.accounts(sought=id_or_name) if "\x00" not in id_or_name else []
    if found and (within is None or found[0].id == within.id):
        return found[0]
    hint = ""
    if within is None:
        names = [account.name for account in await deps.store.accounts()]
        near = difflib.get_close_matches(id_or_name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names[:10])}."
    raise NotFound(f"no account is named {shown(id_or_name)}{hint}", param="account")


async def first_account(*, deps: Deps) -> Account:
    """Return the account of whoever names none; made if need be, as an admin's."""
    now = deps.clock.now()
    drawn = account_id(now, deps.entropy.bytes(ENTROPY_BYTES))
    await deps.store.ensure_account(drawn, name=FIRST_ACCOUNT, at=now)
    return await find_account(FIRST_ACCOUNT, deps=deps)


async def create_account(
    name: str, *, is_limited: bool = False, is_admin: bool = False, deps: Deps
) -> Account:
    """Make an account. Raises InvalidFields if the name is taken or none."""
    _check_name(name)
    now = deps.clock.now()
    drawn = account_id(now, deps.entropy.bytes(ENTROPY_BYTES))
    is_new = await deps.store.add_account(
        drawn, name=name, at=now, is_limited=is_limited, is_admin=is_admin
    )
    if not is_new:
        raise _taken(name)
    return await find_account(drawn, deps=deps)


async def edit_account(
    id_or_name: str,
    *,
    name: str | None = None,
    is_limited: bool | None = None,
    is_admin: bool | None = None,
    deps: Deps,
) -> Account:
    """Change what is not None. Raises NotFound, InvalidFields; the last admin stays one."""
    account = await find_account(id_or_name, deps=deps)
    if name is not None:
        _check_name(name)
        account = replace(account, name=name)
    if is_limited is not None:
        account = replace(account, balance=replace(account.balance, is_limited=is_limited))
    if is_admin is False and account.is_admin:
        admins = [other for other in await deps.store.accounts() if other.is_admin]
        if len(admins) == 1:
            message = f"{account.name} is the only admin account; make another one first"
            raise InvalidFields([BrokenRule("is_admin", message)])
    if is_admin is not None:
        account = replace(account, is_admin=is_admin)
    if not await deps.store.edit_account(account):
        raise _taken(account.name)
    return await find_account(account.id, deps=deps)


async def limit_account(id_or_name: str, *, is_limited: bool, deps: Deps) -> Account:
    """Let an account spend only what it was granted, or whatever it likes."""
    account = await find_account(id_or_name, deps=deps)
    await deps.store.limit_account(account.id, is_limited=is_limited)
    return await find_account(account.id, deps=deps)


async def grant_credits(id_or_name: str, usd: str, *, note: str, deps: Deps) -> Account:
    """Grant an account an amount in US dollars; a negative one takes back.

    Raises NotFound, InvalidFields.
    """
    amount_micro_usd = _micro_usd(usd)
    if len(note) > NOTE_CHARS_MAX or (note and not note.isprintable()):
        message = f"a note must have at most {NOTE_CHARS_MAX} printable characters"
        raise InvalidFields([BrokenRule("note", message)])
    account = await find_account(id_or_name, deps=deps)
    if not await deps.store.grant(account.id, amount_micro_usd=amount_micro_usd, note=note):
        available = account.balance.available / MICRO_USD
        message = f"no more may be taken back than is available, which is ${available:.4f}"
        raise InvalidFields([BrokenRule("usd", message)])
    return await find_account(account.id, deps=deps)


async def show_account(
    id_or_name: str,
    *,
    deps: Deps,
    within: Account | None = None,
    before: int | None = None,
    limit: int = ENTRIES_SHOWN,
) -> tuple[Account, list[Entry]]:
    """Return an account with its latest ledger entries, or those before one of them."""
    account = await find_account(id_or_name, deps=deps, within=within)
    return account, await deps.store.entries(account.id, before=before, limit=limit)


def _check_name(name: str) -> None:
    if not is_name(name):
        raise InvalidFields([BrokenRule("name", f"{NAME_RULE}, got {shown(name)}")])


def _taken(name: str) -> InvalidFields:
    return InvalidFields([BrokenRule("name", f"there is an account named {shown(name)} already")])


def _micro_usd(text: str) -> int:
    found = _USD_FORM.fullmatch(text)
    micro_usd = int(Decimal(found[1]) * MICRO_USD) if found else 0
    if not 0 < micro_usd <= GRANT_USD_MAX * MICRO_USD:
        rule = f"an amount must be US dollars, not 0, at most {GRANT_USD_MAX:,} and 6 decimals"
        raise InvalidFields([BrokenRule("usd", f"{rule}, got {shown(text)}")])
    return -micro_usd if text.startswith("-") else micro_usd
