"""The corpus of pictures and sounds: each is taken as what it is, or refused with its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import media_files as files
from filmgate.domain.errors import InputRejected
from filmgate.media.picture import inspect_picture, prepare_picture
from filmgate.media.sound import inspect_sound, read_sound
from input_corpus import pictures, sounds

TOLERANCE = 16
SAMPLES = 240_000


def written(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", pictures.TAKEN)
def test_a_picture_is_taken_upright_and_in_its_colours(name: str, tmp_path: Path) -> None:
    case = pictures.TAKEN[name]
    path = written(tmp_path, case.content(), case.name)
    facts = inspect_picture(path, param="image_urls")
    assert (facts.width_px, facts.height_px) == case.size

    target = tmp_path / "prepared"
    prepare_picture(path, target, width_px=320, height_px=240, param="image_urls")
    with Image.open(target) as prepared:
        assert (prepared.mode, prepared.size) == ("RGB", (320, 240))
        pixels = np.asarray(prepared).astype(int)
    if case.is_quartered:
        for row, column, colour in (
            (24, 64, files.GREEN),
            (24, 256, files.GREEN),
            (200, 64, files.RED),
            (200, 256, files.BLUE),
        ):
            assert np.abs(pixels[row, column] - colour).max() <= TOLERANCE, (row, column)


@pytest.mark.parametrize("name", pictures.REFUSED)
def test_a_picture_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    case = pictures.REFUSED[name]
    path = written(tmp_path, case.content(), case.name)
    with pytest.raises(InputRejected) as caught:
        inspect_picture(path, param="image_urls")
    assert (caught.value.reason, caught.value.param) == (case.code, "image_urls")
    assert caught.value.message.startswith("image_urls must ")
    assert case.word in caught.value.message


@pytest.mark.parametrize("name", sounds.TAKEN)
def test_a_sound_is_taken_at_its_real_length(name: str, tmp_path: Path) -> None:
    case = sounds.TAKEN[name]
    path = written(tmp_path, case.content(), "sound.bin")
    facts = inspect_sound(path, param="audio_url")
    assert facts.duration_s == pytest.approx(case.seconds, abs=case.slack_s or 1e-9)

    heard = read_sound(path, sample_count=SAMPLES)
    assert heard.shape == (2, SAMPLES)
    assert 0.3 < np.abs(heard[:, 48_000:96_000]).max() <= 1.0
    if case.seconds + case.slack_s < SAMPLES / 48_000 - 0.5:
        assert not heard[:, -20_000:].any()


@pytest.mark.parametrize("name", sounds.REFUSED)
def test_a_sound_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    case = sounds.REFUSED[name]
    path = written(tmp_path, case.content(), "song.mp3")
    with pytest.raises(InputRejected) as caught:
        inspect_sound(path, param="audio_url")
    assert (caught.value.reason, caught.value.param) == (case.code, "audio_url")
    assert caught.value.message.startswith("audio_url must ")
    assert case.word in caught.value.message
