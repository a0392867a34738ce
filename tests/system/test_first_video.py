"""From a prompt to a file, through the real processes: what a newcomer does first."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from filmgate.media.probe import probe_film
from serving import ServerUnderTest, serving

SUNSET = {"prompt": "Sunset coastal highway, cinematic shot"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("server") / "data"
    with serving(data, engine="testcard") as running:
        yield running


def test_a_prompt_becomes_a_file(server, tmp_path):
    task_id = server.submit({**SUNSET, "resolution": "480p", "seed": 12345})
    task = server.ended(task_id)
    film = probe_film(server.film(task, tmp_path / "film.mp4"))

    assert task["progress"] == 100
    assert task["seed"] == 12345
    assert task["cost"] == 0.168
    assert task["credits_cost"] == 1.68
    assert task["orig_prompt"] == SUNSET["prompt"]
    assert (film.width_px, film.height_px, film.frame_count) == (832, 480, 120)
    assert film.sample_count == 240_000
    assert film.is_index_first


def test_the_same_seed_gives_the_same_packets(server, tmp_path):
    body = {**SUNSET, "resolution": "480p", "seed": 99}
    films = []
    for name in ("one.mp4", "two.mp4"):
        task = server.ended(server.submit(body))
        films.append(probe_film(server.film(task, tmp_path / name)))
    assert films[0].video_sha256 == films[1].video_sha256
    assert films[0].audio_sha256 == films[1].audio_sha256


def test_an_image_as_data_uri_sets_the_shape(server, tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (900, 900), (200, 120, 40)).save(picture, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
    task = server.ended(server.submit({"image_urls": [uri], "resolution": "480p"}))
    film = probe_film(server.film(task, tmp_path / "film.mp4"))
    assert (film.width_px, film.height_px) == (624, 624)


def test_an_upload_is_read_without_leaving_the_machine(server, tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (1280, 720), (20, 120, 240)).save(picture, "JPEG")
    answer = server.http.post(
        "/v1/uploads/images", files={"file": ("cat.jpg", picture.getvalue(), "image/jpeg")}
    )
    assert answer.status_code == 200, answer.text
    upload = answer.json()
    assert upload["content_type"] == "image/jpeg"
    task = server.ended(
        server.submit({"prompt": "x", "image_urls": [upload["url"]], "resolution": "480p"})
    )
    assert task["status"] == "completed", task


def test_a_private_address_is_refused_at_once(server):
    answer = server.http.post(
        "/v1/videos/generations",
        json={"model": "wan2.5-preview", "image_urls": ["http://169.254.169.254/latest"]},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "image_urls"


def test_a_picture_that_cannot_be_had_fails_the_task_and_costs_nothing(server):
    task = server.ended(
        server.submit({"prompt": "x", "image_urls": ["https://filmgate.invalid/a.png"]})
    )
    assert task["status"] == "failed"
    assert task["error"]["type"] == "task_failed"
    assert task["error"]["param"] == "image_urls"
    assert "cost" not in task


def test_an_engine_that_crashes_every_time_ends_the_task_and_no_other(server):
    crashing = server.submit({"prompt": "[crash]", "resolution": "480p", "prompt_extend": False})
    healthy = server.submit({**SUNSET, "resolution": "480p"})
    assert server.ended(healthy)["status"] == "completed"
    task = server.ended(crashing)
    assert task["status"] == "failed"
    assert task["error"]["code"] in {"engine_crashed", "worker_lost"}


def test_an_engine_that_says_no_fails_the_task_with_its_words(server):
    task = server.ended(server.submit({"prompt": "[fail]", "prompt_extend": False}))
    assert task["error"]["message"] == "the test card was told to fail"


def test_a_running_task_is_cancelled_at_once(server):
    task_id = server.submit({"prompt": "[slow]", "prompt_extend": False, "resolution": "480p"})
    while server.task(task_id)["status"] == "pending":
        pass
    answer = server.http.post(f"/v1/tasks/{task_id}/cancel")
    assert answer.json()["data"]["status"] == "cancelled"
    after = server.ended(server.submit({**SUNSET, "resolution": "480p"}))
    assert after["status"] == "completed"
    assert server.task(task_id)["status"] == "cancelled"


def test_a_result_answers_range_head_and_etag(server):
    task = server.ended(server.submit({**SUNSET, "resolution": "480p"}))
    url = task["result"]["videos"][0]["url"][0]
    whole = server.http.get(url)
    head = server.http.head(url)
    part = server.http.get(url, headers={"Range": "bytes=4-7"})
    assert head.headers["content-length"] == str(len(whole.content))
    assert (part.status_code, part.content) == (206, b"ftyp")
    again = server.http.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304
    assert server.http.get(url[:-4] + "AAAA").status_code == 404


def test_another_key_sees_nothing(server):
    task_id = server.submit(SUNSET)
    answer = server.http.get(f"/v1/tasks/{task_id}", headers={"Authorization": "Bearer fg_wrong"})
    assert answer.status_code == 401
    missing = server.http.get("/v1/tasks/task_01J9HA7JPQ9A0Z6JZ3V8M9W6PZ")
    assert missing.status_code == 400
    assert missing.json()["error"] == {
        "code": 400,
        "message": "Invalid task ID",
        "type": "invalid_request_error",
    }
    server.http.post(f"/v1/tasks/{task_id}/cancel")


def test_an_idempotency_key_makes_one_task(server):
    body = {"model": "wan2.5-preview", **SUNSET, "resolution": "480p"}
    first, second = (
        server.http.post("/v1/videos/generations", json=body, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    )
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    other = server.http.post(
        "/v1/videos/generations",
        json={**body, "duration": 10},
        headers={"Idempotency-Key": "k1"},
    )
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


def test_waiting_answers_at_the_first_change(server):
    task_id = server.submit({**SUNSET, "resolution": "480p"})
    seen = [server.task(task_id)["progress"]]
    while server.task(task_id)["status"] not in {"completed", "failed"}:
        answer = server.http.get(f"/v1/tasks/{task_id}", params={"wait": 30}).json()
        seen.append(answer["data"]["progress"])
    assert seen == sorted(seen)
    assert len(seen) < 200


def test_files_are_private(server):
    assert Path(server.data / "client.key").stat().st_mode & 0o777 == 0o600
    assert Path(server.data / "postgres.password").stat().st_mode & 0o777 == 0o600
