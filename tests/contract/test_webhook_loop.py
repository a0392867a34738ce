"""The loop that delivers, on real PostgreSQL with a receiver of the test's own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from contract.test_store_webhooks import deliveries, ended
from filmgate.gateway.wire import encoded_task
from filmgate.ports.webhook import Posted
from filmgate.service.deliver_webhook import Postman
from filmgate.service.manage_webhooks import webhook_secret
from filmgate.store.sealing import AesGcmSealer
from filmgate.worker.webhooks import WebhookLimits, WebhookLoop
from gateway_room import Room
from kept_tasks import new_key


class TrueClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Receiver:
    """A Sender that answers 200, once it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.posts: list[str] = []
        self.running = 0
        self.running_most = 0

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Posted:
        self.posts.append(headers["webhook-id"])
        self.running += 1
        self.running_most = max(self.running, self.running_most)
        await self.may_answer.wait()
        self.running -= 1
        return Posted(status=200, error=None, took_ms=1)


@asynccontextmanager
async def delivering(store, folder, receiver: Receiver, *, render=None, **changes):
    room = Room(folder)
    deps = replace(room.deps, store=store, clock=TrueClock(), **changes)
    postman = Postman(
        deps=deps,
        sender=receiver,
        render=render or (lambda view: encoded_task(view, link_of=lambda key, at: key)),
        first_retry_s=5,
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(WebhookLoop(postman, WebhookLimits()).run())
        yield deps
        running.cancel()


async def all_in(store, *states: str) -> list:
    """Wait until every delivery has been tried and is in one of the states."""
    async with asyncio.timeout(20):
        while True:
            found = await deliveries(store)
            if all(d.log and d.state in states for d in found):
                return found
            await asyncio.sleep(0.02)


async def test_sixteen_run_at_a_time_and_two_of_one_receiver(store, tmp_path):
    key, receiver = await new_key(store), Receiver()
    receiver.may_answer.clear()
    for index in range(20):
        await ended(store, key, webhook=f"https://r{index // 2}.example")
    for _ in range(3):
        await ended(store, key, webhook="https://r0.example")
    async with delivering(store, tmp_path, receiver):
        async with asyncio.timeout(20):
            while True:
                if receiver.running == 16:
                    break
                await asyncio.sleep(0.01)
        receiver.may_answer.set()
        await all_in(store, "delivered")
    assert receiver.running_most == 16
    assert len(receiver.posts) == len(set(receiver.posts)) == 23


async def test_a_fault_of_ours_in_one_delivery_is_recorded_and_ends_no_other(store, tmp_path):
    key, receiver = await new_key(store), Receiver()
    broken = await ended(store, key, webhook="https://a.example")
    sound = await ended(store, key, webhook="https://b.example")

    def render(view):
        if view.task.id == broken.id:
            raise ZeroDivisionError
        return b"{}"

    async with delivering(store, tmp_path, receiver, render=render):
        found = {d.task_id: d for d in await all_in(store, "pending", "delivered")}
    assert found[sound.id].state == "delivered"
    assert found[broken.id].state == "pending"
    assert found[broken.id].last_error.startswith("an internal error")


async def test_an_unreadable_secret_posts_nothing_and_is_told_in_the_log(store, tmp_path):
    key, receiver = await new_key(store), Receiver()
    other = AesGcmSealer(base64.b64encode(b"o" * 32).decode())
    await webhook_secret(key.id, deps=replace(Room(tmp_path).deps, store=store, sealer=other))
    await ended(store, key)
    async with delivering(store, tmp_path, receiver):
        [delivery] = await all_in(store, "pending")
    assert receiver.posts == []
    assert "another seal key" in delivery.last_error
