"""Open weights behind the whole server: real processes, tiny weights, the CPU."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from filmgate.media.probe import probe_film
from neural.watching import red_and_blue
from serving import ServerUnderTest, children_of, serving, wait_until

LONG_S = 180
SUNSET = {"prompt": "Sunset coastal highway, waves", "resolution": "480p", "seed": 12345}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def server(weights, profile, tmp_path_factory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("open-weights") / "data"
    settings = {
        "wan_model": str(weights("wan-ti2v")),
        "wan_profile": str(profile(fps=16, frames_max=81)),
        "neural_motion": "blend",
    }
    with serving(data, **settings) as running:
        yield running


def studio_of(server: ServerUnderTest) -> int:
    """The process that holds the model."""
    found: list[int] = []

    def is_there() -> bool:
        found[:] = [
            pid
            for pid in children_of(server.pid_of("worker"))
            if "--resident" in Path(f"/proc/{pid}/cmdline").read_text()
        ]
        return bool(found)

    wait_until(is_there, LONG_S, server.tail)
    return found[0]


def is_made(server: ServerUnderTest, task_id: str) -> bool:
    """Whether the model has begun with it: what comes before is told by less progress."""
    return server.task(task_id)["progress"] > 6


def test_a_prompt_becomes_a_film_of_the_promised_size_with_sound(server, tmp_path):
    task = server.ended(server.submit(SUNSET), LONG_S)
    path = server.film(task, tmp_path / "film.mp4")
    film = probe_film(path)
    assert task["engine"] == "wan"
    log = server.log.read_text(errors="replace")
    assert log.index("event=engine.warm") < log.index("event=task.claimed")
    assert (film.width_px, film.height_px, film.frame_count) == (832, 480, 120)
    assert film.sample_count == 240_000
    with av.open(str(path)) as box:
        sound = np.concatenate([f.to_ndarray() for f in box.decode(audio=0)], axis=1)
    assert np.abs(sound).max() > 0.01, "a model without sound gets ambience that suits the words"
    again = server.ended(server.submit(SUNSET), LONG_S)
    same = probe_film(server.film(again, tmp_path / "again.mp4"))
    assert same.video_sha256 == film.video_sha256


def test_a_picture_becomes_ten_seconds(server, tmp_path):
    picture = red_and_blue(tmp_path / "picture.png", 640, 360)
    uri = "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
    body = {"image_urls": [uri], "resolution": "480p", "duration": 10, "seed": 1}
    task = server.ended(server.submit(body), LONG_S)
    film = probe_film(server.film(task, tmp_path / "film.mp4"))
    assert (film.width_px, film.height_px, film.frame_count) == (832, 480, 240)


def test_a_killed_studio_is_replaced_and_the_film_made(server):
    studio = studio_of(server)
    task_id = server.submit({**SUNSET, "duration": 10, "resolution": "1080p"})
    wait_until(lambda: is_made(server, task_id), LONG_S, server.tail)
    os.kill(studio, signal.SIGKILL)
    # A film that was made by then is finished elsewhere; the next one needs a new process for sure.
    for each in (task_id, server.submit(SUNSET)):
        assert server.ended(each, LONG_S)["status"] == "completed"
    assert studio_of(server) != studio


def test_a_cancelled_film_is_left_and_its_studio_keeps_the_model(server):
    studio = studio_of(server)
    task_id = server.submit({**SUNSET, "duration": 10, "resolution": "1080p"})
    wait_until(lambda: is_made(server, task_id), LONG_S, server.tail)
    answer = server.http.post(f"/v1/tasks/{task_id}/cancel")
    assert answer.status_code == 200, answer.text
    assert server.task(task_id)["status"] == "cancelled"
    assert server.ended(server.submit(SUNSET), LONG_S)["status"] == "completed"
    assert studio_of(server) == studio
