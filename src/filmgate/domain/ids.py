"""Ids: what they look like and how they are made. A ULID is 48 bits of milliseconds and 80 bits of
chance.

task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ     (Crockford's base 32, https://github.com/ulid/spec)
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NewType

TaskId = NewType("TaskId", str)
AccountId = NewType("AccountId", str)
ApiKeyId = NewType("ApiKeyId", str)
DeliveryId = NewType("DeliveryId", str)
"""`whd_` and the ULID of the task whose end is told."""

ENTROPY_BYTES = 10
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
_TASK_ID = re.compile(f"task_{_ULID}")
_DELIVERY_ID = re.compile(f"whd_{_ULID}")


def ulid(at: datetime, entropy: bytes) -> str:
    """Return the ULID of a moment and 10 random bytes."""
    number = (int(at.timestamp() * 1000) << 80) | int.from_bytes(entropy[:ENTROPY_BYTES])
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def task_id(at: datetime, entropy: bytes) -> TaskId:
    """Return a new task id."""
    return TaskId(f"task_{ulid(at, entropy)}")


def account_id(at: datetime, entropy: bytes) -> AccountId:
    """Return a new account id."""
    return AccountId(f"acct_{ulid(at, entropy)}")


def api_key_id(at: datetime, entropy: bytes) -> ApiKeyId:
    """Return a new API key's id (not its token)."""
    return ApiKeyId(f"key_{ulid(at, entropy)}")


def is_task_id(text: str) -> bool:
    """Whether a text has the form of a task id."""
    return _TASK_ID.fullmatch(text) is not None


def is_delivery_id(text: str) -> bool:
    """Whether a text has the form of a webhook delivery's id."""
    return _DELIVERY_ID.fullmatch(text) is not None
