"""The public API as a tool for agents needs it: models, an upload, a task. It knows no transport.

Everything comes as the JSON objects of the API, because that is what an agent is shown.
"""

from __future__ import annotations

from typing import Any, Protocol

JsonObject = dict[str, Any]


class Films(Protocol):
    """What one API key may do. Every method raises FilmgateError with a message for the caller."""

    async def models(self) -> list[JsonObject]:
        """Return `data` of `GET /v1/models?expand=parameters`: each with its JSON Schema."""
        ...

    async def documentation(self, model: str) -> str:
        """Return a model's rules in words, as Markdown."""
        ...

    async def upload_image(self, content: bytes) -> str:
        """Keep a picture; return the URL that may be given as `image_urls`."""
        ...

    async def submit(self, fields: JsonObject) -> str:
        """Submit the body of `POST /v1/videos/generations` once; return the task's id."""
        ...

    async def task(self, task_id: str, *, wait_s: float = 0) -> JsonObject:
        """Return `data` of a task; with `wait_s`, at its next change or after so long."""
        ...
