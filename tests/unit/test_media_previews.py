"""Small pictures of a film in the making: how big, how often, and what never goes wrong."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import media_files as files
from filmgate.media.previews import BYTES_MAX, EVERY_S, Previews


class Screen:
    """Keeps what it is shown, by a clock that the test moves."""

    def __init__(self) -> None:
        self.jpegs: list[bytes] = []
        self.now_s = 100.0
        self.previews = Previews(self.jpegs.append, now_s=lambda: self.now_s)

    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.jpegs[-1]))


@pytest.mark.parametrize(
    ("frame_px", "shown_px"),
    [((1280, 720), (320, 180)), ((720, 1280), (180, 320)), ((624, 624), (320, 320))],
)
def test_a_preview_is_a_small_jpeg_in_the_films_shape(frame_px, shown_px):
    screen = Screen()
    screen.previews.see(0, files.plain_frame(*frame_px, 128))
    picture = screen.picture()
    assert picture.format == "JPEG"
    assert picture.size == shown_px
    assert max(abs(level - 130) for level in picture.convert("RGB").getpixel((50, 50))) < 4


def test_the_first_frame_is_shown_at_once_and_then_one_a_second():
    screen = Screen()
    frame = files.plain_frame(256, 144, 90)
    for number in range(48):
        screen.previews.see(number, frame)
        screen.now_s += EVERY_S / 24
    assert len(screen.jpegs) == 2


def test_what_an_engine_shows_counts_like_a_frame():
    screen = Screen()
    red = np.zeros((90, 160, 3), np.uint8)
    red[..., 0] = 250
    screen.previews.see_picture(red)
    screen.previews.see(0, files.plain_frame(256, 144, 90))
    assert len(screen.jpegs) == 1
    assert screen.picture().size == (160, 90)
    level = screen.picture().getpixel((80, 45))
    assert level[0] > 240
    assert max(level[1:]) < 10


def test_the_busiest_picture_stays_under_the_limit():
    screen = Screen()
    noise = np.random.default_rng(7).integers(0, 256, (640, 640, 3), np.uint8)
    for _ in range(2):
        screen.previews.see_picture(noise)
        screen.now_s += EVERY_S
    assert all(len(jpeg) <= BYTES_MAX for jpeg in screen.jpegs)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((9, 16), np.uint8),
        np.zeros((9, 16, 4), np.uint8),
        np.zeros((9, 16, 3), np.float32),
        np.zeros((0, 16, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_passed_over(picture):
    screen = Screen()
    screen.previews.see_picture(picture)
    assert screen.jpegs == []
