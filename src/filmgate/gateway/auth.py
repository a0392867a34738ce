"""Who calls: reads `Authorization: Bearer <token>`, or without it the page's session cookie, and
asks a verb whose key that is.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from filmgate.domain.api_key import ApiKey, KeyScope
from filmgate.domain.errors import Forbidden, Unauthorized
from filmgate.domain.field_rule import shown
from filmgate.gateway.door import visit_of
from filmgate.service.authenticate import admit, authenticate
from filmgate.service.deps import Deps
from filmgate.service.limit_rate import check_turn, key_turn
from filmgate.service.sign_in import key_of_session

SESSION_COOKIE = "filmgate_session"
PAGE_HEADER = "X-Filmgate-Page"
HARMLESS_METHODS = frozenset({"GET", "HEAD"})
ANY_SCOPE = tuple(KeyScope)
HOW = "send your API key as `Authorization: Bearer <key>`"


async def caller(
    request: Request, deps: Deps, *, one_of: Collection[KeyScope] | None = None
) -> ApiKey:
    """Return the key that the request was made with, if it may do this and not too often.

    It needs one of these scopes: by default `read` for what changes nothing, else `generate`.
    Raises Unauthorized, Forbidden, RateLimited.
    """
    address = address_of(request)
    authorization = request.headers.get("authorization")
    session = request.cookies.get(SESSION_COOKIE)
    if authorization is None and session:
        refuse_forgery(request)
        key = await key_of_session(session, deps=deps, address=address)
    else:
        key = await authenticate(bearer_token(authorization), deps=deps, address=address)
    visit = visit_of(request)
    visit.key_id = key.id
    if one_of is None:
        one_of = (KeyScope.READ if request.method in HARMLESS_METHODS else KeyScope.GENERATE,)
    admit(key, one_of=one_of, address=address)
    visit.turn = await key_turn(key, deps=deps)
    check_turn(visit.turn, what="requests of this API key")
    return key


def address_of(request: Request) -> str | None:
    """Return the address of whoever asks; behind trusted proxies, the one they name."""
    return request.client.host if request.client else None


def refuse_forgery(request: Request) -> None:
    """Refuse a change that another site's page may have made with this browser's cookie.

    The header is one that no form can send, and that cross-origin scripts are not allowed. Browsers
    tell whence a request comes; those that send no Sec-Fetch-Site (plain http) send Origin. Raises
    Forbidden.
    """
    if request.method in HARMLESS_METHODS:
        return
    if PAGE_HEADER not in request.headers:
        raise Forbidden(f"with a session, {request.method} needs the header {PAGE_HEADER}")
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if site is not None:
        is_own = site == "same-origin"
    else:
        is_own = urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise Forbidden("with a session, changes are taken from this server's own page only")


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
