"""What an operator does with accounts: list them, limit them, grant them credits."""

from __future__ import annotations

import re
from decimal import Decimal

from filmgate.domain.account import Account
from filmgate.domain.errors import BrokenRule, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.domain.ledger import MICRO_USD, Entry
from filmgate.service.deps import Deps

GRANT_USD_MAX = 1_000_000_000
NOTE_CHARS_MAX = 200
ENTRIES_SHOWN = 20
_USD_FORM = re.compile(r"-?\$?([0-9]{1,10}(?:\.[0-9]{1,6})?)")


async def list_accounts(*, deps: Deps) -> list[Account]:
    """Return all accounts, by name."""
    return await deps.store.accounts()


async def find_account(id_or_name: str, *, deps: Deps) -> Account:
    """Return the account of that id or name. Raises InvalidFields."""
    found = await deps.store.accounts(sought=id_or_name)
    if not found:
        message = f"no account named {shown(id_or_name)}; `filmgate accounts list` shows them"
        raise InvalidFields([BrokenRule("account", message)])
    return found[0]


async def limit_account(id_or_name: str, *, is_limited: bool, deps: Deps) -> Account:
    """Let an account spend only what it was granted, or whatever it likes."""
    account = await find_account(id_or_name, deps=deps)
    await deps.store.limit_account(account.id, is_limited=is_limited)
    return await find_account(account.id, deps=deps)


async def grant_credits(id_or_name: str, usd: str, *, note: str, deps: Deps) -> Account:
    """Grant an account an amount in US dollars; a negative one takes back.

    Raises InvalidFields.
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


async def show_account(id_or_name: str, *, deps: Deps) -> tuple[Account, list[Entry]]:
    """Return an account with its latest ledger entries."""
    account = await find_account(id_or_name, deps=deps)
    return account, await deps.store.entries(account.id, limit=ENTRIES_SHOWN)


def _micro_usd(text: str) -> int:
    found = _USD_FORM.fullmatch(text)
    micro_usd = int(Decimal(found[1]) * MICRO_USD) if found else 0
    if not 0 < micro_usd <= GRANT_USD_MAX * MICRO_USD:
        rule = f"an amount must be US dollars, not 0, at most {GRANT_USD_MAX:,} and 6 decimals"
        raise InvalidFields([BrokenRule("usd", f"{rule}, got {shown(text)}")])
    return -micro_usd if text.startswith("-") else micro_usd
