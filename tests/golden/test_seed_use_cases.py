"""The seed page's five use cases, sent as they stand there, through server and draft engine.

Nothing is changed in their bodies but the base64 of case 4, which the page cuts short.

For cases 3 and 5 a resolver setting and a throwaway certificate authority stand in for example.com.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import wave
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from filmgate.media.probe import FilmProbe, probe_film
from filmgate.testing.web import WebServer, answer
from media_files import mp3_bytes
from serving import ServerUnderTest, serving
from web_fixtures import throwaway_authority

HTTPS = 443
ADDRESS = "127.0.0.2"


def may_listen() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((ADDRESS, HTTPS))
        except PermissionError:
            return False
    return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    folder = tmp_path_factory.mktemp("seed")
    with serving(
        folder / "data",
        fetch_resolve=f"example.com={ADDRESS}",
        fetch_allowed="example.com",
        fetch_ca_file=throwaway_authority().ca_file(folder),
    ) as running:
        yield running


def cat_picture(form: str, size: tuple[int, int]) -> bytes:
    """A drawn cat on a meadow."""
    width, height = size
    picture = np.full((height, width, 3), (60, 160, 90), np.uint8)
    picture[: height // 2] = (235, 190, 130)
    centre = (width // 2, height * 2 // 3)
    cv2.ellipse(picture, centre, (width // 8, height // 10), 0, 0, 360, (40, 110, 210), -1)
    cv2.circle(
        picture, (centre[0] - width // 9, centre[1] - height // 9), height // 12, (40, 110, 210), -1
    )
    stored = io.BytesIO()
    Image.fromarray(picture[..., ::-1]).save(stored, form)
    return stored.getvalue()


def make(server: ServerUnderTest, body: str, folder: Path) -> tuple[dict, FilmProbe]:
    """Send a body as it stands and return the ended task and its probed film."""
    sent = server.http.post(
        "/v1/videos/generations", content=body, headers={"Content-Type": "application/json"}
    )
    assert sent.status_code == 200, sent.text
    assert set(sent.json()) == {"code", "data"}
    (data,) = sent.json()["data"]
    assert data["status"] == "submitted"
    task = server.ended(data["task_id"])
    return task, probe_film(server.film(task, folder / "film.mp4"))


def assert_delivered(film: FilmProbe, size: tuple[int, int], seconds: int) -> None:
    """The contract's output, to the frame and the sample."""
    assert (film.width_px, film.height_px) == size
    assert film.frame_count == 24 * seconds
    assert film.sample_count == 48_000 * seconds
    assert (film.video_codec, film.profile, film.pixel_format) == ("h264", "High", "yuv420p")
    assert (film.color_primaries, film.color_transfer, film.color_matrix) == (1, 1, 1)
    assert (film.audio_codec, film.audio_rate_hz, film.audio_channels) == ("aac", 48_000, 2)
    assert film.is_index_first
    assert film.metadata["engine"] == "draft"


def test_case_1_text_to_video_simple(server, tmp_path):
    body = """{
      "model": "wan2.5-preview",
      "prompt": "Sunset coastal highway, cinematic shot"
    }"""
    task, film = make(server, body, tmp_path)
    assert_delivered(film, (1280, 720), 5)
    assert task["actual_prompt"].startswith(task["orig_prompt"])


def test_case_2_text_to_video_full_parameters(server, tmp_path):
    body = """{
      "model": "wan2.5-preview",
      "prompt": "City night scene, neon lights and rain-soaked streets",
      "negative_prompt": "blurry, low quality, distorted",
      "size": "16:9",
      "resolution": "720p",
      "duration": 5,
      "seed": 12345,
      "prompt_extend": true,
      "audio": true,
      "watermark": false
    }"""
    task, film = make(server, body, tmp_path)
    assert_delivered(film, (1280, 720), 5)
    assert task["seed"] == 12345
    assert film.metadata["seed"] == "12345"


@pytest.mark.skipif(not may_listen(), reason=f"needs the right to listen on {ADDRESS}:{HTTPS}")
async def test_case_3_image_to_video(server, tmp_path):
    body = """{
      "model": "wan2.5-preview",
      "prompt": "Cat running on the grass",
      "image_urls": ["https://example.com/cat.jpg"],
      "resolution": "480p",
      "duration": 5
    }"""
    async with example_com() as site:
        site.route("/cat.jpg", answer(cat_picture("JPEG", (1600, 900))))
        _, film = await asyncio.to_thread(make, server, body, tmp_path)
    assert_delivered(film, (832, 480), 5)


def test_case_4_image_to_video_base64(server, tmp_path):
    uri = "data:image/png;base64," + base64.b64encode(cat_picture("PNG", (800, 1000))).decode()
    body = json.dumps(
        {
            "model": "wan2.5-preview",
            "prompt": "Make the cat stand up and walk",
            "image_urls": [uri],
            "duration": 5,
        }
    )
    _, film = make(server, body, tmp_path)
    assert_delivered(film, (858, 1074), 5)


@pytest.mark.skipif(not may_listen(), reason=f"needs the right to listen on {ADDRESS}:{HTTPS}")
async def test_case_5_custom_audio(server, tmp_path):
    body = """{
      "model": "wan2.5-preview",
      "prompt": "Person dancing to the music",
      "image_urls": ["https://example.com/dancer.jpg"],
      "audio_url": "https://example.com/music.mp3",
      "resolution": "720p",
      "duration": 10
    }"""
    async with example_com() as site:
        site.route("/dancer.jpg", answer(cat_picture("JPEG", (720, 1280))))
        site.route("/music.mp3", answer(mp3_bytes(4)))
        _, film = await asyncio.to_thread(make, server, body, tmp_path)
    assert_delivered(film, (720, 1280), 10)


def example_com() -> WebServer:
    return WebServer(tls=throwaway_authority().serving("example.com"), address=ADDRESS, port=HTTPS)


def test_the_draft_engine_repeats_itself_packet_by_packet(server, tmp_path):
    body = '{"model":"wan2.5-preview","prompt":"Cat on the grass","resolution":"480p","seed":7}'
    films = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        films.append(make(server, body, tmp_path / name)[1])
    assert films[0].video_sha256 == films[1].video_sha256
    assert films[0].audio_sha256 == films[1].audio_sha256


def silent_wav(seconds: float) -> bytes:
    stored = io.BytesIO()
    with wave.open(stored, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(bytes(int(96_000 * seconds)))
    return stored.getvalue()


def test_sound_that_is_too_short_fails_the_task_and_costs_nothing(server):
    upload = server.http.post(
        "/v1/uploads/audios", files={"file": ("short.wav", silent_wav(2), "audio/wav")}
    ).json()
    task = server.ended(server.submit({"prompt": "x", "audio_url": upload["url"]}))
    assert task["status"] == "failed"
    assert task["error"] == {
        "code": "input_audio_too_short",
        "message": task["error"]["message"],
        "type": "task_failed",
        "param": "audio_url",
    }
    assert "3 to 30 seconds" in task["error"]["message"]
    assert "cost" not in task
