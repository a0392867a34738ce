"""What a film brings along through the real server: its signed provenance, its stills."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from filmgate.domain.errors import ConfigError
from filmgate.media.certificates import certificate_facts, newest_pair
from filmgate.media.probe import probe_film
from filmgate.media.provenance import read_provenance
from serving import ServerUnderTest, serving, wait_until

PROMPT = "Sunset coastal highway, cinematic shot"
BODY = {"prompt": PROMPT, "resolution": "480p", "seed": 99}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("signed") / "data"
    with serving(data, engine="testcard") as running:
        yield running


@pytest.fixture(scope="module")
def unsigned_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("unsigned") / "data"
    with serving(data, engine="testcard", provenance="off") as running:
        yield running


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    data = tmp_path_factory.mktemp("short") / "data"
    with serving(data, engine="testcard", result_ttl_s="2") as running:
        yield running


@pytest.fixture(scope="module")
def task(server: ServerUnderTest) -> dict[str, Any]:
    return server.ended(server.submit(BODY))


@pytest.fixture
def film(server: ServerUnderTest, task: dict[str, Any], tmp_path: Path) -> Path:
    return server.film(task, tmp_path / "film.mp4")


def test_every_film_says_how_it_was_made(server, task, film):
    said = read_provenance(film)
    assert said is not None
    assert (said.state, said.codes) == ("Valid", ("signingCredential.untrusted",))
    assert said.source == "algorithmicMedia"
    assert said.facts["task"] == task["id"]
    assert said.facts["seed"] == "99"
    assert said.facts["model"] == "wan2.5-preview"
    assert said.facts["engine"] == "testcard"
    assert said.facts["engine_version"]
    assert PROMPT.encode() not in film.read_bytes()


def test_the_certificate_is_made_at_the_first_start_and_private(server):
    pair = newest_pair(server.data / "certs")
    assert pair is not None
    assert certificate_facts(pair[0]).subject == "CN=filmgate,O=Self-made by filmgate"
    assert (server.data / "certs").stat().st_mode & 0o777 == 0o700
    assert pair[1].stat().st_mode & 0o777 == 0o600


def test_one_flipped_bit_of_a_download_makes_it_invalid(film):
    content = bytearray(film.read_bytes())
    content[-2000] ^= 1
    film.write_bytes(content)
    said = read_provenance(film)
    assert said is not None
    assert (said.state, "assertion.bmffHash.mismatch" in said.codes) == ("Invalid", True)


def test_provenance_changes_no_stream_and_can_be_turned_off(film, unsigned_server, tmp_path):
    other = unsigned_server.ended(unsigned_server.submit(BODY))
    unsigned = unsigned_server.film(other, tmp_path / "unsigned.mp4")
    assert read_provenance(unsigned) is None
    assert not (unsigned_server.data / "certs").exists()
    signed, plain = probe_film(film), probe_film(unsigned)
    assert signed.video_sha256 == plain.video_sha256
    assert signed.audio_sha256 == plain.audio_sha256
    assert (signed.sample_count, signed.priming_samples) == (240_000, 1024)
    assert signed.duration_s == plain.duration_s == 5
    assert signed.is_index_first


def test_a_completed_task_has_a_thumbnail_and_sprites(server, task):
    answer = server.http.get(task["thumbnail_url"], headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (640, 370))
    film = next(server.data.glob(f"files/**/results/{task['id']}/*/film.mp4"))
    with Image.open(film.with_name("sprites.jpg")) as sprites:
        assert (sprites.format, sprites.size) == ("JPEG", (960, 4 * 110))


def test_only_a_completed_task_shows_a_thumbnail(server):
    failed = server.ended(server.submit({"prompt": "[fail]", "prompt_extend": False}))
    assert failed["status"] == "failed"
    assert "thumbnail_url" not in failed


def test_stills_expire_with_their_film(short_lived):
    task = short_lived.ended(short_lived.submit(BODY))
    video = task["result"]["videos"][0]
    assert f"expires={video['expires_at']}&" in task["thumbnail_url"]
    for url in (task["thumbnail_url"], video["url"][0]):
        wait_until(lambda url=url: short_lived.http.get(url).status_code == 410, 10)


def test_a_film_that_cannot_be_signed_fails_its_task_and_costs_nothing(short_lived):
    pair = newest_pair(short_lived.data / "certs")
    assert pair is not None
    key = pair[1].read_text()
    pair[1].write_text("no key\n")
    try:
        task = short_lived.ended(short_lived.submit(BODY))
    finally:
        pair[1].write_text(key)
    assert task["status"] == "failed", task
    assert task["error"]["code"] == "engine_failed"
    assert "provenance could not be signed" in task["error"]["message"]
    assert "cost" not in task
    assert "film.not_signed" in short_lived.tail()


def test_a_certificate_that_does_not_exist_ends_the_start_with_its_name(tmp_path):
    from filmgate.bootstrap import signing_credential
    from filmgate.config import Settings

    missing = str(tmp_path / "films.pem")
    settings = Settings(provenance_certificate=missing, provenance_key=missing)
    with pytest.raises(ConfigError, match=r"films\.pem cannot be read"):
        signing_credential(settings)
