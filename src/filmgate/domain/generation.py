"""The checked description of what to make. Only a model's rules make one: domain/model.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One film to make, all rules kept. `seed` is always set: drawn when the caller gave none."""

    model: str
    prompt: str
    negative_prompt: str
    resolution: str
    size: str | None
    """Aspect ratio such as 16:9; None for image-to-video, where the picture decides."""
    duration_s: int
    seed: int
    may_rewrite_prompt: bool
    has_watermark: bool
    image: str | None
    """A URL, a data: URI, or `asset:KEY` once its bytes are stored here."""
    audio: str | None
    """A URL, or `asset:KEY` once its bytes are stored here."""
    language: str
    webhook: str | None = None
    """Base URL of whom the end is told: domain/webhook.py."""
    is_told_as_event: bool = False
    """Whether the end is told in the words of the OpenAI API, as the door speaks them."""

    remixed_from: str | None = None
    """The task whose generation this one changes: service/remix_task.py."""

    @property
    def is_image_to_video(self) -> bool:
        """Whether the film starts from a picture."""
        return self.image is not None
