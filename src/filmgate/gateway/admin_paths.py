"""The paths of /v1/admin, as OpenAPI says them. It serves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from filmgate.domain.api_key import BUDGET_USD_MAX, LIMIT_MAX, NAME_CHARS_MAX, KeyScope, Priority
from filmgate.domain.overview import USAGE_DAYS_MAX
from filmgate.gateway import admin_wire, overview_wire
from filmgate.gateway.admin import STATES
from filmgate.gateway.apimart import PAGE_DEFAULT
from filmgate.gateway.openapi_headers import DISPOSITION
from filmgate.gateway.openapi_parts import Json, operation, parameter, ref
from filmgate.service.manage_accounts import NOTE_CHARS_MAX
from filmgate.service.manage_keys import OVERLAP_S_DEFAULT, OVERLAP_S_MAX
from filmgate.service.read_overview import GROUPS
from filmgate.service.read_task import PAGE_MAX
from filmgate.service.read_usage import DAYS_DEFAULT, TIMEZONE_DEFAULT

ADMIN_ANSWERS = (*admin_wire.ADMIN_ANSWERS, *overview_wire.OVERVIEW_ANSWERS)

_TEXT: Json = {"type": "string"}
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX}
_SWITCH: Json = {"type": "boolean"}
_DAY: Json = {"type": "string", "format": "date"}
_COUNT: Json = {"type": ["integer", "null"], "minimum": 1, "maximum": LIMIT_MAX}
_USD: Json = {"type": ["number", "string", "null"], "minimum": 0, "maximum": BUDGET_USD_MAX}
_ACCOUNT = parameter("account", "path", _TEXT, "The account's id or name.")
_KEY = parameter("key", "path", _TEXT, "The key's id, or its name if no other has it.")


def admin_schemas() -> Json:
    """Return the schemas of bodies, by name."""
    texts: Json = {"type": ["array", "null"], "items": _TEXT, "minItems": 1}
    fields: Json = {
        "name": _NAME,
        "scopes": {
            "type": "array",
            "items": {"type": "string", "enum": [scope.value for scope in KeyScope]},
            "minItems": 1,
            "default": ["generate", "read"],
        },
        "models": {**texts, "description": "Models that it may use; null: all."},
        "networks": {**texts, "description": "Whence it may be used, such as 10.0.0.0/8."},
        "requests_per_minute": _COUNT,
        "concurrent_tasks_max": _COUNT,
        "queue_length_max": _COUNT,
        "priority": {"type": "string", "enum": [priority.value for priority in Priority]},
        "budget_usd_day": _USD,
        "budget_usd_month": _USD,
        "budget_usd_total": _USD,
        "expires_at": {"type": ["string", "null"], "format": "date-time"},
    }
    switches: Json = {"is_limited": _SWITCH, "is_admin": _SWITCH}
    overlap: Json = {"type": "integer", "minimum": 0, "maximum": OVERLAP_S_MAX}
    usd: Json = {"type": ["number", "string"], "description": "Not 0; below 0 it takes back."}
    note: Json = {"type": "string", "maxLength": NOTE_CHARS_MAX}
    return {
        "NewKey": _body({**fields, "account": {**_TEXT, "description": "Id or name."}}, "name"),
        "KeyChange": _body(fields),
        "NewAccount": _body({"name": _NAME, **switches}, "name"),
        "AccountChange": _body({"name": _NAME, **switches}),
        "Grant": _body({"usd": usd, "note": note}, "usd"),
        "Rotation": _body({"overlap_s": {**overlap, "default": OVERLAP_S_DEFAULT}}),
    }


def admin_paths() -> Json:
    """Return the paths."""
    return {**_account_paths(), **_key_paths(), **_overview_paths()}


def _account_paths() -> Json:
    account = "/v1/admin/accounts/{account}"
    limit: Json = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}
    page = [
        parameter("limit", "query", limit, "Entries a page."),
        parameter("cursor", "query", _TEXT, "The `next_cursor` of the page before."),
    ]
    return {
        "/v1/admin/accounts": {
            "get": _manage("List accounts", "listAccounts", "AccountList"),
            "post": _manage(
                "Make an account", "createAccount", "AccountEnvelope", body="NewAccount"
            ),
        },
        account: {
            "get": _manage("Show an account", "showAccount", "AccountEnvelope", of=[_ACCOUNT]),
            "patch": _manage(
                "Change an account",
                "editAccount",
                "AccountEnvelope",
                of=[_ACCOUNT],
                body="AccountChange",
            ),
        },
        f"{account}/credits": {
            "get": _manage(
                "List what moved an account's balance, newest first",
                "listEntries",
                "EntryPage",
                of=[_ACCOUNT, *page],
            ),
            "post": _manage(
                "Grant an account US dollars",
                "grantCredits",
                "AccountEnvelope",
                of=[_ACCOUNT],
                body="Grant",
            ),
        },
    }


def _key_paths() -> Json:
    key = "/v1/admin/keys/{key}"
    state: Json = {"type": "string", "enum": list(STATES)}
    wanted = [
        parameter("account", "query", _TEXT, "Only keys of this account, by id or name."),
        parameter("state", "query", state, "Only keys in this state."),
    ]
    of = [_KEY]
    return {
        "/v1/admin/me": {"get": _manage("Show the key that asks", "me", "MeEnvelope")},
        "/v1/admin/keys": {
            "get": _manage("List keys, newest first", "listKeys", "KeyList", of=wanted),
            "post": _manage(
                "Make a key; its token is shown this once",
                "createKey",
                "KeyEnvelope",
                body="NewKey",
            ),
        },
        key: {
            "get": _manage("Show a key", "showKey", "KeyEnvelope", of=of),
            "patch": _manage("Change a key", "editKey", "KeyEnvelope", of=of, body="KeyChange"),
            "delete": _manage("Revoke a key, for ever", "revokeKey", "KeyEnvelope", of=of),
        },
        f"{key}/rotate": {
            "post": _manage(
                "Give a key a new token; the old one stays valid for a while",
                "rotateKey",
                "KeyEnvelope",
                of=of,
                body="Rotation",
                needs_body=False,
            )
        },
        f"{key}/disable": {
            "post": _manage("Take a key out of use", "disableKey", "KeyEnvelope", of=of)
        },
        f"{key}/enable": {
            "post": _manage("Put a disabled key back into use", "enableKey", "KeyEnvelope", of=of)
        },
    }


def _overview_paths() -> Json:
    both: Json = {
        "description": "OK",
        "headers": DISPOSITION,
        "content": {
            "application/json": {"schema": ref("SummaryEnvelope")},
            "text/csv": {"schema": _TEXT},
        },
    }
    ago, whose = DAYS_DEFAULT - 1, "Only of this"
    groups = f"Any of {', '.join(f'`{group}`' for group in GROUPS)}, comma-separated."
    zone: Json = {"type": "string", "default": TIMEZONE_DEFAULT}
    formats: Json = {"type": "string", "enum": ["json", "csv"]}
    wanted = [
        parameter("start", "query", _DAY, f"First day; {ago} days before `end` when absent."),
        parameter("end", "query", _DAY, f"Last day; today when absent. Max {USAGE_DAYS_MAX} days."),
        parameter("timezone", "query", zone, "Whose days."),
        parameter("group_by", "query", _TEXT, groups),
        parameter("account", "query", _TEXT, f"{whose} account, by id or name."),
        parameter("key", "query", _TEXT, f"{whose} key, by id or name."),
        parameter("format", "query", formats, "`csv` for a table, as with `Accept: text/csv`."),
    ]
    return {
        "/v1/admin/usage": {
            "get": _manage(
                "Videos, seconds, spend and failures over accounts",
                "adminUsage",
                None,
                of=wanted,
                responses={"200": both},
            )
        },
        "/v1/admin/system": {
            "get": _manage(
                "Workers, queue, failures, webhooks and storage", "system", "SystemEnvelope"
            )
        },
    }


def _manage(
    summary: str,
    name: str,
    answer: str | None,
    *,
    of: Iterable[Json] = (),
    body: str | None = None,
    needs_body: bool = True,
    responses: Mapping[str, Json] | None = None,
) -> Json:
    errors = [404, *([413, 415] if body else [])]
    described = operation(summary, name, answer, parameters=of, responses=responses, errors=errors)
    if body:
        content: Json = {"application/json": {"schema": ref(body)}}
        described["requestBody"] = {"required": needs_body, "content": content}
    return described


def _body(fields: Json, *required: str) -> Json:
    schema: Json = {"type": "object", "properties": fields, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema
