"""The `dashscope` package, unmodified, against a gateway over a small store: fields, files, states,
pages and troubles. Nothing is made unless a test says so.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import dashscope
import httpx
import pytest
import uvicorn
from dashscope import VideoSynthesis
from dashscope.common.error import UploadFileException
from dashscope.utils.oss_utils import OssUtils

from clients.test_dashscope import I2V, NO_SUCH, SMALL, T2V, accepted, shot, sound
from filmgate.domain.errors import (
    BudgetSpent,
    DatabaseAway,
    Forbidden,
    InsufficientCredits,
    QueueFull,
    RateLimited,
)
from filmgate.domain.task import Failure, Status
from filmgate.gateway import dashscope_uploads
from filmgate.gateway.openapi import openapi_document
from gateway_room import NOW, OTHER_TOKEN, TOKEN, Room
from serving import wait_until

__all__ = ["shot"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
SIZES = [
    "832*480",
    "480*832",
    "624*624",
    "1280*720",
    "720*1280",
    "960*960",
    "1088*832",
    "832*1088",
    "1920*1080",
    "1080*1920",
    "1440*1440",
    "1632*1248",
    "1248*1632",
]
SYNTHESIS = "/api/v1/services/aigc/video-generation/video-synthesis"
ENABLED = {"X-DashScope-Async": "enable"}


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[list[Room], str]]:
    """A socket for the package to speak to, and the list whose last room it leads to."""
    rooms: list[Room] = []

    async def app(scope, receive, send):
        await rooms[-1].app(scope, receive, send)

    config = uvicorn.Config(app, port=0, lifespan="off", log_level="error", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 20)
        host, port = server.servers[0].sockets[0].getsockname()
        yield rooms, f"http://{host}:{port}/api/v1"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture
def room(tmp_path: Path, stage, monkeypatch: pytest.MonkeyPatch) -> Room:
    """A gateway of a test's own, which the package speaks to."""
    rooms, url = stage
    rooms.append(Room(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(dashscope, "base_http_api_url", url)
    monkeypatch.setattr(dashscope, "api_key", TOKEN)
    return rooms[-1]


def asked_for(room: Room, task_id: str):
    return room.store.kept[task_id].generation


# ---- what is asked for


def test_nothing_said_is_what_that_api_takes(room):
    asked = asked_for(room, accepted(size=None))
    assert (asked.model, asked.resolution, asked.size) == ("wan2.5-preview", "1080p", "16:9")
    assert (asked.duration_s, asked.may_rewrite_prompt, asked.has_watermark) == (5, True, False)
    image = "https://example.com/a.png"
    asked = asked_for(room, accepted(model=I2V, size=None, img_url=image))
    assert (asked.resolution, asked.size, asked.image) == ("1080p", None, image)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_of_that_api_is_made_as_it_stands(room, size):
    asked = asked_for(room, accepted(size=size))
    model = room.deps.models[asked.model]
    assert "{}*{}".format(*model.frame_size_px(asked)) == size


@pytest.mark.parametrize(
    ("asked", "field", "value"),
    [
        ({"duration": 10}, "duration_s", 10),
        ({"seed": 2147483647}, "seed", 2147483647),
        ({"prompt_extend": False}, "may_rewrite_prompt", False),
        ({"extend_prompt": False}, "may_rewrite_prompt", False),
        ({"extend_prompt": False, "prompt_extend": True}, "may_rewrite_prompt", True),
        ({"watermark": True}, "has_watermark", True),
        ({"negative_prompt": "rain"}, "negative_prompt", "rain"),
        ({"negative_prompt": "a" * 501}, "negative_prompt", "a" * 500),
        ({"prompt": "a" * 5001}, "prompt", "a" * 5000),
        ({"audio_url": "https://example.com/a.mp3"}, "audio", "https://example.com/a.mp3"),
        ({"audio": True}, "resolution", "480p"),
        ({"model": "wan2.5-preview"}, "resolution", "480p"),
    ],
)
def test_every_field_arrives(room, asked, field, value):
    assert getattr(asked_for(room, accepted(**asked)), field) == value


@pytest.mark.parametrize("said", ["480P", "720P", "1080P", "720p"])
def test_a_picture_goes_with_a_resolution(room, said, picture):
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    asked = asked_for(room, accepted(model=I2V, size=None, resolution=said, img_url=url))
    assert asked.resolution == said.lower()
    assert asked.image.startswith("asset:inputs/")


def test_an_idempotency_key_makes_one_film_of_two_calls(room):
    named = {"headers": {"Idempotency-Key": "order-1"}}
    assert accepted(**named) == accepted(**named)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": "wan2.9-t2v"}, f'Model not exist: model must be one of {T2V}, {I2V}, got "wan'),
        ({"model": I2V}, "img_url is required by wan2.5-i2v-preview, got none"),
        ({"img_url": "https://e.com/a.png"}, "not taken by this model but by wan2.5-i2v-preview"),
        ({"prompt": None}, "prompt is required without img_url, got none"),
        ({"prompt": " "}, "prompt must not be blank without img_url"),
        ({"prompt": 7}, "prompt must be a string, got 7"),
        ({"size": "1280x720"}, '1248*1632, got "1280x720"'),
        ({"resolution": "480P"}, "resolution is taken with img_url only; send size"),
        ({"duration": 7}, "duration must be 5 or 10 seconds, got 7"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
        ({"watermark": "yes"}, "watermark must be true or false"),
        ({"audio": False}, "audio must be true, got false: this model has no silent video"),
        ({"audio_url": "ftp://e.com/a"}, "audio_url must be an http(s) URL"),
        ({"template": "flying"}, '"template" is not taken in input; known are prompt'),
        ({"shot_type": "multi"}, '"shot_type" is not taken in parameters; known are size'),
        ({"ratio": "16:9"}, '"ratio" is not taken in parameters'),
        ({"extra_input": {"mask_url": "x"}}, '"mask_url" is not taken in input'),
        (
            {"model": I2V, "size": None, "resolution": "4K", "img_url": "https://e.com/a.png"},
            'resolution must be one of 480P, 720P, 1080P, got "4K"',
        ),
        (
            {"model": I2V, "img_url": "https://e.com/a.png"},
            "size is not taken with img_url; send resolution",
        ),
        (
            {"model": I2V, "size": None, "img_url": "ftp://e.com/a.png"},
            "img_url must be an http(s) URL or data:image/",
        ),
        (
            {"model": I2V, "size": None, "extra_input": {"img_url": ["https://e.com/a.png"]}},
            "img_url must be a string with a URL, got [",
        ),
    ],
)
def test_a_broken_rule_is_an_invalid_parameter_that_says_it(room, asked, message):
    refused = VideoSynthesis.async_call(**{**SMALL, "prompt": "a road", **asked})
    assert (refused.status_code, refused.code) == (400, "InvalidParameter")
    assert message in refused.message
    assert refused.output is None
    assert refused.request_id == refused.headers["x-request-id"]
    assert not room.store.kept


async def test_a_body_that_is_none_of_theirs_is_refused_in_their_shape(room):
    async with room.client() as http:
        for body in (b"{", b"[]", b'{"model": 7}', b'{"input": 7}', b'{"callback": 1}'):
            headers = {**ENABLED, "Content-Type": "application/json"}
            answer = await http.post(SYNTHESIS, content=body, headers=headers)
            assert answer.status_code == 400
            assert answer.json().keys() == {"code", "message", "request_id"}
            assert answer.json()["code"] == "InvalidParameter"
        body = {"model": T2V, "input": [], "parameters": "x"}
        answer = await http.post(SYNTHESIS, json=body, headers=ENABLED)
    assert answer.json()["message"].startswith("input must be an object, got []; parameters must")


async def test_the_synchronous_way_is_refused_as_by_that_api(room):
    async with room.client() as http:
        answer = await http.post(SYNTHESIS, json={"model": T2V, "input": {"prompt": "a"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "AccessDenied")
    assert "does not support synchronous calls" in answer.json()["message"]


# ---- uploads


def test_an_uploaded_file_can_be_named_again(room, shot):
    url, policy = OssUtils.upload(T2V, str(shot))
    assert url == f"oss://{policy['upload_dir']}/{shot.name}"
    assert policy["expire_in_seconds"] == 300
    images = [asked_for(room, accepted(model=I2V, size=None, img_url=url)).image for _ in range(2)]
    assert images[0] == images[1]
    assert images[0].startswith("asset:uploads/")
    song = sound(shot.parent / "song.wav", 4)
    again, _ = OssUtils.upload(T2V, str(song), upload_certificate=policy)
    assert asked_for(room, accepted(audio_url=again)).audio.startswith("asset:uploads/")
    wrong = VideoSynthesis.async_call(model=I2V, img_url=again)
    assert "img_url must be a link to an image file, it leads to audio/wav" in wrong.message


def test_an_uploaded_file_is_its_accounts_alone_and_ends(room, shot):
    url, _ = OssUtils.upload(T2V, str(shot))
    for named in (url, f"{url}x", "oss://uploads/x", "oss://else/where/a", "oss://uploads/../a"):
        key = OTHER_TOKEN if named == url else TOKEN
        refused = VideoSynthesis.async_call(model=I2V, img_url=named, api_key=key)
        assert (refused.status_code, refused.code) == (400, "InvalidParameter")
        assert "img_url must name an uploaded file that has not expired" in refused.message
    room.clock.at += timedelta(seconds=room.deps.limits.upload_ttl_s)
    assert VideoSynthesis.async_call(model=I2V, img_url=url).code == "InvalidParameter"


async def test_a_named_file_needs_the_header_that_says_so(room):
    body = {"model": I2V, "input": {"img_url": "oss://uploads/a/b"}}
    async with room.client() as http:
        answer = await http.post(SYNTHESIS, json=body, headers=ENABLED)
    assert "needs the header X-DashScope-OssResourceResolve: enable" in answer.json()["message"]


def test_a_policy_is_good_for_its_folder_and_its_minutes(room, shot):
    _, policy = OssUtils.upload(T2V, str(shot))
    _, other = OssUtils.upload(T2V, str(shot))
    with pytest.raises(UploadFileException, match="key must be uploads/"):
        OssUtils.upload(
            T2V, str(shot), upload_certificate={**policy, "upload_dir": other["upload_dir"]}
        )
    with pytest.raises(UploadFileException, match="signature is wrong"):
        OssUtils.upload(
            T2V, str(shot), upload_certificate={**policy, "signature": other["signature"]}
        )
    forged = json.loads(base64.urlsafe_b64decode(policy["policy"])) | {"account_id": "acct_two"}
    text = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
    with pytest.raises(UploadFileException, match="signature is wrong"):
        OssUtils.upload(T2V, str(shot), upload_certificate={**policy, "policy": text})
    for nonsense in ("", "x", "é", base64.b64encode(b"[]").decode()):
        with pytest.raises(UploadFileException, match="policy must be one that"):
            OssUtils.upload(T2V, str(shot), upload_certificate={**policy, "policy": nonsense})
    room.clock.at += timedelta(seconds=300)
    with pytest.raises(UploadFileException, match="policy has expired"):
        OssUtils.upload(T2V, str(shot), upload_certificate=policy)


def test_a_file_that_is_no_picture_and_no_sound_is_not_kept(room, tmp_path):
    for content, why in ((b"no picture", "unsupported image or audio type"), (b"", "0 bytes")):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(UploadFileException, match=why):
            VideoSynthesis.async_call(model=I2V, img_url=str(tmp_path / "a.png"))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2**20))
    with pytest.raises(UploadFileException, match=r"BadRequest\.TooLarge.*exceeds maximum"):
        VideoSynthesis.async_call(model=I2V, img_url=str(tmp_path / "a.png"))
    assert not room.store.assets


async def test_a_form_that_is_none_is_refused_in_their_shape(room):
    async with room.client(token=None) as http:
        for fields, files, why in (
            ({"policy": "x"}, None, "Content-Type must be multipart/form-data"),
            ({}, {"file": b"a"}, "policy must be one that GET /api/v1/uploads gave"),
            ({"policy": "x" * 70_000}, {"file": b"a"}, "its text must have at most 65,536 bytes"),
            ({f"f{n}": "x" for n in range(21)}, {"file": b"a"}, "field must be named file"),
            ({"key": "x"}, {"picture": b"a"}, "the form holds no file"),
        ):
            answer = await http.post("/api/v1/uploads", data=fields, files=files)
            assert answer.status_code in {400, 415}, answer.text
            assert why in answer.json()["message"]


def test_only_so_many_files_come_in_at_once(room, shot, monkeypatch):
    monkeypatch.setattr(dashscope_uploads, "UPLOADS_AT_ONCE_MAX", 0)
    with pytest.raises(UploadFileException, match="0 uploads are running already"):
        OssUtils.upload(T2V, str(shot))


def test_a_policy_needs_a_key_and_its_action(room, shot):
    with pytest.raises(UploadFileException, match="InvalidApiKey"):
        OssUtils.upload(T2V, str(shot), api_key="fg_wrong")
    answer = httpx.get(
        f"{dashscope.base_http_api_url}/uploads",
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )
    assert "action must be getPolicy, got none" in answer.json()["message"]


# ---- tasks


def test_the_states_have_their_words(room):
    task_id = accepted()
    task = room.store.kept[task_id]
    assert VideoSynthesis.fetch(task_id).output.task_status == "PENDING"
    at = NOW + timedelta(seconds=1)
    running = replace(task, status=Status.PROCESSING, attempt=1, started_at=at)
    room.store.kept[task_id] = running
    seen = VideoSynthesis.fetch(task_id)
    assert (seen.output.task_status, seen.output.scheduled_time) == (
        "RUNNING",
        "2026-11-23 12:00:01.000",
    )
    assert (seen.usage, "end_time" in seen.output) == (None, False)
    for failure, code, message in (
        (Failure(code="stage_timed_out", message="long"), "InternalError.Timeout", "long"),
        (Failure(code="engine_failed", message="no"), "InternalError", "no"),
        (
            Failure(code="input_not_found", message="image_urls: 404", param="image_urls"),
            "BadRequest.InputDownloadFailed",
            "img_url: 404",
        ),
        (
            Failure(code="input_image_broken", message="image_urls[0]", param="image_urls"),
            "InvalidParameter",
            "img_url",
        ),
        (Failure(code="upstream_rejected", message="no"), "DataInspectionFailed", "no"),
    ):
        room.store.kept[task_id] = running.failed(attempt=1, failure=failure, at=at)
        output = VideoSynthesis.wait(task_id).output
        assert (output.task_status, output.code, output.message) == ("FAILED", code, message)
    room.store.kept[task_id] = task.cancelled(at=at)
    assert VideoSynthesis.wait(task_id).output.task_status == "CANCELED"


def test_what_is_not_there_or_has_expired_is_unknown(room):
    task_id = accepted()
    asyncio.run(room.completed(task_id))
    assert VideoSynthesis.fetch(task_id).output.task_status == "SUCCEEDED"
    room.clock.at = room.store.kept[task_id].expires_at
    strangers = VideoSynthesis.fetch(task_id, api_key=OTHER_TOKEN)
    for asked in (VideoSynthesis.wait(task_id), VideoSynthesis.wait(NO_SUCH), strangers):
        assert (asked.status_code, asked.output.task_status) == (HTTPStatus.OK, "UNKNOWN")
        assert (asked.output.video_url, asked.usage, asked.code or "") == ("", None, "")
    foreign = "0385dc79-5ff8-4d82-bcb6-0123456789ab"
    assert VideoSynthesis.fetch(foreign).output.task_id == foreign


def test_a_pending_task_is_cancelled_once(room):
    task_id = accepted()
    assert VideoSynthesis.cancel(task_id).status_code == HTTPStatus.OK
    assert VideoSynthesis.fetch(task_id).output.task_status == "CANCELED"
    pending = accepted()
    for refused in (
        VideoSynthesis.cancel(task_id),
        VideoSynthesis.cancel(NO_SUCH),
        VideoSynthesis.cancel(pending, api_key=OTHER_TOKEN),
    ):
        assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")
        assert refused.message.startswith("Failed to cancel the task, please confirm")
    assert VideoSynthesis.fetch(pending).output.task_status == "PENDING"


def test_pages_are_numbered_and_counted(room):
    ids = [accepted() for _ in range(5)][::-1]
    pages = [VideoSynthesis.list(page_no=n, page_size=2).output for n in (1, 2, 3, 4)]
    listed = [[row["task_id"] for row in page["data"]] for page in pages]
    assert listed == [ids[:2], ids[2:4], ids[4:], []]
    assert {(page["total"], page["total_page"], page["page_size"]) for page in pages} == {(5, 3, 2)}
    assert [page["page_no"] for page in pages] == [1, 2, 3, 4]
    row = pages[0]["data"][0]
    assert row["gmt_create"] == int(NOW.timestamp() * 1000)
    assert (row["model_name"], row["status"], row["api_key_id"]) == (T2V, "PENDING", "key_one")
    assert row["user_api_unique_key"].endswith(f":video-synthesis:{T2V}")
    none = VideoSynthesis.list(api_key=OTHER_TOKEN)
    assert (none.output["total"], none.output["total_page"], none.output["data"]) == (0, 0, [])


def test_lists_are_narrowed(room):
    old = accepted()
    room.clock.at += timedelta(hours=20)
    image = accepted(model=I2V, size=None, img_url="https://example.com/a.png")
    gone = accepted()
    VideoSynthesis.cancel(gone)
    both = [gone, image]

    def listed(**sought):
        return [row["task_id"] for row in VideoSynthesis.list(**sought).output["data"]]

    assert listed() == [*both, old]
    assert listed(status="PENDING") == [image, old]
    assert listed(status="CANCELED") == [gone]
    assert listed(status="SUCCEEDED") == []
    assert listed(model_name=I2V) == [image]
    assert VideoSynthesis.list(model_name=I2V).output["data"][0]["model_name"] == I2V
    assert listed(model_name=T2V) == [gone, old]
    assert listed(model_name="wan2.5-preview") == [*both, old]
    assert listed(model_name="wanx2.1-t2v-plus") == []
    assert listed(api_key_id="key_one", status="CANCELED") == [gone]
    assert listed(api_key_id="key_two") == []
    assert listed(start_time="20261124000000") == both
    assert listed(start_time="20261123120000", end_time="20261123120000") == [old]
    assert listed(end_time="20261124075959") == [old]
    room.clock.at += timedelta(hours=5)
    assert listed() == both


@pytest.mark.parametrize(
    ("sought", "message"),
    [
        ({"page_no": 0}, 'page_no must be 1 to 100000, got "0"'),
        ({"page_size": 101}, 'page_size must be 1 to 100, got "101"'),
        ({"page_size": "x"}, 'got "x"'),
        ({"status": "running"}, "status must be one of PENDING, RUNNING, SUCCEEDED, FAILED, CAN"),
        ({"start_time": "2026-11-23"}, "start_time must be YYYYMMDDhhmmss, in UTC"),
        ({"end_time": "20261399000000"}, "end_time must be YYYYMMDDhhmmss"),
        ({"end_time": "99991231235959"}, "end_time must be YYYYMMDDhhmmss"),
        ({"start_time": "20261120000000", "end_time": "20261123000000"}, "by at most 24 hours"),
        ({"start_time": "20261123000000", "end_time": "20261122000000"}, "after start_time"),
        ({"region": "cn-beijing"}, "region is not taken"),
    ],
)
def test_a_wrong_list_is_an_invalid_parameter(room, sought, message):
    refused = VideoSynthesis.list(**sought)
    assert (refused.status_code, refused.code) == (400, "InvalidParameter")
    assert message in refused.message


# ---- trouble


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (QueueFull("full", retry_after_s=7), 429, "Throttling"),
        (RateLimited("slow down"), 429, "Throttling.RateQuota"),
        (BudgetSpent("no more today"), 429, "Throttling.AllocationQuota"),
        (InsufficientCredits("broke"), 400, "Arrearage"),
        (Forbidden("not this model"), 403, "AccessDenied"),
        (DatabaseAway("away"), 503, "ModelUnavailable"),
        (KeyError("a bug"), 500, "InternalError"),
    ],
)
def test_trouble_has_its_code(room, trouble, status, code):
    room.store.submit_error = trouble
    refused = VideoSynthesis.async_call(**SMALL, prompt="a road")
    assert (refused.status_code, refused.code) == (status, code)
    assert refused.message == getattr(
        trouble, "message", f"internal error; the request id is {refused.request_id}"
    )
    if isinstance(trouble, QueueFull):
        assert refused.headers["retry-after"] == "7"


def test_a_wrong_key_is_an_invalid_api_key(room):
    for refused in (
        VideoSynthesis.async_call(**SMALL, prompt="a", api_key="sk-wrong"),
        VideoSynthesis.fetch(NO_SUCH, api_key="sk-wrong"),
        VideoSynthesis.wait(NO_SUCH, api_key="sk-wrong"),
        VideoSynthesis.cancel(NO_SUCH, api_key="sk-wrong"),
        VideoSynthesis.list(api_key="sk-wrong"),
    ):
        assert (refused.status_code, refused.code) == (401, "InvalidApiKey")


def test_waiting_goes_on_while_the_database_is_away(room):
    task_id, refusals = accepted(), [DatabaseAway("away")]

    class AwayOnce(type(room.store)):
        async def task(self, task_id):
            if refusals:
                raise refusals.pop()
            return await super().task(task_id)

    asyncio.run(room.completed(task_id))
    room.store.__class__ = AwayOnce
    assert VideoSynthesis.wait(task_id).output.task_status == "SUCCEEDED"
    assert refusals == []


async def test_answers_keep_to_the_openapi_document(room):
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    document = json.loads(openapi_document(models=room.deps.models, version="9"))
    body = {"model": T2V, "input": {"prompt": "a road"}}
    async with room.client() as http:
        made = await http.post(SYNTHESIS, json=body, headers=ENABLED)
        task_id = made.json()["output"]["task_id"]
        await room.completed(task_id)
        answers = [
            ("SynthesisTask", made),
            ("SynthesisTask", await http.get(f"/api/v1/tasks/{task_id}")),
            ("SynthesisTask", await http.get(f"/api/v1/tasks/{NO_SUCH}")),
            ("SynthesisPage", await http.get("/api/v1/tasks/?page_no=1")),
            ("UploadPolicyEnvelope", await http.get("/api/v1/uploads?action=getPolicy")),
            ("DashscopeError", await http.get("/api/v1/nowhere")),
        ]
    for name, answer in answers:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validate(schema, answer.json())


async def test_other_names_are_the_operators_to_give(tmp_path):
    room = Room(tmp_path, model_aliases={"wanx2.1-t2v-plus": "wan2.5-preview"})
    body = {"model": "wanx2.1-t2v-plus", "input": {"prompt": "a road"}}
    async with room.client() as http:
        taken = await http.post(SYNTHESIS, json=body, headers=ENABLED)
        body["input"]["img_url"] = "https://example.com/a.png"
        refused = await http.post(SYNTHESIS, json=body, headers=ENABLED)
    assert taken.status_code == 200
    assert "img_url is not taken by this model" in refused.json()["message"]


def test_models_of_another_path_are_not_here(room):
    refused = VideoSynthesis.async_call(
        model="wan2.2-kf2v-flash", first_frame_url="https://e.com/a"
    )
    assert (refused.status_code, refused.code) == (400, "InvalidURL")


async def test_what_this_door_does_not_have_is_said_in_its_shape(room):
    async with room.client() as http:
        away = await http.post("/api/v1/services/aigc/text-generation/generation")
        wrong = await http.delete("/api/v1/tasks")
    assert (away.status_code, away.json()["code"]) == (400, "InvalidURL")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "InvalidParameter")
    assert wrong.headers["allow"] == "GET, HEAD"
