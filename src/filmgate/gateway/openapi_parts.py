"""What an OpenAPI document is put together from. It describes no route of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Json = dict[str, object]
REF = "#/components/schemas/"


def public(
    summary: str,
    name: str,
    answer: str | None,
    media: str = "application/json",
    *,
    errors: Iterable[int] = (429,),
) -> Json:
    """Describe a GET that needs no key."""
    ok = json_content("OK", answer) if answer else content("OK", media, {})
    said = {str(status): error_ref(status) for status in sorted({400, 500, *errors})}
    return {
        "summary": summary,
        "operationId": name,
        "security": [],
        "responses": {"200": ok, **said},
    }


def operation(
    summary: str,
    name: str,
    answer: str | None,
    *,
    parameters: Iterable[Json] = (),
    responses: Mapping[str, Json] | None = None,
    errors: Iterable[int] = (),
) -> Json:
    """Describe an operation that needs a key; the errors that all have stand by themselves."""
    said: Json = {"200": json_content("OK", answer)} if answer else {}
    said.update(responses or {})
    for status in sorted({400, 401, 403, 429, 500, 503, *errors}):
        said[str(status)] = error_ref(status)
    return {
        "summary": summary,
        "operationId": name,
        "parameters": list(parameters),
        "responses": said,
    }


def parameter(name: str, place: str, schema: Json, text: str, *, required: bool = False) -> Json:
    """Describe a parameter; one of the path is always required."""
    return {
        "name": name,
        "in": place,
        "required": required or place == "path",
        "schema": schema,
        "description": text,
    }


def json_content(text: str, name: str) -> Json:
    """Describe a JSON answer by its schema's name."""
    return content(text, "application/json", ref(name))


def content(text: str, media: str, schema: Json) -> Json:
    """Describe an answer."""
    return {"description": text, "content": {media: {"schema": schema}}}


def ref(name: str) -> Json:
    """Point to a schema by its name."""
    return {"$ref": REF + name}


def error_ref(status: int) -> Json:
    """Point to the answer of an error."""
    return {"$ref": f"#/components/responses/Error{status}"}
