"""The seed page's size table, asked for over HTTP and measured in the files that come out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from filmgate.media.probe import probe_film
from serving import ServerUnderTest, serving

TABLE = {
    ("480p", "16:9"): (832, 480),
    ("480p", "9:16"): (480, 832),
    ("480p", "1:1"): (624, 624),
    ("720p", "16:9"): (1280, 720),
    ("720p", "9:16"): (720, 1280),
    ("720p", "1:1"): (960, 960),
    ("720p", "4:3"): (1088, 832),
    ("720p", "3:4"): (832, 1088),
    ("1080p", "16:9"): (1920, 1080),
    ("1080p", "9:16"): (1080, 1920),
    ("1080p", "1:1"): (1440, 1440),
    ("1080p", "4:3"): (1632, 1248),
    ("1080p", "3:4"): (1248, 1632),
}
PRICES_USD_PER_S = {"480p": 0.0336, "720p": 0.0664, "1080p": 0.1096}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    with serving(tmp_path_factory.mktemp("sizes") / "data", engine="testcard") as running:
        yield running


@pytest.mark.parametrize(("resolution", "size"), TABLE)
def test_a_size_of_the_table_is_exact_in_the_file(server, tmp_path, resolution, size):
    task = server.ended(server.submit({"prompt": "a road", "resolution": resolution, "size": size}))
    film = probe_film(server.film(task, tmp_path / "film.mp4"))
    assert (film.width_px, film.height_px) == TABLE[resolution, size]
    assert (film.frame_count, film.sample_count) == (120, 240_000)
    assert task["cost"] == pytest.approx(5 * PRICES_USD_PER_S[resolution])


def test_ten_seconds_are_exact_to_the_frame_and_the_sample(server, tmp_path):
    task = server.ended(server.submit({"prompt": "a road", "resolution": "480p", "duration": 10}))
    film = probe_film(server.film(task, tmp_path / "film.mp4"))
    assert (film.frame_count, film.sample_count) == (240, 480_000)
    assert task["cost"] == pytest.approx(0.336)


@pytest.mark.parametrize("size", ["4:3", "3:4"])
def test_480p_has_three_shapes_only(server, size):
    answer = server.http.post(
        "/v1/videos/generations",
        json={"model": "wan2.5-preview", "prompt": "x", "resolution": "480p", "size": size},
    )
    assert answer.status_code == 400
    message = f'size must be 16:9, 9:16, 1:1 at 480p, got "{size}"'
    assert answer.json()["error"]["message"] == message
