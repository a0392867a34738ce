"""What the verbs need to turn a short prompt into a fuller one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Mode(StrEnum):
    """What the film starts from."""

    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """A rewritten prompt, or the original one with the reason why it stayed."""

    prompt: str
    note: str | None = None


class Rewriter(Protocol):
    """Rewrites prompts. Never fails: at worst the original comes back with a note."""

    async def rewrite(self, prompt: str, *, mode: Mode, seed: int) -> Rewriting:
        """Return a fuller prompt of at most 5,000 characters."""
        ...
