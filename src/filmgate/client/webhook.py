"""Verifies what a filmgate server posts to a webhook (Standard Webhooks). It serves no HTTP.

webhook-id: whd_…          the same at every attempt: drop what was seen before
webhook-timestamp: 1763088308
webhook-signature: v1,… [v1,…]     HMAC-SHA256 of `id.timestamp.body`, one for each valid secret
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from filmgate.client.errors import NotConfigured, UnexpectedAnswer, WebhookInvalid
from filmgate.client.task import TaskFacts
from filmgate.client.wire import facts_of
from filmgate.domain.webhook import signature

TOLERANCE_S = 300


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    tolerance_s: float = TOLERANCE_S,
    *,
    now_s: float | None = None,
) -> TaskFacts:
    """Return the task that a delivery tells of, if it is genuine.

    `body` is what arrived, byte for byte: JSON that was parsed and written again has another
    signature. `secret` is the key's `whsec_…`, or several while one is being replaced. Deliveries
    come at least once; `webhook-id` is the same each time.

    Raises WebhookInvalid, and NotConfigured for a secret that is none.
    """
    raw = body.encode() if isinstance(body, str) else body
    found = {name.lower(): text for name, text in headers.items()}
    message_id = _header(found, "webhook-id")
    stamp = _header(found, "webhook-timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise WebhookInvalid(f"webhook-timestamp must be seconds since 1970, got {stamp[:40]!r}")
    now = time.time() if now_s is None else now_s
    if abs(now - int(stamp)) > tolerance_s:
        raise WebhookInvalid(
            f"webhook-timestamp must be within {tolerance_s:g} s of now, "
            f"is {abs(now - int(stamp)):.0f} s away"
        )
    secrets = [secret] if isinstance(secret, str) else list(secret)
    expected = [_signed(each, message_id, int(stamp), raw) for each in secrets]
    given = _header(found, "webhook-signature").split(" ")
    # Every pair is compared, so that the time taken tells nothing.
    matches = [hmac.compare_digest(a.encode(), b.encode()) for a in given for b in expected]
    if not any(matches):
        raise WebhookInvalid("webhook-signature fits none of the secrets")
    return _task(raw)


def _header(headers: Mapping[str, str], name: str) -> str:
    text = headers.get(name, "")
    if not text:
        raise WebhookInvalid(f"the delivery has no {name} header")
    return text


def _signed(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    try:
        return signature(secret, message_id=message_id, timestamp_s=timestamp_s, body=body)
    except ValueError as error:
        raise NotConfigured("a webhook secret must be whsec_ and base64") from error


def _task(body: bytes) -> TaskFacts:
    try:
        return facts_of(msgspec.json.decode(body, type=dict[str, Any]))
    except (msgspec.MsgspecError, UnexpectedAnswer) as error:
        raise WebhookInvalid("the body is genuine, but it is not a task") from error
