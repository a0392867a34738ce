"""Representatives of the corpus through the whole server: the right failure, at no cost; flat
memory; and the caller's own samples in the film.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import media_files as files
from filmgate.testing.web import WebServer, answer, gzip_bomb, in_turn, redirect
from input_corpus import pictures, sounds
from input_corpus.forms import uri
from serving import ServerUnderTest, serving
from web_fixtures import HOST, web_in_a_thread

IMAGE_BYTES_MAX, AUDIO_BYTES_MAX = 20 * 2**20, 15 * 2**20
GROWTH_BYTES_MAX = 4_000_000
RATE_HZ = 48_000
FILM_SAMPLES = 5 * RATE_HZ


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_in_a_thread() as running:
        yield running


@pytest.fixture(scope="module")
def server(web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    with serving(
        tmp_path_factory.mktemp("corpus") / "data",
        engine="testcard",
        fetch_resolve=f"{HOST}=127.0.0.1",
        fetch_allowed=HOST,
    ) as running:
        operate(running, "accounts", "limit", "main", "on")
        operate(running, "credits", "grant", "main", "10")
        yield running


def operate(server: ServerUnderTest, *words: str) -> None:
    """Run one of the operator's commands."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FILMGATE_")}
    command = [sys.executable, "-m", "filmgate", *words]
    environment |= {"PYTHONPATH": "src", "FILMGATE_DATA": str(server.data)}
    subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True)


def serve(web: WebServer, content: bytes | Callable[[], bytes], name: str) -> str:
    """Have the web server answer with these bytes; return the URL."""
    web.route(f"/{name}", answer(content if isinstance(content, bytes) else content()))
    return web.url(f"/{name}", host=HOST)


def routed(web: WebServer, route: Any, name: str) -> str:
    web.route(f"/{name}", route)
    return web.url(f"/{name}", host=HOST)


def image(url: str) -> dict[str, Any]:
    return {"image_urls": [url], "resolution": "480p"}


def sound(url: str) -> dict[str, Any]:
    return {"prompt": "x", "audio_url": url, "resolution": "480p"}


def broken_inputs(web: WebServer) -> dict[str, tuple[dict[str, Any], str, str]]:
    """By name: a body, the failure's code, and a word of its message."""
    refused, muted = pictures.REFUSED, sounds.REFUSED
    return {
        "404": (image(web.url("/none", host=HOST)), "input_not_found", "answered 404"),
        "html": (image(serve(web, refused["html"].content, "a.png")), *_told(refused["html"])),
        "heic": (image(serve(web, refused["heic"].content, "b.jpg")), *_told(refused["heic"])),
        "bomb": (
            image(serve(web, refused["png bomb"].content, "c.png")),
            *_told(refused["png bomb"]),
        ),
        "truncated": (
            image(serve(web, refused["jpeg, truncated"].content, "d.jpg")),
            *_told(refused["jpeg, truncated"]),
        ),
        "239 px": (image(uri(refused["239 px"].content())), *_told(refused["239 px"])),
        "gzip bomb": (
            image(routed(web, gzip_bomb(2**24), "e")),
            "input_encoding_refused",
            "gzip",
        ),
        "inside": (
            image(routed(web, redirect("http://127.0.0.2/"), "f")),
            "input_url_refused",
            "redirect only",
        ),
        "large picture": (
            image(serve(web, bytes(IMAGE_BYTES_MAX + 1), "g")),
            "input_too_large",
            "at most 20971520 bytes",
        ),
        "2.9 s": (
            sound(serve(web, muted["wav of 2.9 s"].content, "h")),
            *_told(muted["wav of 2.9 s"]),
        ),
        "30.2 s": (
            sound(serve(web, muted["mp3 of 30.2 s"].content, "i")),
            *_told(muted["mp3 of 30.2 s"]),
        ),
        "video": (
            sound(serve(web, muted["a video named .mp3"].content, "j.mp3")),
            *_told(muted["a video named .mp3"]),
        ),
        "large sound": (
            sound(serve(web, bytes(AUDIO_BYTES_MAX + 1), "k")),
            "input_too_large",
            "at most 15728640 bytes",
        ),
    }


def _told(case: pictures.Refused | sounds.Refused) -> tuple[str, str]:
    return case.code, case.word


def balance_usd(server: ServerUnderTest) -> tuple[float, float]:
    """What the account has left, and what its films have cost."""
    answer = server.http.get("/v1/balance").json()
    return answer["remain_balance"], answer["used_balance"]


def test_a_broken_input_fails_its_task_with_the_reason_at_no_cost(server, web):
    cases = broken_inputs(web)
    before_usd = balance_usd(server)
    submitted = {name: server.submit(body) for name, (body, _, _) in cases.items()}
    assert balance_usd(server) < before_usd  # held for those that still wait
    for name, (body, code, word) in cases.items():
        task = server.ended(submitted[name])
        assert task["status"] == "failed", (name, task)
        error = task["error"]
        param = "image_urls" if "image_urls" in body else "audio_url"
        assert (error["code"], error["param"], error["type"]) == (code, param, "task_failed"), name
        assert word in error["message"], name
        assert "cost" not in task
        assert "result" not in task
    assert balance_usd(server) == before_usd


def test_odd_inputs_make_films(server, web):
    taken = pictures.TAKEN
    turned = taken["jpeg, EXIF orientation 6"].content()
    trouble = in_turn(answer(b"", status=503), answer(turned))
    bodies = [
        image(routed(web, trouble, "trouble")),
        image(serve(web, taken["jpeg, CMYK"].content, "cmyk")),
        image(serve(web, taken["png, 16 bit colour"].content, "deep"))
        | sound(serve(web, sounds.TAKEN["wav, Microsoft ADPCM"].content, "adpcm")),
    ]
    for task_id in [server.submit(body) for body in bodies]:
        task = server.ended(task_id)
        assert task["status"] == "completed", task
        assert (task["width"], task["height"]) != (480, 832)


# ---- memory


def high_water_bytes(pid: int) -> int:
    """The most memory that a process held since its mark was reset."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def reset_high_water(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def padded(content: bytes, size_bytes: int) -> bytes:
    return content + bytes(size_bytes - len(content))


def large_sound() -> bytes:
    """A wav of just under 15 MiB: 20 s of 96 kHz stereo float."""
    return files.wav_bytes(files.tone(20, rate_hz=96_000, channels=2), rate_hz=96_000, kind="f32")


def take_in(server: ServerUnderTest, web: WebServer, picture: bytes, heard: bytes) -> None:
    """Upload both, and have both fetched."""
    for kind, content in (("images", picture), ("audios", heard)):
        sent = server.http.post(f"/v1/uploads/{kind}", files={"file": ("a", content)})
        assert sent.status_code == 200, sent.text
        assert sent.json()["bytes"] == len(content)
    body = image(serve(web, picture, "picture")) | sound(serve(web, heard, "sound"))
    task = server.ended(server.submit(body))
    assert task["status"] == "completed", task


def test_memory_stays_flat_while_large_files_are_taken_in(server, web):
    jpeg = files.picture_bytes(files.quartered(832, 480), "JPEG")
    heard = large_sound()
    assert AUDIO_BYTES_MAX - 2**19 < len(heard) <= AUDIO_BYTES_MAX
    # The first time settles what the allocator keeps; a file held whole is mapped anew each time.
    take_in(server, web, padded(jpeg, IMAGE_BYTES_MAX), heard)
    pids = {name: server.pid_of(name) for name in ("gateway", "worker")}
    for pid in pids.values():
        reset_high_water(pid)
    before = {name: high_water_bytes(pid) for name, pid in pids.items()}

    take_in(server, web, padded(jpeg, IMAGE_BYTES_MAX), heard)

    grown = {name: high_water_bytes(pid) - before[name] for name, pid in pids.items()}
    print(f"grown by MiB: { {name: round(grew / 2**20, 1) for name, grew in grown.items()} }")
    assert max(grown.values()) < GROWTH_BYTES_MAX, grown


# ---- samples


def sweep(seconds: float) -> NDArray[np.float32]:
    """A tone that rises from 300 to 900 Hz in ten seconds, so that every place in it is its own."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = 0.4 * np.sin(2 * np.pi * (300 * at + 30 * at**2))
    return wave[np.newaxis].astype(np.float32)


def heard_in_film(
    server: ServerUnderTest, samples: NDArray[np.float32], target: Path
) -> NDArray[np.float32]:
    """Upload a sound, have a film of 5 s made with it, and decode the film's: float32 [2, n]."""
    content = files.wav_bytes(samples, rate_hz=RATE_HZ)
    upload = server.http.post("/v1/uploads/audios", files={"file": ("a.wav", content)}).json()
    task = server.ended(server.submit(sound(upload["url"])))
    heard = files.decoded_sound(server.film(task, target))
    assert heard.shape[1] >= FILM_SAMPLES
    return heard[:, :FILM_SAMPLES]


def assert_same(heard: NDArray[np.float32], meant: NDArray[np.float32]) -> None:
    """The same samples but for what AAC loses: in phase, at the same level."""
    difference = np.sqrt(np.mean((heard - meant) ** 2))
    assert difference < 0.03 * np.sqrt(np.mean(meant**2)), difference


def test_a_long_sound_is_cut_at_the_films_end(server, tmp_path):
    samples = sweep(8)
    heard = heard_in_film(server, samples, tmp_path / "film.mp4")
    for side in heard:
        for start in (2_400, 100_000, FILM_SAMPLES - 4_800):
            piece = slice(start, start + 4_000)
            assert_same(side[piece], samples[0, piece])
    fade = np.abs(heard[:, -480:])
    assert fade[:, -24:].max() < 0.1 * fade[:, :120].max()


def test_a_short_sound_is_followed_by_silence(server, tmp_path):
    samples = sweep(3.5)
    end = samples.shape[1]
    heard = heard_in_film(server, samples, tmp_path / "film.mp4")
    for side in heard:
        for start in (2_400, end - 6_000):
            piece = slice(start, start + 4_000)
            assert_same(side[piece], samples[0, piece])
    assert np.abs(heard[:, end - 480 : end]).max() > 0.3  # no fade where nothing was cut
    assert np.abs(heard[:, end + 2_048 :]).max() < 1e-4  # one AAC block may ring on
    assert np.abs(heard[:, -RATE_HZ:]).max() < 1e-6
