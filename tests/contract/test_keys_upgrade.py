"""Keys of earlier releases keep working, and their budgets know what they spent before."""

from __future__ import annotations

import psycopg

from contract.test_upgrade import KEY, bare_url, make_release, read
from filmgate.domain.api_key import SCOPES_ALL, SCOPES_DEFAULT
from filmgate.store.migrate import migrate
from filmgate.store.store import PostgresStore

__all__ = ["bare_url"]
BEFORE_LIMITS = 3

OURS = """
INSERT INTO api_keys (id, account_id, name, token_hash, prefix, created_at)
VALUES ('key_ours', 'acct_old', 'this machine''s commands', '\\x01', 'fg_ours', now())
"""


async def test_old_keys_may_do_what_they_did_and_count_what_they_spent(bare_url: str) -> None:
    await make_release(bare_url, BEFORE_LIMITS)
    async with await psycopg.AsyncConnection.connect(bare_url) as connection:
        await connection.execute(OURS)
    await migrate(bare_url)
    store = PostgresStore(bare_url)
    await store.open()
    try:
        keys = {key.id: key for key in await store.keys()}
        spent = await store.spending()
        [account] = await store.accounts()
        ledger = "SELECT sum(CASE movement WHEN 'hold' THEN amount WHEN 'release' THEN -amount END)"
        [(held,)] = await read(bare_url, f"{ledger} FROM ledger_entries")
        notes = await read(bare_url, "SELECT note FROM ledger_entries WHERE movement = 'release'")
    finally:
        await store.close()
    assert keys[KEY].scopes == SCOPES_DEFAULT
    assert keys["key_ours"].scopes == SCOPES_ALL
    assert (keys[KEY].is_usable, account.is_admin) == (True, True)
    assert spent[KEY].total == held > 0
    assert spent["key_ours"].total == 0
    assert {note for (note,) in notes} <= {"failed", "cancelled"}
