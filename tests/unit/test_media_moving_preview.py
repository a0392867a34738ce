"""Moving previews of films that are made: size, pace, colours, and what is no film."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import media_files as files
from filmgate.domain.errors import EngineFailed
from filmgate.media import moving_preview
from filmgate.media.film import write_film
from filmgate.media.moving_preview import write_moving_preview
from filmgate.ports.engine import PixelFormat

FPS = 24


class Drawn:
    """Footage whose frames a function draws."""

    pixel_format = PixelFormat.YUV420P

    def __init__(self, draw: Callable[[int], NDArray[np.uint8]], frame_count: int) -> None:
        self._draw = draw
        self._frame_count = frame_count

    def frames(self):
        return (self._draw(number) for number in range(self._frame_count))

    def sound(self) -> None:
        return None


def film_of(target: Path, draw: Callable[[int], NDArray[np.uint8]], *, seconds: int) -> Path:
    height_px, width_px = draw(0).shape[0] * 2 // 3, draw(0).shape[1]
    write_film(
        target,
        Drawn(draw, FPS * seconds),
        width_px=width_px,
        height_px=height_px,
        fps=FPS,
        duration_s=seconds,
        sound=None,
        has_watermark=False,
        metadata={},
        on_frame=lambda _: None,
    )
    return target


def barred(number: int) -> NDArray[np.uint8]:
    """640 x 360, with a bright bar that goes four pixels further with each frame."""
    frame = files.plain_frame(640, 360, 60)
    frame[:360, 4 * number : 4 * number + 12] = 200
    return frame


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_of(tmp_path_factory.mktemp("film") / "film.mp4", barred, seconds=6)


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_five_seconds_are_shown_at_their_own_pace(film, tmp_path, kind):
    target = tmp_path / f"preview.{kind}"
    size_bytes = write_moving_preview(film, target)
    assert size_bytes == target.stat().st_size
    with Image.open(target) as picture:
        assert (picture.format, picture.size) == (kind.upper(), (480, 270))
        assert picture.n_frames == 40
        assert picture.info["loop"] == 0
        shown_ms, bars_px = 0, []
        for number in range(40):
            picture.seek(number)
            picture.load()
            shown_ms += picture.info["duration"]
            bars_px.append(int(np.asarray(picture.convert("L"))[135].argmax()))
    assert shown_ms in {4800, 5000}  # GIF counts in hundredths of a second
    meant_px = [9 * number + 4 for number in range(40)]
    assert np.abs(np.array(bars_px) - meant_px).max() <= 5


def test_an_upright_film_is_as_high_as_a_wide_one_is_wide(tmp_path):
    film = film_of(tmp_path / "film.mp4", lambda _: files.plain_frame(480, 832, 90), seconds=1)
    write_moving_preview(film, tmp_path / "preview.webp")
    with Image.open(tmp_path / "preview.webp") as picture:
        assert picture.size == (276, 480)


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_a_preview_that_would_be_too_large_is_made_smaller(tmp_path, monkeypatch, kind):
    noise = np.random.default_rng(7).integers(16, 236, (2, 360 * 3 // 2, 640), np.uint8)
    film = film_of(tmp_path / "film.mp4", lambda number: noise[number % 2], seconds=1)
    target = tmp_path / f"preview.{kind}"
    whole = write_moving_preview(film, target)
    monkeypatch.setattr(moving_preview, "BYTES_MAX", {target.suffix: whole - 1})
    assert write_moving_preview(film, target) < whole
    with Image.open(target) as picture:
        assert picture.size == (360, 202)


@pytest.mark.parametrize("content", [b"", b"no film at all" * 100])
def test_what_is_no_film_is_said_so(tmp_path, content):
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(EngineFailed, match="cannot be read back"):
        write_moving_preview(tmp_path / "film.mp4", tmp_path / "preview.webp")
