"""Who calls: reads `Authorization: Bearer <token>` and asks a verb whose key that is."""

from __future__ import annotations

from starlette.requests import Request

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import Unauthorized
from filmgate.domain.field_rule import shown
from filmgate.gateway.door import visit_of
from filmgate.service.authenticate import authenticate
from filmgate.service.deps import Deps

HOW = "send your API key as `Authorization: Bearer <key>`"


async def caller(request: Request, deps: Deps) -> ApiKey:
    """Return the key that the request was made with. Raises Unauthorized."""
    key = await authenticate(bearer_token(request.headers.get("authorization")), deps=deps)
    visit_of(request).key_id = key.id
    return key


def bearer_token(header: str | None) -> str:
    """Return the token of an Authorization header. Raises Unauthorized, which never repeats it."""
    if header is None or not header.strip():
        raise Unauthorized(f"API key is required: {HOW}")
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        known = scheme if scheme.lower() in {"basic", "digest", "token", "apikey"} else ""
        got = f", got scheme {shown(known)}" if known else ""
        raise Unauthorized(f"Authorization must use the scheme Bearer{got}: {HOW}")
    token = rest.strip()
    if not token:
        raise Unauthorized(f"the API key after Bearer is empty: {HOW}")
    if " " in token:
        raise Unauthorized(f"the API key after Bearer must not contain spaces: {HOW}")
    return token
