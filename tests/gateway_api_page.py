"""Writes docs/reference/api.md from the OpenAPI document. A test compares the page with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from filmgate.catalogue import load_models
from filmgate.gateway.model_schema import markdown
from filmgate.gateway.openapi import openapi_document

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
HEAD = """<!-- Written by tests/gateway_api_page.py. Do not edit. -->

# The HTTP API

The machine-readable form is the server's own `/openapi.json` (OpenAPI 3.1). Errors are listed in
[errors.md](errors.md). Every path needs `Authorization: Bearer <key>`, except those marked
"no key". Every answer carries `X-Request-Id`; a sane one that you send is kept.

A query's name that a path does not list is a 400, as an unknown field of a body is. Paths of other
APIs (`/v1/videos`, `/v1/models`, `/api/v1`, `/mcp`), file links, health and page files pass it
over. No listed name may stand there twice, nor may `Authorization` or `Idempotency-Key`.

```sh
curl -s http://127.0.0.1:8700/v1/videos/generations \\
  -H "Authorization: Bearer $FILMGATE_API_KEY" -H 'Content-Type: application/json' \\
  -d '{"model": "wan2.5-preview", "prompt": "Sunset coastal highway, cinematic shot"}'
```

```json
{"code":200,"data":[{"status":"submitted","task_id":"task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"}]}
```

Then ask `GET /v1/tasks/{task_id}?wait=30` until `status` is `completed`, `failed` or `cancelled`.

## Paths

"""


def api_page() -> str:
    """Return the page."""
    models = load_models()
    document = json.loads(openapi_document(models=models, version=""))
    parts = [HEAD]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parts.append(_operation(path, method, operation))
    parts.append("## Answers\n\n")
    parts += [_schema(name, one) for name, one in document["components"]["schemas"].items()]
    parts.append("# Models\n\n")
    parts += [
        markdown(model).replace("\n## ", "\n### ").replace("# ", "## ", 1)
        for model in models.values()
    ]
    return "".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    mark = " (no key)" if operation.get("security") == [] else ""
    answers = ", ".join(
        f"{status} {_answer(answer)}".strip() for status, answer in operation["responses"].items()
    )
    lines = [
        f"### `{method.upper()} {path}`{mark}",
        "",
        f"{operation['summary']}. Answers: {answers}.",
        "",
    ]
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| parameter | in | meaning |", "|---|---|---|"]
        lines += [f"| `{p['name']}` | {p['in']} | {p['description']} |" for p in parameters]
        lines.append("")
    return "\n".join(lines) + "\n"


def _answer(answer: dict[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        return f"`{name}`" if name else ""
    return ""


def _schema(name: str, schema: dict[str, Any]) -> str:
    if name == "Generation":
        return ""
    required = schema.get("required", [])
    lines = [f"### `{name}`", "", schema.get("description", ""), ""]
    lines += ["| field | type | always |", "|---|---|---|"]
    for field, one in schema["properties"].items():
        lines.append(f"| `{field}` | {_type(one)} | {'yes' if field in required else 'no'} |")
    return "\n".join(lines) + "\n\n"


def _type(one: dict[str, Any]) -> str:
    if "$ref" in one:
        return f"`{one['$ref'].rpartition('/')[2]}`"
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "anyOf" in one:
        return " or ".join(_type(inner) for inner in one["anyOf"])
    if one.get("type") == "array":
        return f"array of {_type(one['items'])}"
    if "additionalProperties" in one:
        return (
            f"object of {_type(one['additionalProperties'])}"
            if one["additionalProperties"]
            else "object"
        )
    return str(one.get("type", "anything"))


if __name__ == "__main__":
    PAGE.write_text(api_page(), encoding="utf-8")
