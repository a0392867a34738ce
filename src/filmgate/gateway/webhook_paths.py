"""The paths of webhooks, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from filmgate.gateway.apimart import PAGE_DEFAULT
from filmgate.gateway.openapi_parts import Json, operation, parameter
from filmgate.service.manage_webhooks import PAGE_MAX


def webhook_paths() -> Json:
    """Return the paths of secrets and deliveries."""
    text: Json = {"type": "string"}
    limit: Json = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}
    status: Json = {"type": "string", "enum": ["pending", "delivered", "failed"]}
    parameters = [
        parameter("task_id", "query", text, "Only deliveries of this task."),
        parameter("status", "query", status, "Only deliveries in this state."),
        parameter("limit", "query", limit, "Deliveries a page."),
        parameter("cursor", "query", text, "The `next_cursor` of the page before."),
    ]
    of_one = [parameter("delivery", "path", text, "The delivery's id.")]
    return {
        "/v1/webhooks/secret": {
            "get": operation(
                "Show this key's webhook signing secret", "webhookSecret", "WebhookSecretEnvelope"
            )
        },
        "/v1/webhooks/secret/rotate": {
            "post": operation(
                "Make a new webhook signing secret; the old one stays valid for 24 hours",
                "rotateWebhookSecret",
                "WebhookSecretEnvelope",
            )
        },
        "/v1/webhooks/deliveries": {
            "get": operation(
                "List webhook deliveries, newest first",
                "listDeliveries",
                "DeliveryPage",
                parameters=parameters,
            )
        },
        "/v1/webhooks/deliveries/{delivery}/redeliver": {
            "post": operation(
                "Make a delivery again, at once",
                "redeliver",
                "DeliveryEnvelope",
                parameters=of_one,
                errors=[404],
            )
        },
        "/v1/admin/webhooks/deliveries": {
            "get": operation(
                "List webhook deliveries that this key manages, newest first",
                "adminListDeliveries",
                "DeliveryPage",
                parameters=parameters,
            )
        },
        "/v1/admin/webhooks/deliveries/{delivery}/redeliver": {
            "post": operation(
                "Make a delivery again that this key manages",
                "adminRedeliver",
                "DeliveryEnvelope",
                parameters=of_one,
                errors=[404],
            )
        },
    }
