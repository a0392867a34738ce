"""The `openai` package, unmodified, against the real server: every call of client.videos."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import openai
import pytest
from openai.resources.videos import AsyncVideos, Videos
from PIL import Image

from clients.compatibility import table_of
from clients.conftest import Site
from filmgate.config import Settings
from filmgate.domain.errors import ConfigError, DatabaseAway, InsufficientCredits, QueueFull
from filmgate.media.probe import probe_film
from filmgate.service import watch
from gateway_room import OTHER_TOKEN, TOKEN, Room, RoomStore

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SMALL = {"resolution": "480p"}
NO_SUCH = "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.token, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(site: Site) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{site.url}/v1", api_key=site.token) as client:
        yield client


@pytest.fixture(scope="module")
def film(client: openai.OpenAI):
    """One completed video, made from nothing but a prompt."""
    return client.videos.create_and_poll(prompt="Sunset coastal highway", extra_body=SMALL)


# ---- create


def test_code_written_for_sora_makes_a_video(film):
    assert film.status == "completed"
    assert (film.object, film.progress, film.error) == ("video", 100, None)
    assert film.model == "wan2.5-preview"
    assert (film.seconds, film.size) == ("5", "480x832")
    assert film.prompt == "Sunset coastal highway"
    assert film.created_at <= film.completed_at < film.expires_at
    assert film.remixed_from_video_id is None


def test_a_new_video_is_queued_and_says_when_to_ask_again(client):
    raw = client.videos.with_raw_response.create(prompt="[slow] a road", extra_body=SMALL)
    made = raw.parse()
    try:
        assert made.id.startswith("task_")
        assert made.status in {"queued", "in_progress"}
        assert (made.completed_at, made.expires_at, made.error) == (None, None, None)
        assert 250 <= int(raw.headers["openai-poll-after-ms"]) <= 5000
        assert raw.headers["x-request-id"]
    finally:
        client.videos.delete(made.id)


def test_a_file_of_a_picture_sets_the_shape(client, picture, tmp_path):
    made = client.videos.create_and_poll(
        prompt="Slow pan",
        model="sora-2-pro",
        seconds="4",
        size="720x1280",
        input_reference=("start.png", picture, "image/png"),
        extra_body={
            **SMALL,
            "seed": 12345,
            "negative_prompt": "rain",
            "prompt_extend": False,
            "watermark": True,
        },
    )
    assert made.status == "completed", made.error
    assert (made.size, made.seconds, made.seed) == ("832x480", "5", 12345)
    found = probe_film(_saved(client, made.id, tmp_path / "film.mp4"))
    assert (found.width_px, found.height_px, found.frame_count) == (832, 480, 120)


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({"size": "1280x720", "seconds": "4"}, ("1280x720", "5")),
        ({"size": "720x1280", "seconds": "8"}, ("720x1280", "10")),
        ({"size": "1792x1024", "seconds": "12"}, ("1920x1080", "10")),
        ({"size": "1024x1792", "seconds": "5"}, ("1080x1920", "5")),
        ({"size": "1024x1024", "seconds": "10"}, ("1440x1440", "10")),
        ({"size": "640x480"}, ("1088x832", "5")),
        ({"size": "854x480", "extra_body": SMALL}, ("832x480", "5")),
        ({"size": "1920x1080", "extra_body": {"resolution": "720p"}}, ("1280x720", "5")),
        ({"size": "16:9", "extra_body": SMALL}, ("832x480", "5")),
        ({"extra_body": {"duration": 10}}, ("720x1280", "10")),
        ({"extra_body": {"width": 1280, "height": 720, "num_frames": 121, "fps": 24}}, None),
        ({"size": "1280x720", "extra_body": {"num_frames": 81, "fps": 16}}, None),
        ({"size": "1280x720", "extra_body": {"extra_params": {"seed": 7}}}, None),
    ],
)
def test_sizes_and_lengths_become_the_nearest_that_the_model_has(client, asked, made):
    video = client.videos.create(prompt="a road", **asked)
    client.videos.delete(video.id)
    assert (video.size, video.seconds) == (made or ("1280x720", "5"))


@pytest.mark.parametrize("name", ["input_reference", "reference_url"])
def test_json_is_taken_as_well_as_a_form(site, picture, name):
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    body = {
        "model": "sora-2-2025-10-06",
        "prompt": "a road",
        "seconds": 4,
        "size": None,
        "resolution": "480p",
        name: {"image_url": url} if name == "input_reference" else url,
    }
    answer = site.server.http.post("/v1/videos", json=body)
    assert answer.status_code == 200, answer.text
    assert site.server.http.delete(f"/v1/videos/{answer.json()['id']}").status_code == 200


def test_an_idempotency_key_makes_one_video_of_two_calls(client, picture):
    asked = {
        "prompt": "once",
        "input_reference": ("a.png", picture, "image/png"),
        "extra_body": SMALL,
        "extra_headers": {"Idempotency-Key": "one-picture"},
    }
    first = client.videos.create(**asked)
    again = client.videos.with_raw_response.create(**asked)
    assert again.parse().id == first.id
    assert again.headers["idempotency-replayed"] == "true"
    with pytest.raises(openai.ConflictError) as caught:
        client.videos.create(**{**asked, "prompt": "twice"})
    assert caught.value.code == "idempotency_key_reused"
    client.videos.delete(first.id)


def test_a_video_is_visible_at_the_other_door_and_the_other_way_round(client, site, film):
    assert site.server.task(film.id)["status"] == "completed"
    task_id = site.server.submit({"prompt": "a road", "resolution": "480p"})
    assert client.videos.poll(task_id).status == "completed"


# ---- retrieve, list


def test_a_failed_video_says_why_and_raises_nothing(client):
    failed = client.videos.create_and_poll(
        prompt="[fail]", extra_body={**SMALL, "prompt_extend": False}
    )
    assert failed.status == "failed"
    assert failed.error.code == "engine_failed"
    assert failed.error.message
    assert failed.completed_at is None
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content(failed.id)


def test_a_cancelled_video_has_failed(client, site):
    made = client.videos.create(prompt="[slow] a road", extra_body=SMALL)
    assert site.server.http.post(f"/v1/tasks/{made.id}/cancel").status_code == 200
    seen = client.videos.retrieve(made.id)
    assert (seen.status, seen.error.code) == ("failed", "cancelled")


def test_pages_run_through_all_videos_in_both_orders(client):
    ids = [video.id for video in client.videos.list()]
    more = [client.videos.create(prompt=f"{n}", extra_body=SMALL).id for n in range(3)]
    expected = [*sorted(more, reverse=True), *ids]
    assert [video.id for video in client.videos.list(limit=2)] == expected
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == expected[::-1]
    page = client.videos.list(limit=1)
    assert (page.has_more, page.last_id, len(page.data)) == (True, expected[0], 1)
    assert page.first_id == expected[0]
    after = client.videos.list(after=expected[-1])
    assert (after.data, after.has_more) == ([], False)
    for made in more:
        client.videos.delete(made)


# ---- content


def test_every_variant_can_be_downloaded(client, film, tmp_path):
    found = probe_film(_saved(client, film.id, tmp_path / "film.mp4"))
    assert (found.width_px, found.height_px, found.frame_count) == (480, 832, 120)
    for variant in ("thumbnail", "spritesheet"):
        still = client.videos.download_content(film.id, variant=variant)
        assert still.response.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(still.read())).format == "JPEG"


def test_a_download_may_be_streamed_and_resumed(client, film, site):
    whole = client.videos.download_content(film.id).read()
    with client.videos.with_streaming_response.download_content(film.id) as streamed:
        assert b"".join(streamed.iter_bytes()) == whole
    part = client.videos.download_content(film.id, extra_headers={"Range": "bytes=100-199"})
    assert part.response.status_code == 206
    assert part.read() == whole[100:200]
    head = site.server.http.head(f"/v1/videos/{film.id}/content")
    assert int(head.headers["content-length"]) == len(whole)


# ---- remix, delete


def test_a_remix_keeps_all_but_the_prompt(client, picture):
    source = client.videos.create_and_poll(
        prompt="a road",
        input_reference=("a.png", picture, "image/png"),
        extra_body={**SMALL, "seed": 99},
    )
    remix = client.videos.remix(source.id, prompt="a road at night")
    assert remix.remixed_from_video_id == source.id
    assert (remix.prompt, remix.seed) == ("a road at night", 99)
    client.videos.delete(source.id)  # its picture lives on as the remix's own
    remix = client.videos.poll(remix.id)
    assert remix.status == "completed", remix.error
    assert (remix.size, remix.seconds) == (source.size, source.seconds)
    client.videos.delete(remix.id)


def test_a_remix_takes_another_seed_and_other_fields(client, film):
    other = {"seed": 4242, "size": "1280x720", "watermark": True}
    remix = client.videos.remix(film.id, prompt="a road at noon", extra_body=other)
    client.videos.delete(remix.id)
    assert (remix.seed, remix.size, remix.seconds) == (4242, "1280x720", film.seconds)


def test_a_deleted_video_is_gone_with_its_files(client, site):
    made = client.videos.create_and_poll(prompt="a road", extra_body=SMALL)
    link = site.server.task(made.id)["result"]["videos"][0]["url"][0]
    assert site.server.http.head(link).status_code == 200
    gone = client.videos.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.videos.delete(made.id)
    assert site.server.http.head(link).status_code == 410
    assert made.id not in [video.id for video in client.videos.list()]
    assert not list(site.server.data.glob(f"files/*/{made.id}/**/*"))


def test_an_unfinished_video_is_cancelled_by_deleting_it(client, site):
    made = client.videos.create(prompt="[slow] a road", extra_body=SMALL)
    assert client.videos.delete(made.id).deleted
    assert site.server.http.get(f"/v1/tasks/{made.id}").status_code == 400


def test_delete_of_the_tasks_path_erases_too(client, site):
    task_id = site.server.submit({"prompt": "a road", "resolution": "480p"})
    answer = site.server.http.delete(f"/v1/tasks/{task_id}")
    assert answer.json() == {"code": 200, "data": {"id": task_id, "deleted": True}}
    assert site.server.http.delete(f"/v1/tasks/{task_id}").status_code == 400


# ---- errors


@pytest.mark.parametrize(
    ("asked", "param", "message"),
    [
        ({"prompt": " "}, "prompt", "must not be blank"),
        ({"prompt": "a" * 5001}, "prompt", "at most 5,000 characters, got 5,001"),
        ({"model": "sora-9"}, "model", '"sora-9" is not known'),
        (
            {"seconds": "30"},
            "seconds",
            'seconds must be 4 to 15, of which 5 or 10 is made, got "30"',
        ),
        ({"seconds": "x"}, "seconds", 'got "x"'),
        ({"size": "big"}, "size", 'such as 1280x720, got "big"'),
        ({"size": "3000x300"}, "size", "must be near one of"),
        ({"extra_body": {"resolution": "4k"}}, "resolution", '480p, 720p or 1080p, got "4k"'),
        ({"extra_body": {"seed": -1}}, "seed", "seed must be 0 or more, got -1"),
        ({"extra_body": {"seed": "x"}}, "seed", 'seed must be an integer, got "x"'),
        ({"extra_body": {"watermark": "yes"}}, "watermark", "must be true or false"),
        ({"extra_body": {"seed": "١"}}, "seed", 'must be an integer, got "١"'),
        ({"seconds": "٥"}, "seconds", 'got "٥"'),
        ({"extra_body": {"duration": 7}}, "duration", "5 or 10 seconds, got 7"),
        ({"seconds": "4", "extra_body": {"duration": 5}}, "seconds", "give one of"),
        ({"extra_body": {"num_inference_steps": "many"}}, "num_inference_steps", "a number"),
        ({"extra_body": {"guidance_scale": "x"}}, "guidance_scale", 'a number, got "x"'),
        ({"extra_body": {"num_frames": 49}}, "num_frames", "must be near 120 or 240 at 24 fps"),
        ({"extra_body": {"num_frames": 81, "fps": 0}}, "num_frames", 'got "81" at "0"; or send'),
        ({"extra_body": {"num_frames": 81, "seconds": 5}}, "seconds", "give one of"),
        ({"extra_body": {"fps": "fast"}}, "fps", "fps must be a number"),
        ({"extra_body": {"extra_params": "no"}}, "extra_params", "a JSON object"),
        (
            {"extra_body": {"extra_params": '{"seed":1,"seed":2}'}},
            "extra_params",
            "a JSON object",
        ),
        ({"extra_body": {"extra_params": {"shift": 3}}}, "shift", "is not a field"),
        ({"extra_body": {"colour": "red"}}, "colour", "is not a field of wan2.5-preview"),
        ({"input_reference": b"no picture"}, "input_reference", "must be a JPEG, PNG"),
        ({"extra_body": {"image_urls": ["http://127.0.0.1/a"]}}, "image_urls", "127.0.0.1"),
        ({"extra_body": {"webhook": "x"}}, "webhook", "http(s) URL"),
    ],
)
def test_a_broken_rule_is_a_bad_request_that_says_it(client, asked, param, message):
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.create(**{"prompt": "a road", **asked})
    assert caught.value.param == param
    assert message in caught.value.message
    assert caught.value.type == "invalid_request_error"
    assert caught.value.code == "invalid_fields"
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("field", "instead"),
    [
        ("aspect_ratio", "send size"),
        ("enhance_prompt", "send prompt_extend"),
        ("generate_sound", "audio_url"),
        ("generate_audio", "audio_url"),
    ],
)
def test_fields_of_other_servers_are_refused_with_what_to_use(client, field, instead):
    with pytest.raises(openai.BadRequestError, match=f"{field} is not taken: .*{instead}"):
        client.videos.create(prompt="a road", extra_body={field: "x"})


def test_sampling_fields_are_passed_over_and_named(client):
    """What the examples of vLLM-Omni and SGLang always send."""
    taken = {"width": 832, "height": 480, "num_frames": 81, "fps": 16, "seed": 42}
    sampling = {"num_inference_steps": 40, "guidance_scale": 4.0}
    nested = {"flow_shift": 12.0, "boundary_ratio": 0.875}
    create = client.videos.with_raw_response.create
    answer = create(prompt="cats", extra_body={**taken, **sampling, "extra_params": nested})
    video = answer.parse()
    assert (video.seconds, video.size, video.seed) == ("5", "832x480", 42)
    assert answer.headers["x-filmgate-passed-over"] == ", ".join([*sampling, *nested])
    plain = create(prompt="a cat", extra_body={"fps": 24, **SMALL})
    assert "x-filmgate-passed-over" not in plain.headers
    remix = client.videos.with_raw_response.remix
    assert (
        remix(video.id, prompt="a dog", extra_body={"fps": 30}).headers["x-filmgate-passed-over"]
        == "fps"
    )


def test_a_wrong_key_is_an_authentication_error(site):
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key="sk-wrong", max_retries=0)
    for call in (
        lambda: client.videos.create(prompt="a"),
        lambda: client.videos.retrieve(NO_SUCH),
        lambda: client.videos.list(),
        lambda: client.videos.download_content(NO_SUCH),
    ):
        with pytest.raises(openai.AuthenticationError) as caught:
            call()
        assert caught.value.code == "invalid_api_key"
    client.close()


@pytest.mark.parametrize("video_id", [NO_SUCH, "video_68d7512d07848190b3e45da0ecbebcde"])
def test_an_unknown_video_is_not_found(client, video_id):
    for call in (
        lambda: client.videos.retrieve(video_id),
        lambda: client.videos.delete(video_id),
        lambda: client.videos.download_content(video_id),
        lambda: client.videos.remix(video_id, prompt="x"),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            call()
        assert caught.value.code == "video_not_found"
        assert caught.value.message.endswith(f"Video with id '{video_id}' not found.")


def test_what_no_model_can_do_is_refused_with_the_reason(client):
    for call in (
        lambda: client.videos.edit(prompt="x", video=b"film"),
        lambda: client.videos.extend(prompt="x", seconds="4", video=b"film"),
        lambda: client.videos.create_character(name="x", video=b"film"),
    ):
        with pytest.raises(openai.NotFoundError, match="are not offered"):
            call()
    with pytest.raises(openai.NotFoundError):
        client.videos.get_character("char_1")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "x"}])
def test_a_wrong_page_is_a_bad_request(client, query):
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.list(**query)
    assert caught.value.param == next(iter(query))


def test_an_unknown_variant_is_a_bad_request(client, film):
    with pytest.raises(openai.BadRequestError, match="variant must be video, thumbnail"):
        client.videos.download_content(film.id, variant="gif")


def test_a_body_that_is_too_large_is_said_to_be(site):
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.token, max_retries=0)
    with pytest.raises(openai.APIStatusError) as caught:
        client.videos.create(prompt="x", input_reference=b"\x89PNG" + bytes(29 * 2**20))
    assert caught.value.status_code == 413
    client.close()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no form"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'),
        ("application/json", b"{"),
        ("text/plain", b"prompt"),
    ],
)
def test_a_body_that_is_no_form_is_a_clear_4xx(site, content_type, body):
    headers = {"Content-Type": content_type}
    answer = site.server.http.post("/v1/videos", content=body, headers=headers)
    assert answer.status_code in {400, 415}
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", [b"a", b"prompt=%ff", b"\xff=1", b"prompt=a&" * 65, b"p%20q=1"])
def test_an_urlencoded_form_that_is_none_is_a_clear_400(site, body):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = site.server.http.post("/v1/videos", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_an_urlencoded_form_is_taken_as_well(site):
    """As curl -d sends it, and httpx where there is no file."""
    form = {"prompt": "Straße & 猫", "seed": "7", "extra_params[watermark]": "true", **SMALL}
    video = site.server.http.post("/v1/videos", data=form).json()
    assert (video["prompt"], video["seed"], video["object"]) == ("Straße & 猫", 7, "video")
    twice = site.server.http.post("/v1/videos", data={"prompt": ["a", "b"]})
    assert "prompt must be given once" in twice.json()["error"]["message"]


# ---- what a server in trouble says, over a store that can be told to fail


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def over(room: Room, *, token: str = TOKEN, max_retries: int = 0) -> openai.AsyncOpenAI:
    """A client of the gateway alone."""
    transport = httpx2.ASGITransport(room.app, raise_app_exceptions=False)
    return openai.AsyncOpenAI(
        base_url="http://films.example/v1",
        api_key=token,
        max_retries=max_retries,
        http_client=openai.DefaultAsyncHttpxClient(transport=transport),
    )


@pytest.mark.parametrize(
    ("trouble", "raised", "status", "code"),
    [
        (QueueFull("full", retry_after_s=7), openai.RateLimitError, 429, "queue_full"),
        (InsufficientCredits("broke"), openai.APIStatusError, 402, "insufficient_credits"),
        (DatabaseAway("away"), openai.InternalServerError, 503, "database_away"),
        (KeyError("a bug"), openai.InternalServerError, 500, None),
    ],
)
async def test_trouble_has_its_own_exception(room, trouble, raised, status, code):
    room.store.submit_error = trouble
    async with over(room) as client:
        with pytest.raises(raised) as caught:
            await client.videos.create(prompt="a road")
    assert caught.value.status_code == status
    if code is not None:
        assert caught.value.code == code
        assert caught.value.message.endswith(trouble.message)
    if isinstance(trouble, QueueFull):
        assert caught.value.response.headers["retry-after"] == "7"


async def test_a_full_queue_is_tried_again_after_the_time_it_says(room):
    began_s, refusals = time.monotonic(), iter([QueueFull("full", retry_after_s=1)])

    class FullOnce(RoomStore):
        async def submit(self, task, **named):
            for refusal in refusals:
                raise refusal
            return await super().submit(task, **named)

    room.store.__class__ = FullOnce
    async with over(room, max_retries=1) as client:
        video = await client.videos.create(prompt="a road")
    assert video.status == "queued"
    assert time.monotonic() - began_s >= 0.9


async def test_another_accounts_video_is_not_found(room):
    async with over(room) as client, over(room, token=OTHER_TOKEN) as stranger:
        made = await client.videos.create(prompt="a road")
        assert (await client.videos.retrieve(made.id)).id == made.id
        with pytest.raises(openai.NotFoundError):
            await stranger.videos.retrieve(made.id)
        with pytest.raises(openai.NotFoundError):
            await stranger.videos.remix(made.id, prompt="mine")
        assert [video.id async for video in stranger.videos.list()] == []


async def test_model_names_are_the_operators_to_choose(tmp_path):
    room = Room(tmp_path, model_aliases={"house": "wan2.5-preview"})
    async with over(room) as client:
        for name in ("house", "house-2026-01-01", "wan2.5-preview", openai.omit):
            assert (await client.videos.create(prompt="a", model=name)).model == "wan2.5-preview"
        with pytest.raises(openai.BadRequestError, match=r"known are wan2\.5-preview"):
            await client.videos.create(prompt="a", model="sora-2")


@pytest.mark.parametrize("pairs", ["sora-2", "=wan2.5-preview", "sora-2="])
def test_a_name_without_a_model_stops_the_start(pairs):
    with pytest.raises(ConfigError, match="model_aliases needs name=model pairs"):
        Settings(model_aliases=pairs)


async def test_a_stream_of_a_deleted_task_ends(room, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_AGAIN_S", 0.05)

    class Forgetful(RoomStore):
        async def outlooks(self, task_ids):
            for task_id in task_ids:  # deleted right after they were read
                self.kept.pop(task_id)
            return await super().outlooks(task_ids)

    async with over(room) as client:
        made = await client.videos.create(prompt="a road")
        room.store.__class__ = Forgetful
        async with room.client() as http:
            answer = await http.get(f"/v1/tasks/{made.id}/events")
    assert answer.status_code == 200
    assert made.id in answer.text


# ---- the table of docs/reference/compatibility.md


def test_the_table_tells_of_every_call():
    rows = table_of("openai")
    calls = {name for name in vars(Videos) if name[0] != "_" and not name.startswith("with_")}
    assert calls - {call.removeprefix("videos.") for call in rows} == set()
    assert all(hasattr(AsyncVideos, name) for name in calls)


# ---- async


async def test_the_async_client_does_the_same(async_client, picture):
    videos = async_client.videos
    made = await videos.create_and_poll(
        prompt="a road", input_reference=("a.png", picture, "image/png"), extra_body=SMALL
    )
    assert made.status == "completed"
    content = await videos.download_content(made.id)
    digest = hashlib.sha256(await content.aread()).hexdigest()
    async with videos.with_streaming_response.download_content(made.id) as streamed:
        pieces = [piece async for piece in streamed.iter_bytes()]
    assert hashlib.sha256(b"".join(pieces)).hexdigest() == digest
    assert made.id in [video.id async for video in videos.list(limit=5)]
    remix = await videos.remix(made.id, prompt="another road")
    for video in (made, remix):
        assert (await videos.delete(video.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await videos.retrieve(made.id)
    with pytest.raises(openai.BadRequestError):
        await videos.create(prompt="a road", seconds="60")


def _saved(client, video_id: str, target: Path) -> Path:
    client.videos.download_content(video_id, variant="video").write_to_file(target)
    return target


async def test_the_package_retrieves_a_model_and_is_told_of_none(room):
    async with over(room) as client:
        (listed,) = (await client.models.list()).data
        assert await client.models.retrieve(listed.id) == listed
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("sora-9")
    assert caught.value.code == "model_not_found"
