"""Rows to nouns and back: the one conversion between each pair."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from filmgate.domain.account import Account
from filmgate.domain.api_key import ApiKey, Budget, KeyScope, Priority, Spent
from filmgate.domain.asset import Asset, AssetKind
from filmgate.domain.generation import Generation
from filmgate.domain.ledger import Balance, Entry, Movement
from filmgate.domain.purchase import Purchase, PurchaseState
from filmgate.domain.task import Failure, Status, Task
from filmgate.domain.webhook import Delivery, DeliveryState, Try

Row = dict[str, Any]


def task_from(row: Row) -> Task:
    """Return the task of a row."""
    failure = row["failure"]
    return Task(
        id=row["id"],
        account_id=row["account_id"],
        api_key_id=row["api_key_id"],
        generation=Generation(**row["generation"]),
        price_micro_usd=row["price_micro_usd"],
        rank=row["rank"],
        created_at=row["created_at"],
        status=Status(row["status"]),
        attempt=row["attempt"],
        crashes=row["crashes"],
        lease_until=row["lease_until"],
        worker=row["worker"],
        stage=row["stage"],
        progress=row["progress"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        actual_prompt=row["actual_prompt"],
        rewrite_note=row["rewrite_note"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        engine=row["engine"],
        engine_reason=row["engine_reason"],
        result_key=row["result_key"],
        result_bytes=row["result_bytes"],
        expires_at=row["expires_at"],
        failure=Failure(**failure) if failure else None,
    )


def submit_values(task: Task) -> Row:
    """Return what the submit statement needs of a new task."""
    return {
        "id": task.id,
        "account_id": task.account_id,
        "api_key_id": task.api_key_id,
        "model": task.generation.model,
        "generation": _json(task.generation),
        "price": task.price_micro_usd,
        "created_at": task.created_at,
    }


def ending_values(ended: Task) -> Row:
    """Return what the settle statement needs of an ended task."""
    return {
        "id": ended.id,
        "status": ended.status,
        "ended_at": ended.ended_at,
        "result_key": ended.result_key,
        "result_bytes": ended.result_bytes,
        "expires_at": ended.expires_at,
        "failure": _json(ended.failure) if ended.failure else None,
        "movement": "capture" if ended.status is Status.COMPLETED else "release",
    }


def key_from(row: Row) -> ApiKey:
    """Return the API key of a row."""
    previous, models, networks = row["previous_token_hash"], row["models"], row["networks"]
    return ApiKey(
        id=row["id"],
        account_id=row["account_id"],
        name=row["name"],
        token_hash=bytes(row["token_hash"]),
        prefix=row["prefix"],
        created_at=row["created_at"],
        scopes=frozenset(KeyScope(scope) for scope in row["scopes"]),
        models=None if models is None else frozenset(models),
        networks=None if networks is None else tuple(networks),
        requests_per_minute=row["requests_per_minute"],
        concurrent_tasks_max=row["concurrent_tasks_max"],
        queue_length_max=row["queue_length_max"],
        priority=Priority.of(row["priority"]),
        budget=Budget(
            day=row["budget_micro_usd_day"],
            month=row["budget_micro_usd_month"],
            total=row["budget_micro_usd_total"],
        ),
        expires_at=row["expires_at"],
        disabled_at=row["disabled_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
        last_used_address=row["last_used_address"],
        previous_token_hash=None if previous is None else bytes(previous),
        previous_until=row["previous_until"],
    )


def key_values(key: ApiKey) -> Row:
    """Return the columns of an API key that are written when it is made or edited."""
    return {
        "id": key.id,
        "account_id": key.account_id,
        "name": key.name,
        "token_hash": key.token_hash,
        "prefix": key.prefix,
        "created_at": key.created_at,
        "scopes": sorted(key.scopes),
        "models": None if key.models is None else sorted(key.models),
        "networks": None if key.networks is None else list(key.networks),
        "requests_per_minute": key.requests_per_minute,
        "concurrent_tasks_max": key.concurrent_tasks_max,
        "queue_length_max": key.queue_length_max,
        "priority": key.priority.number,
        "budget_micro_usd_day": key.budget.day,
        "budget_micro_usd_month": key.budget.month,
        "budget_micro_usd_total": key.budget.total,
        "expires_at": key.expires_at,
    }


def spent_from(row: Row) -> Spent:
    """Return what a key spends."""
    return Spent(day=row["day"], month=row["month"], total=row["total"])


def asset_from(row: Row) -> Asset:
    """Return the asset of a row."""
    fields: Row = {**row, "kind": AssetKind(row["kind"])}
    return Asset(**fields)


def purchase_from(row: Row) -> Purchase:
    """Return the purchase of a row."""
    fields: Row = {**row, "state": PurchaseState(row["state"])}
    return Purchase(**fields)


def delivery_from(row: Row) -> Delivery:
    """Return the webhook delivery of a row. Its log and body are there only if they were read."""
    body = row.get("body")
    return Delivery(
        id=row["id"],
        task_id=row["task_id"],
        account_id=row["account_id"],
        api_key_id=row["api_key_id"],
        base_url=row["base_url"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        round_attempts=row["round_attempts"],
        round_since=row["round_since"],
        next_at=row["next_at"],
        last_status=row["last_status"],
        last_error=row["last_error"],
        created_at=row["created_at"],
        delivered_at=row["delivered_at"],
        body=body.encode() if body is not None else None,
        log=tuple(try_from(tried) for tried in row.get("log") or ()),
    )


def try_from(row: Row) -> Try:
    """Return one line of a delivery's log from its JSON."""
    fields: Row = {**row, "at": datetime.fromisoformat(row["at"])}
    return Try(**fields)


def balance_from(row: Row) -> Balance:
    """Return the balance of an account's row."""
    return Balance(
        granted=row["granted"],
        available=row["available"],
        held=row["held"],
        captured=row["captured"],
        is_limited=row["is_limited"],
    )


def account_from(row: Row) -> Account:
    """Return the account of a row that counts its usable keys."""
    return Account(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        balance=balance_from(row),
        unfinished=row["unfinished"],
        usable_keys=row["usable_keys"],
        is_admin=row["is_admin"],
    )


def entry_from(row: Row) -> Entry:
    """Return the ledger entry of a row."""
    return Entry(
        account_id=row["account_id"],
        task_id=row["task_id"],
        movement=Movement(row["movement"]),
        amount_micro_usd=row["amount"],
        created_at=row["created_at"],
        note=row["note"],
        id=row["id"],
        api_key_id=row["api_key_id"],
        model=row["model"],
        seconds=row["seconds"],
    )


def _json(value: object) -> str:
    """A dataclass as JSON text; the statements cast it to jsonb."""
    return msgspec.json.encode(value).decode()
