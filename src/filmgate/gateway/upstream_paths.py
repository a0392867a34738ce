"""The path that upstreams call, as OpenAPI says it. It serves nothing."""

from __future__ import annotations

from filmgate.gateway.openapi_parts import Json, error_ref, parameter
from filmgate.gateway.upstreams import CALLBACK_PATH


def upstream_paths() -> Json:
    """Return the path of callbacks."""
    text: Json = {"type": "string"}
    return {
        CALLBACK_PATH: {
            "post": {
                "summary": "Tell that a film ordered from an upstream has changed",
                "description": "For upstreams, which are given this address with an order."
                " The body is not read: this server asks the upstream itself.",
                "operationId": "hearUpstream",
                "security": [],
                "parameters": [
                    parameter("task_id", "path", text, "The task that the film is for."),
                    parameter("token", "path", text, "Made by this server for this task."),
                ],
                "responses": {
                    "204": {"description": "Heard"},
                    **{str(status): error_ref(status) for status in (400, 404, 429, 500, 503)},
                },
            }
        }
    }
