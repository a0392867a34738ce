"""Accept a request: check everything, then hold its price, insert the task and enqueue it in one
transaction.

    body → model's rules → its own inputs into storage → ONE transaction → task id

Nothing is charged, stored or queued for a request that breaks a rule.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

from filmgate.domain.api_key import ApiKey
from filmgate.domain.asset import Asset, AssetKind, input_key, reference, referenced_key
from filmgate.domain.content_type import IMAGE_TYPES, SNIFF_BYTES, described, sniff
from filmgate.domain.data_uri import parse_data_uri
from filmgate.domain.errors import BrokenRule, CallerError, Forbidden, InvalidFields, QueueFull
from filmgate.domain.field_rule import shown
from filmgate.domain.generation import Generation
from filmgate.domain.idempotency import body_digest, check_idempotency_key
from filmgate.domain.ids import ENTROPY_BYTES, TaskId, task_id
from filmgate.domain.model import Model
from filmgate.domain.task import Task
from filmgate.ports.store import IdempotencyKey, Submission
from filmgate.service.deps import Deps
from filmgate.service.forecast import retry_after_s

SEED_BITS = 63
UNKNOWN_TYPE = "application/octet-stream"
"""Of inputs that were fetched: decoding tells what they are."""
GAUGE_S = 1.0
INPUTS = "inputs/"


async def submit_task(
    body: Mapping[str, object],
    *,
    key: ApiKey,
    idempotency_key: str | None,
    deps: Deps,
    remixed_from: TaskId | None = None,
    is_told_as_event: bool = False,
) -> Submission:
    """Accept what the body asks for, for the key's account.

    Raises InvalidFields, InvalidRequest, Forbidden, InsufficientCredits, BudgetSpent, QueueFull,
    IdempotencyKeyReused, IdempotencyInProgress, OutcomeUnknown, DatabaseAway, StorageFailed.
    """
    model = find_model(body, deps.models, key=key)
    generation = model.accept(
        body, draw_seed=lambda: _draw_seed(deps), also_broken=_broken_urls(body, model, deps)
    )
    await _check_own_files(generation, deps)
    idempotency = None
    if idempotency_key is not None:
        idempotency = IdempotencyKey(
            key=check_idempotency_key(idempotency_key), body_hash=body_digest(body)
        )
    await _check_room(deps)
    created_at = deps.clock.now()
    new_id = task_id(created_at, deps.entropy.bytes(ENTROPY_BYTES))
    stored = await _store_data_uri(generation, new_id, key, deps)
    own = _with_own_files(stored or generation, deps)
    own = await _with_own_inputs(own, new_id, key, deps)
    has_inputs = own.image == reference(input_key(new_id, "image_urls")) or (
        own.audio == reference(input_key(new_id, "audio_url"))
    )
    task = Task(
        id=new_id,
        account_id=key.account_id,
        api_key_id=key.id,
        generation=replace(own, remixed_from=remixed_from, is_told_as_event=is_told_as_event),
        price_micro_usd=model.price_micro_usd(generation),
        created_at=created_at,
    )
    try:
        submission = await deps.store.submit(
            task, idempotency=idempotency, unfinished_max=deps.limits.key_queue_length_max
        )
    except CallerError:
        if has_inputs:
            await _forget_inputs(new_id, deps)
        raise
    if not submission.is_replayed:
        deps.queue_gauge.unfinished += 1
    elif has_inputs:
        await _forget_inputs(new_id, deps)
    return submission


def find_model(
    body: Mapping[str, object], models: Mapping[str, Model], *, key: ApiKey | None = None
) -> Model:
    """Return the model that the body names. Raises InvalidFields that lists those that are known,
    to this key if there is one; Forbidden if the key may not use it.
    """
    asked = body.get("model")
    known = ", ".join(model for model in models if key is None or key.may_use(model))
    if isinstance(asked, str) and asked in models:
        if key is not None and not key.may_use(asked):
            message = f"this API key may not use the model {asked}; it may use {known or 'none'}"
            raise Forbidden(message, param="model")
        return models[asked]
    if "model" not in body:
        message = f"model is required; known are {known}"
    elif not isinstance(asked, str):
        message = f"model must be a string, got {shown(asked)}; known are {known}"
    else:
        message = f"model {shown(asked)} is not known; known are {known}"
    raise InvalidFields([BrokenRule("model", message)])


async def _check_room(deps: Deps) -> None:
    """Refuse when the whole server's queue is full: as it was within the last second, and what this
    process let in since.

    The exact limit is the key's, kept by the submit statement.
    """
    gauge, now = deps.queue_gauge, deps.clock.now()
    if gauge.read_at is None or (now - gauge.read_at).total_seconds() > GAUGE_S:
        gauge.read_at = now
        gauge.unfinished = await deps.store.count_unfinished()
    if gauge.unfinished >= deps.limits.queue_length_max:
        raise QueueFull(
            f"the server keeps at most {deps.limits.queue_length_max:,} unfinished tasks;"
            " try again later",
            retry_after_s=await retry_after_s(deps=deps),
        )


def _draw_seed(deps: Deps) -> int:
    return int.from_bytes(deps.entropy.bytes(8)) >> (64 - SEED_BITS)


def _broken_urls(body: Mapping[str, object], model: Model, deps: Deps) -> list[BrokenRule]:
    """What can be told without a network of the URLs that are URLs as the model's rules have it."""
    broken: list[BrokenRule] = []
    for param in ("image_urls", "audio_url", "webhook"):
        given = body.get(param)
        if given is None or param not in model.fields or model.fields[param].broken_by(given):
            continue
        for url in cast("list[str]", given if isinstance(given, list) else [given]):
            is_own = param != "webhook" and deps.links.key_of(url) is not None
            if url[:5].lower() == "data:" or is_own:
                continue
            try:
                deps.fetcher.check(url, param=param)
            except InvalidFields as refused:
                broken += refused.broken
    return broken


async def _check_own_files(generation: Generation, deps: Deps) -> None:
    """Refuse links of this server that lead to nothing any more, or to a file of another kind."""
    for url, param, kind in (
        (generation.image, "image_urls", "image"),
        (generation.audio, "audio_url", "audio"),
    ):
        key = deps.links.key_of(url) if url else None
        if key is None:
            continue
        asset = await deps.store.asset(key)
        if asset is None or (asset.expires_at is not None and asset.expires_at <= deps.clock.now()):
            rule = f"{param} must be a link that has not expired; upload the file again"
            raise InvalidFields([BrokenRule(param, rule)])
        if not asset.content_type.startswith((f"{kind}/", UNKNOWN_TYPE)):
            rule = f"{param} must be a link to an {kind} file, it leads to {asset.content_type}"
            raise InvalidFields([BrokenRule(param, rule)])


def _with_own_files(generation: Generation, deps: Deps) -> Generation:
    """Links of this server become references to the stored files: they are read straight
    from storage.
    """

    def own(url: str | None) -> str | None:
        key = deps.links.key_of(url) if url else None
        return reference(key) if key else url

    return replace(generation, image=own(generation.image), audio=own(generation.audio))


async def _store_data_uri(
    generation: Generation, new_id: TaskId, key: ApiKey, deps: Deps
) -> Generation | None:
    image = generation.image
    if image is None or image[:5].lower() != "data:":
        return None
    content_type, data = parse_data_uri(
        image, param="image_urls", kinds=("image",), size_bytes_max=deps.limits.image_bytes_max
    )
    if sniff(data[:SNIFF_BYTES]) not in IMAGE_TYPES:
        rule = f"image_urls must be a JPEG, PNG, WebP, BMP or GIF, got {described(data[:4096])}"
        raise InvalidFields([BrokenRule("image_urls", rule)])
    storage_key = input_key(new_id, "image_urls")

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    await deps.store.add_asset(
        Asset(
            key=storage_key,
            kind=AssetKind.INPUT,
            account_id=key.account_id,
            task_id=new_id,
            content_type=content_type,
            size_bytes=len(data),
            filename="image",
            created_at=deps.clock.now(),
            expires_at=None,
        )
    )
    await deps.storage.put_stream(storage_key, chunks(), size_bytes_max=deps.limits.image_bytes_max)
    return replace(generation, image=reference(storage_key))


async def _with_own_inputs(
    generation: Generation, new_id: TaskId, key: ApiKey, deps: Deps
) -> Generation:
    """Copy inputs that belong to another task: a task's inputs live and die with it."""
    image = await _own_input(generation.image, "image_urls", new_id, key, deps)
    audio = await _own_input(generation.audio, "audio_url", new_id, key, deps)
    return replace(generation, image=image, audio=audio)


async def _own_input(
    source: str | None, param: str, new_id: TaskId, key: ApiKey, deps: Deps
) -> str | None:
    theirs = referenced_key(source) if source else None
    mine = input_key(new_id, param)
    if theirs is None or not theirs.startswith(INPUTS) or theirs == mine:
        return source
    record, stored = await deps.store.asset(theirs), await deps.storage.head(theirs)
    if record is None or stored is None:
        message = f"the file that {param} named for the other task has expired; give it again"
        raise InvalidFields([BrokenRule(param, message)])
    now = deps.clock.now()
    copy = replace(
        record,
        key=mine,
        account_id=key.account_id,
        task_id=new_id,
        size_bytes=stored.size_bytes,
        created_at=now,
        expires_at=now + timedelta(seconds=deps.limits.queue_timeout_s),
    )
    await deps.store.add_asset(copy)
    await deps.storage.put_stream(mine, deps.storage.read(theirs), size_bytes_max=stored.size_bytes)
    return reference(mine)


async def _forget_inputs(new_id: TaskId, deps: Deps) -> None:
    for param in ("image_urls", "audio_url"):
        storage_key = input_key(new_id, param)
        await deps.storage.delete(storage_key)
        await deps.store.forget_asset(storage_key)
