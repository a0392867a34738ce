"""From painted pictures to BT.709 planes."""

import numpy as np
import pytest

from filmgate.engines.draft.grade import Grade
from filmgate.engines.draft.look import Picture

SIZE = (160, 96)


def planes(
    image: np.ndarray, *, glow: np.ndarray | None = None, index: int = 0, **how: object
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = image.shape[:2]
    given = {"seed": 1, "has_grain": False} | how
    frame = Grade(SIZE, (width, height), **given).planes(Picture(image, glow), 0.0, index)
    assert frame.shape == (SIZE[1] * 3 // 2, SIZE[0])
    assert frame.dtype == np.uint8
    y, uv = frame[: SIZE[1]], frame[SIZE[1] :].reshape(2, SIZE[1] // 2, SIZE[0] // 2)
    return y, uv[0], uv[1]


def flat(blue: int, green: int, red: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), (blue, green, red), np.uint8)


@pytest.mark.parametrize(
    ("colour", "yuv"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((200, 200, 200), (188, 128, 128)),
        ((0, 0, 200), (53, 108, 216)),
        ((0, 200, 0), (139, 60, 48)),
        ((200, 0, 0), (28, 216, 120)),
    ],
)
def test_colours_are_bt709_in_limited_range(
    colour: tuple[int, int, int], yuv: tuple[int, int, int]
) -> None:
    middle = [
        int(plane[plane.shape[0] // 2, plane.shape[1] // 2]) for plane in planes(flat(*colour))
    ]
    assert np.abs(np.array(middle) - yuv).max() <= 2


@pytest.mark.parametrize("inner", [(160, 96), (120, 72), (96, 56)])
def test_a_smaller_painting_fills_the_delivered_frame(inner: tuple[int, int]) -> None:
    y, u, v = planes(flat(120, 120, 120, inner))
    assert y.min() > 60
    assert abs(int(u.mean()) - 128) <= 1
    assert abs(int(v.mean()) - 128) <= 1


def test_corners_are_darker_than_the_middle() -> None:
    y, _, _ = planes(flat(150, 150, 150))
    assert y[0, 0] < y[48, 80] - 10


def test_a_lamp_spills_into_its_surroundings() -> None:
    glow = np.zeros((SIZE[1] // 4, SIZE[0] // 4, 3), np.uint8)
    glow[11:13, 19:21] = 255
    dark, _, _ = planes(flat(20, 20, 20))
    lit, _, _ = planes(flat(20, 20, 20), glow=glow)
    assert lit[48, 80] > dark[48, 80] + 20
    assert lit[48, 92] > dark[48, 92]


def test_grain_is_fine_moves_and_can_be_left_out() -> None:
    clean, _, _ = planes(flat(120, 120, 120))
    a, _, _ = planes(flat(120, 120, 120), has_grain=True, index=3)
    b, _, _ = planes(flat(120, 120, 120), has_grain=True, index=4)
    noise = a.astype(int) - clean
    assert 1.5 < noise.std() < 3
    assert abs(noise.mean()) < 0.3
    assert not np.array_equal(a, b)


def test_a_rolled_frame_shows_no_corner() -> None:
    grade = Grade(SIZE, SIZE, seed=1, roll_max=0.012, has_grain=False)
    image = np.random.default_rng(1).integers(90, 160, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    level = grade.planes(Picture(image), 0.0, 0)
    rolled = grade.planes(Picture(image), 0.012, 0)
    assert rolled[: SIZE[1]].min() > 40
    assert not np.array_equal(level, rolled)
