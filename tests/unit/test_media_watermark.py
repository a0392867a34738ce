"""The mark: where it lies, that it can be read on anything, and that it touches nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import media_files as files
from filmgate.media.cover import yuv_planes
from filmgate.media.watermark import Watermark

ODD_SIZES = ((1158, 776), (400, 1200), (1662, 554))


@pytest.mark.parametrize("size", [*files.FILM_SIZES, *ODD_SIZES])
@pytest.mark.parametrize("luma", [16, 80, 128, 190, 235])
def test_the_mark_can_be_read_on_bright_and_dark_frames(size, luma):
    frame = files.plain_frame(*size, luma)
    mark = Watermark(width_px=size[0], height_px=size[1])
    mark.burn(frame)
    inside = yuv_planes(frame)[0][
        mark.top_px : mark.bottom_px, mark.left_px : mark.right_px
    ].astype(int)
    assert inside.max() >= 215
    assert inside.max() - np.percentile(inside, 20 if luma < 128 else 5) >= 90
    assert mark.bottom_px - mark.top_px >= 24
    assert mark.right_px - mark.left_px >= 110


@pytest.mark.parametrize("size", [*files.FILM_SIZES, *ODD_SIZES])
def test_the_mark_lies_whole_in_the_bottom_right(size):
    mark = Watermark(width_px=size[0], height_px=size[1])
    assert mark.left_px > size[0] * 0.4
    assert mark.top_px > size[1] * 0.8
    assert size[0] * 0.96 < mark.right_px <= size[0]
    assert size[1] * 0.96 < mark.bottom_px <= size[1]


@pytest.mark.parametrize("size", [(832, 480), (1158, 776), (1080, 1920)])
def test_nothing_outside_the_mark_changes(size):
    noise = np.random.default_rng(7)
    before = noise.integers(0, 256, (size[1] * 3 // 2, size[0]), dtype=np.uint8)
    after = before.copy()
    mark = Watermark(width_px=size[0], height_px=size[1])
    mark.burn(after)
    for number, (was, now) in enumerate(zip(yuv_planes(before), yuv_planes(after), strict=True)):
        step = 1 if number == 0 else 2
        rows, columns = (was != now).nonzero()
        assert len(rows)
        assert rows.min() * step >= mark.top_px
        assert rows.max() * step < mark.bottom_px
        assert columns.min() * step >= mark.left_px
        assert columns.max() * step < mark.right_px


def test_colour_fades_under_the_letters():
    frame = files.plain_frame(1280, 720, 120)
    _, blue, red = yuv_planes(frame)
    blue[:], red[:] = 240, 20
    mark = Watermark(width_px=1280, height_px=720)
    mark.burn(frame)
    rows = slice(mark.top_px // 2, mark.bottom_px // 2)
    columns = slice(mark.left_px // 2, mark.right_px // 2)
    assert np.abs(blue[rows, columns].astype(int) - 128).min() < 12
    assert np.abs(red[rows, columns].astype(int) - 128).min() < 12


def test_a_mark_is_the_same_every_time():
    frames = [files.plain_frame(832, 480, 100) for _ in range(2)]
    for frame in frames:
        Watermark(width_px=832, height_px=480).burn(frame)
    assert np.array_equal(*frames)
