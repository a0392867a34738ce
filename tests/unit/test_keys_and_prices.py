"""What a key's limits mean, and how an operator's prices are read. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from filmgate.catalogue import load_models
from filmgate.catalogue.prices import with_prices
from filmgate.domain.api_key import ApiKey, Budget, Priority, Spent, broken_rules, tightest
from filmgate.domain.errors import ConfigError, InvalidFields
from filmgate.domain.ids import AccountId, ApiKeyId
from filmgate.domain.key_change import changed
from filmgate.service.limit_rate import subject_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = ApiKey(
    id=ApiKeyId("key_1"),
    account_id=AccountId("acct_1"),
    name="laptop",
    token_hash=b"new",
    prefix="fg_abcd",
    created_at=NOW,
)


def test_a_new_key_may_generate_and_read_but_not_manage() -> None:
    assert sorted(KEY.scopes) == ["generate", "read"]


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.255.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("11.0.0.1", False),
        ("2001:db8::9", True),
        ("2001:db9::9", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_a_network_admits_its_own_addresses_alone(address: str, may: bool) -> None:
    key = replace(KEY, networks=("10.0.0.0/8", "2001:db8::/32"))
    assert key.may_come_from(address) is may
    assert KEY.may_come_from(address)


def test_the_token_before_a_rotation_opens_until_the_overlap_ends() -> None:
    key = replace(KEY, previous_token_hash=b"old", previous_until=NOW)
    assert key.opens(b"old", at=NOW - timedelta(seconds=1))
    assert not key.opens(b"old", at=NOW)
    assert key.opens(b"new", at=NOW)
    assert not KEY.opens(b"old", at=NOW)


def test_the_tightest_budget_is_the_one_with_the_least_left() -> None:
    spent = Spent(day=5, month=40, total=90)
    assert tightest(Budget(day=10, month=50, total=92), spent) == ("total", 2)
    assert tightest(Budget(day=10), spent) == ("day", 5)
    assert tightest(Budget(day=1), spent) == ("day", -4)
    assert tightest(Budget(), spent) is None


def test_priorities_are_numbers_in_their_order() -> None:
    assert [priority.number for priority in Priority] == [-1, 0, 1]
    assert [Priority.of(number) for number in (-1, 0, 1)] == list(Priority)


def test_every_broken_rule_of_a_key_is_found_at_once() -> None:
    with pytest.raises(InvalidFields) as refused:
        changed(KEY, {"scopes": "read", "priority": 1, "nmae": "x", "budget_usd_day": True})
    assert [rule.param for rule in refused.value.broken] == [
        "scopes",
        "priority",
        "nmae",
        "budget_usd_day",
    ]
    worse = replace(KEY, name="", networks=("x",), queue_length_max=-1, budget=Budget(day=-1))
    found = [rule.param for rule in broken_rules(worse, models=["m"])]
    assert found == ["name", "networks", "queue_length_max", "budget_usd_day"]


@pytest.mark.parametrize(
    ("value", "micro_usd"), [(5, 5_000_000), (0.1, 100_000), ("0.000001", 1), (None, None)]
)
def test_a_budget_is_read_to_the_micro_dollar(value: Any, micro_usd: int | None) -> None:
    assert changed(KEY, {"budget_usd_month": value}).budget.month == micro_usd


def test_what_is_not_named_stays() -> None:
    key = replace(KEY, budget=Budget(day=1, total=2), models=frozenset({"m"}))
    assert changed(key, {"budget_usd_day": None}).budget == Budget(total=2)
    assert changed(key, {"models": None}) == replace(key, models=None)
    assert changed(key, {}) == key


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::5", "2001:db8::/64"),
        (None, "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_an_address_counts_as_itself_or_its_network(address: str | None, subject: str) -> None:
    assert subject_of(address) == subject


def test_an_operators_price_is_in_place_of_the_catalogues() -> None:
    prices = {"wan2.5-preview": "0.05", "wan2.5-preview/1080p": "0.2"}
    model = with_prices(load_models(), prices)["wan2.5-preview"]
    assert model.price_micro_usd_per_s == {"480p": 50_000, "720p": 50_000, "1080p": 200_000}
    assert load_models()["wan2.5-preview"].price_micro_usd_per_s["720p"] == 66_400


@pytest.mark.parametrize(
    ("name", "price", "words"),
    [
        ("wan2.5-previw", "1", "unknown model 'wan2.5-previw'; did you mean wan2.5-preview?"),
        ("wan2.5-preview/4k", "1", "unknown resolution '4k'; known are 480p, 720p, 1080p"),
        ("wan2.5-preview", "-1", "must be US dollars a second, with at most 6 decimals, got '-1'"),
        ("wan2.5-preview", "cheap", "got 'cheap'"),
    ],
)
def test_a_wrong_price_is_told(name: str, price: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        with_prices(load_models(), {name: price})
    assert words in refused.value.message
