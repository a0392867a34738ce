"""The rules of webhooks: signatures, where they go, when they are tried again, what ends them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from filmgate.domain.errors import ConfigError, SecretUnreadable
from filmgate.domain.ids import AccountId, ApiKeyId, DeliveryId, TaskId
from filmgate.domain.webhook import (
    ATTEMPTS_MAX,
    RETRY_PERIOD,
    Delivery,
    DeliveryState,
    WebhookSecret,
    callback_url,
    retry_delay_s,
    secret_from,
    signature,
    signed_headers,
    verdict,
)
from filmgate.store.sealing import AesGcmSealer, sealer_in_force

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ID = "whd_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"


def delivery(**changes) -> Delivery:
    made = Delivery(
        id=DeliveryId(ID),
        task_id=TaskId("task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"),
        account_id=AccountId("acct_1"),
        api_key_id=ApiKeyId("key_1"),
        base_url="https://hooks.example/films",
        state=DeliveryState.PENDING,
        attempts=1,
        round_attempts=1,
        round_since=NOW,
        next_at=NOW,
        last_status=None,
        last_error=None,
        created_at=NOW,
        delivered_at=None,
    )
    return replace(made, **changes)


def judge(status: int | None, *, asked_delay_s: float | None = None, at=NOW, **changes):
    return verdict(delivery(**changes), status=status, asked_delay_s=asked_delay_s, at=at)


def test_a_signature_is_that_of_the_standards_test_vector():
    """The vector of the Standard Webhooks reference libraries."""
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp_s=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_valid_secrets_give_two_signatures():
    old, new = secret_from(b"o" * 32), secret_from(b"n" * 32)
    headers = signed_headers(message_id=ID, timestamp_s=5, body=b"{}", secrets=(new, old))
    assert headers["webhook-id"] == ID
    assert headers["webhook-timestamp"] == "5"
    assert headers["webhook-signature"].split(" ") == [
        signature(secret, message_id=ID, timestamp_s=5, body=b"{}") for secret in (new, old)
    ]


def test_the_old_secret_signs_until_its_time_is_over():
    secret = WebhookSecret(secret="n", created_at=NOW, previous="o", previous_until=NOW)
    assert secret.valid(NOW - timedelta(seconds=1)) == ("n", "o")
    assert secret.valid(NOW) == ("n",)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://a.example", "https://a.example/callback"),
        ("https://a.example/", "https://a.example/callback"),
        ("https://a.example/hooks//", "https://a.example/hooks/callback"),
        ("http://a.example:8080/h?tenant=5#x", "http://a.example:8080/h/callback?tenant=5"),
    ],
)
def test_the_callback_stands_below_the_base_url(base: str, url: str):
    assert callback_url(base) == url


def test_waits_grow_to_eight_hours():
    assert [retry_delay_s(n) for n in range(1, 12)] == [
        5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800, 28800,
    ]  # fmt: skip
    assert retry_delay_s(1, first_retry_s=0.2) == 0.2
    assert retry_delay_s(20, first_retry_s=3600) == 28800
    assert 4.2 < retry_delay_s(1, chance=1.0) < retry_delay_s(1, chance=0.5) < 5


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_retries_go_on_for_a_day_and_not_longer(chance: float):
    at, starts = NOW, [NOW]
    for attempt in range(1, ATTEMPTS_MAX):
        judged = verdict(
            delivery(round_attempts=attempt), status=500, asked_delay_s=None, at=at, chance=chance
        )
        if judged.retry_in_s is None:
            break
        at += timedelta(seconds=judged.retry_in_s)
        starts.append(at)
    assert judged.state is DeliveryState.FAILED
    assert len(starts) == 11
    assert timedelta(hours=20) < starts[-1] - NOW <= RETRY_PERIOD
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_success_ends_a_delivery(status: int):
    assert judge(status).state is DeliveryState.DELIVERED


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_the_receivers_refusal_is_final(status: int):
    assert judge(status).state is DeliveryState.FAILED


@pytest.mark.parametrize("status", [None, 302, 307, 408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int | None):
    judged = judge(status)
    assert (judged.state, judged.retry_in_s) == (DeliveryState.PENDING, 5)


def test_a_receiver_may_ask_for_a_longer_wait_within_reason():
    assert judge(429, asked_delay_s=90).retry_in_s == 90
    assert judge(429, asked_delay_s=1).retry_in_s == 5
    assert judge(429, asked_delay_s=10**6).retry_in_s == 3600


def test_attempts_are_bounded_whatever_the_schedule():
    assert judge(500, round_attempts=ATTEMPTS_MAX).state is DeliveryState.FAILED


def test_a_redelivered_one_has_a_day_of_its_own():
    later = NOW + timedelta(days=3)
    assert judge(500, at=later, attempts=12, round_since=NOW).state is DeliveryState.FAILED
    assert judge(500, at=later, attempts=12, round_since=later).state is DeliveryState.PENDING


def test_a_sealed_secret_opens_for_its_owner_and_with_its_key_only():
    sealer, other = (AesGcmSealer(base64.b64encode(c * 32).decode()) for c in (b"a", b"b"))
    sealed = sealer.seal(b"whsec_x", owner="key_1")
    assert b"whsec" not in sealed
    assert sealer.unseal(sealed, owner="key_1") == b"whsec_x"
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for broken in (
        lambda: sealer.unseal(sealed, owner="key_2"),
        lambda: other.unseal(sealed, owner="key_1"),
        lambda: sealer.unseal(flipped, owner="key_1"),
        lambda: sealer.unseal(b"", owner="key_1"),
    ):
        with pytest.raises(SecretUnreadable, match="another seal key"):
            broken()


def test_the_seal_key_is_made_once_and_private(tmp_path):
    path = tmp_path / "data" / "seal.key"
    sealed = sealer_in_force(path, key="").seal(b"x", owner="o")
    assert sealer_in_force(path, key="").unseal(sealed, owner="o") == b"x"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["seal.key"]


def test_a_seal_key_of_the_wrong_length_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="seal_key must be base64 of 32 bytes"):
        sealer_in_force(tmp_path / "seal.key", key="c2hvcnQ=")
