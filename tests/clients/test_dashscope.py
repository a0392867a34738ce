"""The `dashscope` package, unmodified, against the real server: every call makes or finds films.

What a gateway says without making any: test_dashscope_door.py.
"""

from __future__ import annotations

import re
import sys
import wave
from http import HTTPStatus
from pathlib import Path

import dashscope
import httpx
import pytest
from dashscope import VideoSynthesis
from dashscope.aigc.video_synthesis import AioVideoSynthesis
from dashscope.api_entities.aio_session import close_shared_aio_session

from clients.compatibility import table_of
from clients.conftest import Site
from clients.test_examples import blocks, films, folder, run
from filmgate.media.probe import probe_film
from serving import wait_until

__all__ = ["folder"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
T2V, I2V = "wan2.5-t2v-preview", "wan2.5-i2v-preview"
SMALL = {"model": T2V, "size": "832*480"}
NO_SUCH = "task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ"


@pytest.fixture
def real(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The package speaks to the real server."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{site.url}/api/v1")
    monkeypatch.setattr(dashscope, "api_key", site.token)
    return site


@pytest.fixture
def shot(tmp_path: Path, picture: bytes) -> Path:
    path = tmp_path / "猫 start.png"
    path.write_bytes(picture)
    return path


def sound(path: Path, seconds: int) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(2 * 8000 * seconds))
    return path


def accepted(**asked) -> str:
    """Submit and return the task's id."""
    made = VideoSynthesis.async_call(**{**SMALL, "prompt": "a road", **asked})
    assert made.status_code == HTTPStatus.OK, made
    assert (made.output.task_status, made.output.video_url) == ("PENDING", "")
    assert made.request_id == made.headers["x-request-id"]
    return made.output.task_id


# ---- films


def test_code_written_for_dashscope_makes_a_film(real, tmp_path):
    made = VideoSynthesis.call(
        model=T2V,
        prompt="Sunset coastal highway",
        negative_prompt="rain",
        size="480*832",
        duration=5,
        seed=12345,
        prompt_extend=False,
        watermark=True,
    )
    output = made.output
    assert (made.status_code, output.task_status) == (HTTPStatus.OK, "SUCCEEDED"), made
    assert (output.orig_prompt, output.actual_prompt) == ("Sunset coastal highway",) * 2
    times = [output.submit_time, output.scheduled_time, output.end_time]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", time) for time in times)
    assert (made.usage.duration, made.usage.video_count) == (5, 1)
    assert (made.usage.SR, made.usage.size) == (480, "480*832")
    film = tmp_path / "film.mp4"
    film.write_bytes(httpx.get(output.video_url, trust_env=False).content)
    found = probe_film(film)
    assert (found.width_px, found.height_px, found.frame_count) == (480, 832, 120)
    assert real.server.task(output.task_id)["seed"] == 12345


@pytest.mark.parametrize("written", ["{}", "file://{}"])
def test_local_files_of_a_picture_and_a_sound_are_brought_along(real, shot, tmp_path, written):
    song = sound(tmp_path / "song.wav", 4)
    made = VideoSynthesis.call(
        model=I2V,
        prompt="Slow pan",
        img_url=written.format(shot),
        audio_url=written.format(song),
        resolution="480P",
    )
    assert made.output.task_status == "SUCCEEDED", made
    assert (made.usage.SR, made.usage.size) == (480, "832*480")


def test_a_failed_film_says_why(real, tmp_path):
    failed = VideoSynthesis.call(**SMALL, prompt="[fail]", prompt_extend=False)
    assert (failed.status_code, failed.output.task_status) == (HTTPStatus.OK, "FAILED")
    assert failed.output.code == "InternalError"
    assert failed.output.message
    assert failed.output.video_url == ""
    short = str(sound(tmp_path / "short.wav", 1))
    failed = VideoSynthesis.call(**SMALL, prompt="a road", audio_url=short)
    assert (failed.output.task_status, failed.output.code) == ("FAILED", "InvalidParameter")
    assert "audio_url" in failed.output.message


def test_a_task_that_runs_cannot_be_cancelled_at_this_door(real):
    task_id = accepted(prompt="[slow] a road")
    try:
        wait_until(lambda: VideoSynthesis.fetch(task_id).output.task_status == "RUNNING", 60)
        refused = VideoSynthesis.cancel(task_id)
        assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")
        assert "PENDING status" in refused.message
    finally:
        real.server.http.post(f"/v1/tasks/{task_id}/cancel")
    assert VideoSynthesis.wait(task_id).output.task_status == "CANCELED"


def test_a_film_is_visible_at_every_door(real):
    task_id = real.server.submit({"prompt": "a road", "resolution": "480p"})
    assert VideoSynthesis.wait(task_id).output.task_status == "SUCCEEDED"
    here = accepted()
    assert real.server.ended(here)["status"] == "completed"
    listed = [row["task_id"] for row in VideoSynthesis.list(page_size=2).output["data"]]
    assert listed == [here, task_id]


async def test_the_async_half_does_the_same(real, shot):
    made = await AioVideoSynthesis.call(model=I2V, prompt="a", img_url=str(shot), resolution="480P")
    assert made.output.task_status == "SUCCEEDED", made
    again = await AioVideoSynthesis.async_call(**SMALL, prompt="[slow] a road")
    fetched = await AioVideoSynthesis.fetch(again)
    assert fetched.output.task_status in {"PENDING", "RUNNING"}
    real.server.http.post(f"/v1/tasks/{again.output.task_id}/cancel")
    assert (await AioVideoSynthesis.wait(again)).output.task_status == "CANCELED"
    assert (await AioVideoSynthesis.cancel(again)).code == "UnsupportedOperation"
    page = await AioVideoSynthesis.list(page_size=1)
    assert page.output["data"][0]["task_id"] == again.output.task_id
    await close_shared_aio_session()


@pytest.mark.parametrize("number", range(4))
def test_the_guide_runs_as_it_stands(site, folder, monkeypatch, number):
    codes = blocks("dashscope.md", "python")
    assert len(codes) == 4
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", f"{site.url}/api/v1")
    monkeypatch.setenv("DASHSCOPE_API_KEY", site.token)
    run([sys.executable, "-c", codes[number]], folder, site)
    expected = {0: {"sunset.mp4": (1280, 720)}, 1: {"photo.mp4": (832, 480)}}
    assert films(folder) == expected.get(number, {})


# ---- the table of docs/reference/compatibility.md


def test_the_table_tells_of_every_call():
    rows = table_of("dashscope")
    calls = {name for name, made in vars(VideoSynthesis).items() if isinstance(made, classmethod)}
    calls = {name for name in calls if name[0] != "_"}
    assert calls == {"call", "async_call", "fetch", "wait", "cancel", "list"}
    assert calls - {call.removeprefix("VideoSynthesis.") for call in rows} == set()
    assert all(hasattr(AioVideoSynthesis, name) for name in calls)
