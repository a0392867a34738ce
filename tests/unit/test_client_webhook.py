"""What verify_webhook lets through, and what it does not."""

from __future__ import annotations

import pytest

from filmgate.client import verify_webhook
from filmgate.client.errors import NotConfigured, WebhookInvalid
from filmgate.domain.webhook import secret_from, signed_headers

AT = 1_763_088_308
BODY = b'{"id":"task_1","status":"completed","progress":100,"created":1763088289,\
"model":"wan2.5-preview","orig_prompt":"\xc3\xbcber","new_field":1}'
NEW, OLD, WRONG = (secret_from(sign * 32) for sign in (b"n", b"o", b"w"))


def sent(*secrets: str, **changed: str) -> dict[str, str]:
    headers = signed_headers(message_id="whd_1", timestamp_s=AT, body=BODY, secrets=secrets)
    return {name.title(): text for name, text in headers.items()} | changed


@pytest.mark.parametrize("body", [BODY, BODY.decode()])
def test_a_genuine_delivery_is_the_task(body: bytes | str) -> None:
    task = verify_webhook(body, sent(NEW), NEW, now_s=AT + 299)
    assert (task.id, task.status, task.prompt) == ("task_1", "completed", "über")
    assert task.data["new_field"] == 1


def test_while_a_secret_is_replaced_either_side_may_know_both() -> None:
    assert verify_webhook(BODY, sent(NEW, OLD), OLD, now_s=AT)
    assert verify_webhook(BODY, sent(OLD), [NEW, OLD], now_s=AT)


@pytest.mark.parametrize(
    ("headers", "body", "secret", "now_s"),
    [
        (sent(NEW), BODY, WRONG, AT),
        (sent(NEW), BODY, [], AT),
        (sent(NEW), BODY + b" ", NEW, AT),
        (sent(NEW) | {"Webhook-Id": "whd_2"}, BODY, NEW, AT),
        (sent(NEW) | {"Webhook-Timestamp": str(AT + 1)}, BODY, NEW, AT),
        (sent(NEW) | {"Webhook-Timestamp": "soon"}, BODY, NEW, AT),
        (sent(NEW) | {"Webhook-Signature": "v1,"}, BODY, NEW, AT),
        (sent(NEW) | {"Webhook-Signature": ""}, BODY, NEW, AT),
        (sent(NEW), BODY, NEW, AT + 301),
        (sent(NEW), BODY, NEW, AT - 301),
        ({}, BODY, NEW, AT),
    ],
)
def test_anything_else_is_invalid(headers, body, secret, now_s) -> None:
    with pytest.raises(WebhookInvalid):
        verify_webhook(body, headers, secret, now_s=now_s)


def test_a_genuine_body_that_is_no_task_is_invalid() -> None:
    headers = signed_headers(message_id="w", timestamp_s=AT, body=b"[]", secrets=[NEW])
    with pytest.raises(WebhookInvalid, match="not a task"):
        verify_webhook(b"[]", headers, NEW, now_s=AT)


def test_a_secret_that_is_none_is_the_receivers_mistake() -> None:
    with pytest.raises(NotConfigured, match="whsec_"):
        verify_webhook(BODY, sent(NEW), "whsec_x", now_s=AT)


def test_the_standards_own_example_is_accepted() -> None:
    """Signed by the reference library; its body is no task of ours, which is seen afterwards."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    with pytest.raises(WebhookInvalid, match="genuine"):
        verify_webhook(
            '{"test": 2432232314}',
            headers,
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            now_s=1_614_265_330,
        )
