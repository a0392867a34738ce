"""The `openai` package as a receiver of webhooks: `client.webhooks.unwrap`, unmodified."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from clients.conftest import HOOKS_HOST, Site
from filmgate.testing.web import SeenRequest, WebServer, answer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SMALL = {"resolution": "480p"}
RECEIVED_S = 60


def receiver(site: Site) -> openai.AsyncOpenAI:
    """A client that knows the secret of its key, as OPENAI_WEBHOOK_SECRET would tell it."""
    secret = site.server.http.get("/v1/webhooks/secret").json()["data"]["secret"]
    return openai.AsyncOpenAI(
        base_url=f"{site.url}/v1", api_key=site.token, webhook_secret=secret, max_retries=0
    )


async def received(web: WebServer, count: int) -> list[SeenRequest]:
    async with asyncio.timeout(RECEIVED_S):
        while True:
            if len(web.requests) >= count:
                return web.requests
            await asyncio.sleep(0.02)


async def test_unwrap_gives_the_event_of_a_videos_end(site):
    async with WebServer() as web, receiver(site) as client:
        web.route("/videos/callback", answer(b"thanks"))
        hook = {**SMALL, "webhook": web.url("/videos", host=HOOKS_HOST)}
        ended = {}
        for prompt in ("a road", "[fail] a road"):
            made = await client.videos.create(prompt=prompt, extra_body=hook)
            ended[made.id] = await client.videos.poll(made.id)
        remix = await client.videos.remix(next(iter(ended)), prompt="a lake")
        ended[remix.id] = await client.videos.poll(remix.id)
        events = [
            client.webhooks.unwrap(request.body, request.headers)
            for request in await received(web, 3)
        ]
    told = {event.data.id: event for event in events}
    assert told.keys() == ended.keys()
    for video in ended.values():
        event = told[video.id]
        assert event.object == "event"
        assert event.id.startswith("evt_")
        assert event.type == f"video.{video.status}"
        assert video.completed_at in {None, event.created_at}
    assert sorted(event.type for event in events) == [
        "video.completed",
        "video.completed",
        "video.failed",
    ]
    assert len({event.id for event in events}) == 3


async def test_unwrap_refuses_what_was_changed_or_signed_by_another(site):
    async with WebServer() as web, receiver(site) as client:
        web.route("/videos/callback", answer(b"thanks"))
        hook = {**SMALL, "webhook": web.url("/videos", host=HOOKS_HOST)}
        await client.videos.create(prompt="a road", extra_body=hook)
        (request,) = await received(web, 1)
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(request.body + b" ", request.headers)
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(request.body, request.headers, secret="whsec_c3RyYW5nZXI=")


async def test_a_task_of_another_door_is_told_as_that_door_says_it(site):
    async with WebServer() as web, receiver(site) as client:
        web.route("/videos/callback", answer(b"thanks"))
        hook = web.url("/videos", host=HOOKS_HOST)
        task_id = site.server.submit({"prompt": "a road", **SMALL, "webhook": hook})
        (request,) = await received(web, 1)
        client.webhooks.verify_signature(request.body, request.headers)
    told = json.loads(request.body)
    assert (told["id"], told["status"]) == (task_id, "completed")
