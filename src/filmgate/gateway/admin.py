"""Accounts, credits and keys for those who manage them, by a key with the scope `manage`.

GET /v1/admin/me
GET POST  /v1/admin/accounts        GET PATCH  /v1/admin/accounts/{account}
GET POST  /v1/admin/accounts/{account}/credits
GET POST  /v1/admin/keys            GET PATCH DELETE  /v1/admin/keys/{key}
POST      /v1/admin/keys/{key}/rotate | disable | enable

A key of an admin account manages everything, another one the keys of its own account.
"""

from __future__ import annotations

import re

from starlette.requests import Request

from filmgate.domain.account import Account
from filmgate.domain.api_key import ApiKey, KeyScope
from filmgate.domain.errors import BrokenRule, Forbidden, InvalidFields
from filmgate.domain.field_rule import shown
from filmgate.gateway.admin_fields import Fields
from filmgate.gateway.admin_wire import (
    AccountEnvelope,
    AccountList,
    EntryPage,
    KeyEnvelope,
    KeyList,
    KeyObject,
    MeEnvelope,
    MeObject,
    account_object,
    entry_object,
    key_object,
)
from filmgate.gateway.answers import Answer, json_answer
from filmgate.gateway.apimart import read_limit
from filmgate.gateway.auth import ANY_SCOPE, caller
from filmgate.gateway.body import Bodies
from filmgate.service.deps import Deps
from filmgate.service.manage_accounts import (
    create_account,
    edit_account,
    find_account,
    grant_credits,
    list_accounts,
    reach_of,
    show_account,
)
from filmgate.service.manage_keys import (
    OVERLAP_S_DEFAULT,
    KeyView,
    create_key,
    disable_key,
    edit_key,
    list_keys,
    revoke_key,
    rotate_key,
    show_key,
)

STATES = ("active", "expired", "disabled", "revoked")
_CURSOR_FORM = re.compile(r"[0-9]{1,18}")


async def managing_key(request: Request, deps: Deps) -> tuple[ApiKey, Account | None]:
    """Return the managing key, and the account beyond which it sees nothing (None: an admin's).

    Raises Unauthorized, Forbidden, RateLimited.
    """
    key = await caller(request, deps, one_of=(KeyScope.MANAGE,))
    return key, await reach_of(key, deps=deps)


async def check_admin(request: Request, deps: Deps) -> None:
    """Raise Forbidden unless the key manages everything."""
    _, within = await managing_key(request, deps)
    if within is not None:
        raise Forbidden("this needs a key of an admin account, with the scope manage")


class AdminPages:
    """The handlers of accounts, credits and keys."""

    def __init__(self, *, deps: Deps, bodies: Bodies) -> None:
        self._deps = deps
        self._bodies = bodies

    async def me(self, request: Request) -> Answer:
        """Show the key that asks, and its account."""
        key = await caller(request, self._deps, one_of=ANY_SCOPE)
        view = await show_key(key.id, deps=self._deps)
        said = MeObject(key=self._object(view), account=account_object(view.account))
        return json_answer(MeEnvelope(200, said))

    async def list_accounts(self, request: Request) -> Answer:
        """List the accounts that this key sees."""
        _, within = await managing_key(request, self._deps)
        found = await list_accounts(deps=self._deps, within=within)
        return json_answer(AccountList(200, [account_object(account) for account in found]))

    async def create_account(self, request: Request) -> Answer:
        """Make an account."""
        await check_admin(request, self._deps)
        async with self._bodies.json(request) as body:
            fields = Fields(body)
            name = fields.text("name", is_required=True)
            is_limited, is_admin = fields.switch("is_limited"), fields.switch("is_admin")
            fields.check()
        made = await create_account(
            name or "", is_limited=bool(is_limited), is_admin=bool(is_admin), deps=self._deps
        )
        return json_answer(AccountEnvelope(200, account_object(made)))

    async def show_account(self, request: Request) -> Answer:
        """Show an account."""
        _, within = await managing_key(request, self._deps)
        found = await find_account(request.path_params["account"], deps=self._deps, within=within)
        return json_answer(AccountEnvelope(200, account_object(found)))

    async def edit_account(self, request: Request) -> Answer:
        """Change an account's name, its limit, or whether it is an admin's."""
        await check_admin(request, self._deps)
        async with self._bodies.json(request) as body:
            fields = Fields(body)
            name = fields.text("name")
            is_limited, is_admin = fields.switch("is_limited"), fields.switch("is_admin")
            fields.check()
        edited = await edit_account(
            request.path_params["account"],
            name=name,
            is_limited=is_limited,
            is_admin=is_admin,
            deps=self._deps,
        )
        return json_answer(AccountEnvelope(200, account_object(edited)))

    async def entries(self, request: Request) -> Answer:
        """List what moved an account's balance, newest first."""
        _, within = await managing_key(request, self._deps)
        query = request.query_params
        limit = read_limit(query.get("limit"))
        _, found = await show_account(
            request.path_params["account"],
            deps=self._deps,
            within=within,
            before=_cursor(query.get("cursor")),
            limit=limit + 1,
        )
        page = [entry_object(entry) for entry in found[:limit]]
        cursor = str(page[-1].id) if len(found) > limit else None
        return json_answer(EntryPage(200, page, cursor))

    async def grant(self, request: Request) -> Answer:
        """Grant an account an amount; a negative one takes back."""
        await check_admin(request, self._deps)
        async with self._bodies.json(request) as body:
            fields = Fields(body)
            usd, note = fields.amount("usd"), fields.text("note") or ""
            fields.check()
        account = request.path_params["account"]
        granted = await grant_credits(account, usd, note=note, deps=self._deps)
        return json_answer(AccountEnvelope(200, account_object(granted)))

    async def list_keys(self, request: Request) -> Answer:
        """List the keys that this key sees, newest first."""
        _, within = await managing_key(request, self._deps)
        query = request.query_params
        state = query.get("state")
        if state and state not in STATES:
            message = f"state must be {', '.join(STATES)}, got {shown(state)}"
            raise InvalidFields([BrokenRule("state", message)])
        account = None
        if query.get("account"):
            account = await find_account(query["account"], deps=self._deps, within=within)
        views = await list_keys(deps=self._deps, account=account, within=within)
        found = [self._object(view) for view in views]
        return json_answer(KeyList(200, [key for key in found if not state or key.state == state]))

    async def create_key(self, request: Request) -> Answer:
        """Make a key; its token is in this answer and nowhere else."""
        key, within = await managing_key(request, self._deps)
        async with self._bodies.json(request) as body:
            account = body.pop("account", key.account_id)
            if not isinstance(account, str):
                message = f"account must be an id or a name, got {shown(account)}"
                raise InvalidFields([BrokenRule("account", message)])
            owner = await find_account(account, deps=self._deps, within=within)
            view, token = await create_key(body, account=owner, deps=self._deps, within=within)
        return self._said(view, token)

    async def show_key(self, request: Request) -> Answer:
        """Show a key."""
        name, within = await self._asked(request)
        return self._said(await show_key(name, deps=self._deps, within=within))

    async def edit_key(self, request: Request) -> Answer:
        """Change what the body names of a key; null lifts a limit."""
        name, within = await self._asked(request)
        async with self._bodies.json(request) as body:
            view = await edit_key(name, body, deps=self._deps, within=within)
        return self._said(view)

    async def rotate_key(self, request: Request) -> Answer:
        """Give a key a new token, which is in this answer and nowhere else."""
        name, within = await self._asked(request)
        overlap_s = OVERLAP_S_DEFAULT
        if _has_body(request):
            async with self._bodies.json(request) as body:
                fields = Fields(body)
                overlap_s = fields.number("overlap_s", OVERLAP_S_DEFAULT)
                fields.check()
        view, token = await rotate_key(name, overlap_s=overlap_s, deps=self._deps, within=within)
        return self._said(view, token)

    async def disable_key(self, request: Request) -> Answer:
        """Take a key out of use."""
        name, within = await self._asked(request)
        return self._said(await disable_key(name, is_disabled=True, deps=self._deps, within=within))

    async def enable_key(self, request: Request) -> Answer:
        """Put a disabled key back into use."""
        name, within = await self._asked(request)
        return self._said(
            await disable_key(name, is_disabled=False, deps=self._deps, within=within)
        )

    async def revoke_key(self, request: Request) -> Answer:
        """Take a key out of use for ever."""
        name, within = await self._asked(request)
        return self._said(await revoke_key(name, deps=self._deps, within=within))

    async def _asked(self, request: Request) -> tuple[str, Account | None]:
        _, within = await managing_key(request, self._deps)
        return request.path_params["key"], within

    def _object(self, view: KeyView, token: str | None = None) -> KeyObject:
        return key_object(view, now=self._deps.clock.now(), token=token)

    def _said(self, view: KeyView, token: str | None = None) -> Answer:
        return json_answer(KeyEnvelope(200, self._object(view, token)))


def _has_body(request: Request) -> bool:
    headers = request.headers
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _cursor(text: str | None) -> int | None:
    if not text:
        return None
    if not _CURSOR_FORM.fullmatch(text):
        message = f"cursor must be the next_cursor of the page before, got {shown(text)}"
        raise InvalidFields([BrokenRule("cursor", message)])
    return int(text)
