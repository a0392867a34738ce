"""A gateway over a small store in memory, for tests of the gateway alone. It makes no films."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from filmgate.catalogue import load_models
from filmgate.domain.api_key import ApiKey, hash_token
from filmgate.domain.asset import Asset
from filmgate.domain.errors import LeaseLost
from filmgate.domain.forecast import FilmKind, Pace
from filmgate.domain.ids import AccountId, ApiKeyId, TaskId
from filmgate.domain.ledger import Balance
from filmgate.domain.task import Task
from filmgate.domain.usage import UsageFilter, UsageLine
from filmgate.gateway.app import DoorSettings, build_app
from filmgate.ports.preview import NewPreview, Preview
from filmgate.ports.queue import Outlook
from filmgate.ports.sessions import Session
from filmgate.ports.store import Submission
from filmgate.service.deps import Deps, Limits
from filmgate.service.upstream import Routes
from filmgate.service.watch import TaskWatch
from filmgate.storage.links import SignedLinks
from filmgate.storage.local import LocalStorage
from filmgate.store.sealing import AesGcmSealer

TOKEN = "fg_test"
OTHER_TOKEN = "fg_other"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SIMPLE = {"model": "wan2.5-preview", "prompt": "Sunset coastal highway, cinematic shot"}


class RoomClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class RoomEntropy:
    """Counts, so that ids rise."""

    def __init__(self) -> None:
        self.count = 0

    def bytes(self, count: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(count)


class RoomFetcher:
    """Lets every URL pass."""

    def check(self, url: str, *, param: str) -> None:
        return None


class RoomStore:
    """What the gateway's verbs ask of a store, in dictionaries."""

    def __init__(self) -> None:
        self.kept: dict[str, Task] = {}
        self.assets: dict[str, Asset] = {}
        self.sessions: dict[bytes, Session] = {}
        self.by_idempotency: dict[str, str] = {}
        self.submit_error: Exception | None = None
        self.ready = True
        self.balance_kept = Balance()
        self.captured = 0
        self.usage_lines: list[UsageLine] = []
        self.usage_asked: list[UsageFilter] = []
        self.reads = asyncio.Semaphore(0)
        """Released at every read of a task, so that a test can wait for one."""
        self._changed: asyncio.Queue[Any] = asyncio.Queue()
        self.previews: dict[str, Preview] = {}
        self._shown: asyncio.Queue[NewPreview] = asyncio.Queue()
        self.key_list = {
            hash_token(token): ApiKey(
                id=ApiKeyId(f"key_{name}"),
                account_id=AccountId(f"acct_{name}"),
                name=name,
                token_hash=hash_token(token),
                prefix=token[:4],
                created_at=NOW,
                last_used_at=NOW,
            )
            for token, name in ((TOKEN, "one"), (OTHER_TOKEN, "two"))
        }

    async def key_by_hash(self, token_hash: bytes) -> ApiKey | None:
        return self.key_list.get(token_hash)

    async def touch_key(self, key_id: str, *, at: datetime, address: str | None = None) -> None:
        return None

    async def add_session(self, session: Session) -> None:
        self.sessions[session.token_hash] = session

    async def session(self, token_hash: bytes) -> Session | None:
        return self.sessions.get(token_hash)

    async def forget_session(self, token_hash: bytes) -> None:
        self.sessions.pop(token_hash, None)

    async def submit(self, task: Task, *, idempotency: Any, unfinished_max: int) -> Submission:
        if self.submit_error is not None:
            raise self.submit_error
        if idempotency is not None and idempotency.key in self.by_idempotency:
            return Submission(task_id=self.by_idempotency[idempotency.key], is_replayed=True)
        self.kept[task.id] = task
        if idempotency is not None:
            self.by_idempotency[idempotency.key] = task.id
        return Submission(task_id=task.id)

    async def task(self, task_id: str) -> Task | None:
        self.reads.release()
        return self.kept.get(task_id)

    async def tasks(self, wanted: Any) -> list[Task]:
        mine = [t for t in self.kept.values() if t.account_id == wanted.account_id]
        mine = [t for t in mine if wanted.before is None or t.id < wanted.before]
        mine = [t for t in mine if wanted.status in (None, t.status)]
        return sorted(mine, key=lambda t: t.id, reverse=True)[: wanted.limit]

    async def task_window(self, wanted: Any) -> tuple[list[Task], int]:
        found = [
            task
            for task in sorted(self.kept.values(), key=lambda t: t.id, reverse=True)
            if task.account_id == wanted.account_id
            and wanted.after < task.id < wanted.before
            and wanted.status in (None, task.status)
            and wanted.model in (None, task.generation.model)
            and wanted.has_picture in (None, task.generation.is_image_to_video)
            and wanted.api_key_id in (None, task.api_key_id)
        ]
        return found[wanted.offset :][: wanted.limit], len(found)

    async def outlooks(self, task_ids: Sequence[str]) -> dict[str, Outlook]:
        return {task_id: Outlook(line_ahead=0) for task_id in task_ids}

    async def pace(self) -> Pace:
        kinds = {FilmKind("wan2.5-preview", f"{p}p", s) for p in (480, 720, 1080) for s in (5, 10)}
        return Pace(make_s=dict.fromkeys(kinds, 20.0))

    async def settle(self, ended: Task, *, attempt: int | None) -> None:
        if self.kept[ended.id].is_final:
            raise LeaseLost("ended")
        self.change(ended)

    async def count_unfinished(self) -> int:
        return sum(not task.is_final for task in self.kept.values())

    async def balance(self, account_id: str) -> Balance:
        return self.balance_kept

    async def captured_by_key(self, api_key_id: str) -> int:
        return self.captured

    async def usage(self, wanted: UsageFilter) -> list[UsageLine]:
        self.usage_asked.append(wanted)
        return self.usage_lines

    async def is_ready(self) -> bool:
        return self.ready

    async def add_asset(self, asset: Asset) -> None:
        self.assets[asset.key] = asset

    async def asset(self, key: str) -> Asset | None:
        return self.assets.get(key)

    async def forget_asset(self, key: str) -> None:
        self.assets.pop(key, None)

    async def changes(self) -> AsyncIterator[str | None]:
        while True:
            yield await self._changed.get()

    async def preview(self, task_id: str) -> Preview | None:
        return self.previews.get(task_id)

    async def preview_number(self, task_id: str) -> int:
        return self.previews[task_id].number if task_id in self.previews else 0

    async def new_previews(self) -> AsyncIterator[NewPreview]:
        while True:
            yield await self._shown.get()

    def show(self, task_id: str, jpeg: bytes) -> None:
        """Write the next picture of a task and tell whoever listens."""
        number = self.previews[task_id].number + 1 if task_id in self.previews else 1
        self.previews[task_id] = Preview(number=number, jpeg=jpeg)
        self._shown.put_nowait(NewPreview(task_id=TaskId(task_id), number=number))

    def change(self, task: Task) -> None:
        """Write a task and tell whoever listens."""
        self.kept[task.id] = task
        self._changed.put_nowait(task.id)


class Room:
    """A gateway, a client of it, and what stands behind it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.store = RoomStore()
        self.clock = RoomClock()
        self.storage = LocalStorage(folder)
        self.links = SignedLinks(b"s" * 32)
        self.deps = Deps(
            store=self.store,  # type: ignore[arg-type]
            storage=self.storage,
            links=self.links,
            fetcher=RoomFetcher(),  # type: ignore[arg-type]
            sealer=AesGcmSealer(base64.b64encode(b"k" * 32).decode()),
            rewriter=None,  # type: ignore[arg-type]
            clock=self.clock,
            entropy=RoomEntropy(),
            models=load_models(),
            limits=Limits(
                image_bytes_max=2**20,
                audio_bytes_max=2**20,
                key_queue_length_max=100,
                queue_length_max=1000,
                inputs_timeout_s=1,
                make_timeout_s=1,
                finish_timeout_s=1,
                engine_wait_s=1,
                upstream_timeout_s=1,
                upstream_film_bytes_max=2**20,
                queue_timeout_s=1,
                crashes_max=1,
                lease_s=1,
                result_ttl_s=86400,
                upload_ttl_s=3600,
                task_ttl_d=1,
            ),
            routes=Routes.to("draft"),
        )
        self.settings = DoorSettings(
            version="9.9.9", **{"image_bytes_max": 2**20, "audio_bytes_max": 2**20} | settings
        )
        self.watch = TaskWatch(self.store)  # type: ignore[arg-type]
        self.app = build_app(self.deps, self.settings, self.watch)

    def client(self, *, token: str | None = TOKEN, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A client that speaks to the app without a socket. Errors are answers, never raised."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            transport=transport, base_url="http://films.example", headers=headers
        )

    async def completed(self, task_id: str, *, film: bytes = b"film") -> Task:
        """End a task with a film in storage."""

        async def chunks() -> AsyncIterator[bytes]:
            yield film

        task = replace(self.store.kept[task_id], attempt=1)
        key = f"results/{task_id}/1/film.mp4"
        ended = task.completed(
            attempt=1, key=key, size_bytes=len(film), at=NOW + timedelta(seconds=19), ttl_s=86400
        )
        ended = replace(ended, engine="draft", width_px=1280, height_px=720)
        await self.storage.put_stream(key, chunks(), size_bytes_max=10**9)
        self.store.assets[key] = film_asset(ended, len(film))
        self.store.change(ended)
        return ended


def film_asset(task: Task, size_bytes: int) -> Asset:
    """The record of a task's film."""
    from filmgate.domain.asset import AssetKind

    assert task.result_key is not None
    return Asset(
        key=task.result_key,
        kind=AssetKind.RESULT,
        account_id=task.account_id,
        task_id=task.id,
        content_type="video/mp4",
        size_bytes=size_bytes,
        filename=f"{task.id}.mp4",
        created_at=NOW,
        expires_at=task.expires_at,
    )
