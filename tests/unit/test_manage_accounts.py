"""What an operator may say of accounts, and how amounts are read. The store is a small fake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from filmgate.cli.accounts import usd
from filmgate.domain.account import Account
from filmgate.domain.errors import InvalidFields, NotFound
from filmgate.domain.ledger import Balance
from filmgate.service.manage_accounts import grant_credits, limit_account

MAIN = Account(
    id="acct_main",
    name="main",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    balance=Balance(),
    unfinished=0,
    usable_keys=1,
)


class OneAccount:
    """A store that has one account."""

    def __init__(self) -> None:
        self.account = MAIN
        self.granted: list[tuple[int, str]] = []

    async def accounts(self, *, sought: str | None = None) -> list[Account]:
        return [self.account] if sought in {None, "main", "acct_main"} else []

    async def limit_account(self, account_id: str, *, is_limited: bool) -> None:
        self.account = replace(self.account, balance=Balance(is_limited=is_limited))

    async def grant(self, account_id: str, *, amount_micro_usd: int, note: str) -> bool:
        if amount_micro_usd < 0:
            return False
        self.granted.append((amount_micro_usd, note))
        return True


@pytest.fixture
def deps() -> Any:
    return SimpleNamespace(store=OneAccount())


@pytest.mark.parametrize(
    ("text", "micro_usd"),
    [("25", 25_000_000), ("$0.5", 500_000), ("0.000001", 1), ("1000000000", 10**15)],
)
async def test_an_amount_is_read_to_the_micro_dollar(deps, text, micro_usd):
    await grant_credits("main", text, note="why", deps=deps)
    assert deps.store.granted == [(micro_usd, "why")]


@pytest.mark.parametrize(
    "text",
    ["0", "", "much", "1e3", "NaN", "0.0000001", "1,000", "1000000000.1", "--5", "$", "٥"],
)
async def test_an_amount_that_is_none_is_refused_with_the_rule(deps, text):
    with pytest.raises(InvalidFields, match="an amount must be US dollars, not 0"):
        await grant_credits("main", text, note="", deps=deps)
    assert deps.store.granted == []


async def test_taking_back_more_than_is_there_is_refused(deps):
    with pytest.raises(InvalidFields, match=r"than is available, which is \$0\.0000"):
        await grant_credits("main", "-5", note="", deps=deps)


async def test_an_account_that_is_not_there_is_named(deps):
    with pytest.raises(NotFound, match='no account is named "nobody"'):
        await limit_account("nobody", is_limited=True, deps=deps)


async def test_a_limit_is_put_on_and_taken_off(deps):
    assert (await limit_account("main", is_limited=True, deps=deps)).balance.is_limited
    assert not (await limit_account("main", is_limited=False, deps=deps)).balance.is_limited


@pytest.mark.parametrize(
    ("micro_usd", "said"),
    [
        (0, "$0.00"),
        (332_000, "$0.332"),
        (-5_000_000, "-$5.00"),
        (1_234_567_890_001, "$1,234,567.890001"),
    ],
)
def test_amounts_are_shown_exactly(micro_usd, said):
    assert usd(micro_usd) == said
