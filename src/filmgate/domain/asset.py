"""Stored bytes: results, uploads and inputs, and the keys they are stored under.

results/task_…/2/film.mp4       made by the second attempt of a task; another attempt never writes
there inputs/task_…/image             what a task was given uploads/…/name.png              what a
caller uploaded ahead of a task
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from filmgate.domain.ids import AccountId, TaskId

REFERENCE_PREFIX = "asset:"
THUMBNAIL = "thumbnail.jpg"
SPRITES = "sprites.jpg"


class AssetKind(StrEnum):
    """What an asset is for."""

    RESULT = "result"
    UPLOAD = "upload"
    INPUT = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A stored file and whose it is."""

    key: str
    kind: AssetKind
    account_id: AccountId
    task_id: TaskId | None
    content_type: str
    size_bytes: int
    filename: str
    created_at: datetime
    expires_at: datetime | None


def result_key(task_id: TaskId, attempt: int) -> str:
    """Where an attempt's film is stored."""
    return f"results/{task_id}/{attempt}/film.mp4"


def still_key(task_id: TaskId, attempt: int, name: str) -> str:
    """Where a picture of an attempt's film is stored: THUMBNAIL or SPRITES."""
    return f"results/{task_id}/{attempt}/{name}"


def input_key(task_id: TaskId, param: str) -> str:
    """Where a task's fetched input is stored."""
    return f"inputs/{task_id}/{param}"


def reference(key: str) -> str:
    """How a generation names an asset."""
    return REFERENCE_PREFIX + key


def referenced_key(text: str) -> str | None:
    """The asset's key that a generation's field names, or None if it is a URL."""
    return text.removeprefix(REFERENCE_PREFIX) if text.startswith(REFERENCE_PREFIX) else None
