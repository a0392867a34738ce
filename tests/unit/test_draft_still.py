"""The still scene: a given picture, filmed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Move, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.still import Still

WIDTH, HEIGHT = 320, 180
LOOK = Look(
    scene=SceneName.MOOD, time=TimeOfDay.DAY, weather=Weather.CLEAR, moves=(Move.STATIC,),
    without=frozenset(), words=frozenset(), seed=7, duration_s=5,
)  # fmt: skip
RUNNING = replace(LOOK, words=frozenset({"running"}))
EXTREMES = [
    Pose(x=x, y=y, pan=-x, tilt=y, zoom=zoom, dolly=dolly)
    for x in (-0.12, 0.12)
    for y in (-0.12, 0.12)
    for zoom, dolly in ((0.95, -0.3), (1.35, 0.4))
]


def meadow(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Sky, textured grass, and no subject; no two columns alike."""
    rng = np.random.default_rng(3)
    grain = cv2.resize(rng.normal(0, 1, (height // 3, width // 3)), (width, height))
    y = np.linspace(0, 1, height)[:, None, None]
    sky = (1 - y) * (235, 180, 110) + y * (225, 215, 205)
    grass = np.array((50, 150, 90)) * (0.8 + 0.4 * y)
    picture = np.where(y < 0.48, sky, grass) + grain[..., None] * np.where(y < 0.48, 2, 14)
    return np.clip(picture, 0, 255).astype(np.uint8)


def with_ball(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The meadow and a red figure on it."""
    picture = meadow(width, height)
    centre = (width // 2, round(height * 0.62))
    axes = (round(height * 0.13), round(height * 0.22))
    cv2.ellipse(picture, centre, axes, 0, 0, 360, (40, 40, 215), -1, cv2.LINE_AA)
    return picture


def red_middle(image: np.ndarray) -> float:
    """Mean column of the red figure, in pixels."""
    blue, green, red = (image[..., k].astype(int) for k in range(3))
    is_red = (red > 150) & (green < 110) & (blue < 110)
    assert is_red.sum() > 50
    return float(np.nonzero(is_red)[1].mean())


@pytest.fixture(scope="module")
def ball() -> Still:
    return Still(with_ball(), LOOK, WIDTH, HEIGHT)


def test_a_frame_has_the_size_asked_for_and_bytes(ball: Still) -> None:
    image = ball.frame(1.0, Pose(x=0.05)).image
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("picture", [meadow(), with_ball()], ids=["meadow", "ball"])
def test_a_shot_opens_on_the_given_picture(picture: np.ndarray) -> None:
    still = Still(picture, LOOK, WIDTH, HEIGHT)
    assert np.array_equal(still.frame(0.0, Pose()).image, picture)


def test_a_moving_shot_opens_on_the_given_picture() -> None:
    pan = replace(LOOK, moves=(Move.PAN_LEFT,))
    still = Still(with_ball(), pan, WIDTH, HEIGHT)
    assert np.array_equal(still.frame(0.0, Pose(pan=0.11)).image, with_ball())


def test_a_figure_on_a_meadow_is_a_subject(ball: Still) -> None:
    assert ball.has_subject


@pytest.mark.parametrize(
    "picture",
    [
        meadow(),
        np.full((240, 240, 3), (200, 120, 40), np.uint8),
        np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
    ],
    ids=["meadow", "flat", "noise", "black"],
)
def test_a_picture_of_nothing_has_no_subject_and_can_be_filmed(picture: np.ndarray) -> None:
    still = Still(picture, LOOK, WIDTH, HEIGHT)
    assert not still.has_subject
    assert still.frame(1.0, Pose(x=0.1, zoom=1.1)).image.shape == (HEIGHT, WIDTH, 3)


def test_the_subject_moves_further_than_the_horizon(ball: Still) -> None:
    def skyline(image: np.ndarray) -> np.ndarray:
        return image[: HEIGHT // 4].mean(axis=2)

    moved = ball.frame(0.0, Pose(x=0.1)).image
    by_subject = red_middle(moved) - red_middle(with_ball())
    assert 0.06 * HEIGHT < by_subject < 0.14 * HEIGHT
    assert np.abs(skyline(moved) - skyline(with_ball())).mean() < 6


def test_no_trace_of_the_subject_stays_behind(ball: Still) -> None:
    moved = ball.frame(0.0, Pose(x=0.12)).image
    left_behind = moved[:, : round(red_middle(moved) - 0.16 * HEIGHT)].astype(int)
    assert (left_behind[..., 2] - left_behind[..., 1]).max() < 60


@pytest.mark.parametrize("pose", EXTREMES)
def test_extreme_poses_show_nothing_that_is_not_in_the_picture(ball: Still, pose: Pose) -> None:
    bright = np.clip(with_ball().astype(int) + 40, 0, 255).astype(np.uint8)
    still = Still(bright, LOOK, WIDTH, HEIGHT)
    assert still.frame(2.0, pose).image.max(axis=2).min() > 60  # black would be unpainted
    assert ball.frame(2.0, pose).image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    "pose",
    [
        Pose(x=0.05), Pose(y=0.05), Pose(pan=0.05), Pose(tilt=0.05), Pose(zoom=1.1),
        Pose(dolly=0.1), Pose(dolly=-0.1),
    ],
)  # fmt: skip
def test_every_freedom_of_the_camera_changes_the_picture(ball: Still, pose: Pose) -> None:
    assert not np.array_equal(ball.frame(0.0, pose).image, ball.frame(0.0, Pose()).image)


def test_the_same_picture_gives_the_same_bytes_whatever_opencv_drew_before() -> None:
    def bytes_of() -> bytes:
        still = Still(with_ball(), RUNNING, WIDTH, HEIGHT)
        return still.frame(1.3, Pose(x=0.1, dolly=0.2)).image.tobytes()

    first = bytes_of()
    cv2.setRNGSeed(99)
    cv2.randu(np.zeros(50, np.uint8), 0, 255)
    assert bytes_of() == first


def test_frames_are_the_same_from_two_threads_in_any_order(ball: Still) -> None:
    moments = [(t / 8, Pose(x=0.01 * t, pan=0.005 * t)) for t in range(12)]
    alone = [ball.frame(*moment).image for moment in moments]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda moment: ball.frame(*moment).image, reversed(moments)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, reversed(together), strict=True))


def test_a_running_subject_lives_and_its_background_does_not() -> None:
    still = Still(with_ball(), RUNNING, WIDTH, HEIGHT)
    change = np.abs(still.frame(2.0, Pose()).image.astype(int) - with_ball())
    assert change[:, WIDTH // 3 : -WIDTH // 3].max() > 20
    assert change[:, : WIDTH // 5].max() == 0


def test_a_bottle_does_not_breathe() -> None:
    bottle = replace(LOOK, words=frozenset({"bottle"}))
    still = Still(with_ball(), bottle, WIDTH, HEIGHT)
    assert np.array_equal(still.frame(3.0, Pose()).image, with_ball())


def test_motion_is_smooth() -> None:
    still = Still(with_ball(), RUNNING, WIDTH, HEIGHT)
    frames = [
        still.frame(k / 24, Pose(x=0.002 * k, pan=0.001 * k, dolly=0.004 * k)).image.astype(int)
        for k in range(1, 48)
    ]
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    assert max(steps) < 2.5 * float(np.median(steps))


@pytest.mark.parametrize("size", [(180, 320), (240, 240), (320, 240), (64, 36)])
def test_every_shape_of_frame_is_filled(size: tuple[int, int]) -> None:
    width, height = size
    still = Still(with_ball(width, height), LOOK, width, height)
    for pose in EXTREMES[:2]:
        assert still.frame(2.0, pose).image.shape == (height, width, 3)


@pytest.mark.parametrize("shape", [(24, 800, 3), (800, 24, 3), (10, 10, 3), (1, 1, 3)])
def test_a_picture_of_any_size_is_taken(shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    still = Still(picture, LOOK, WIDTH, HEIGHT)
    assert still.frame(1.0, Pose(pan=0.1)).image.shape == (HEIGHT, WIDTH, 3)


def test_a_grey_picture_is_refused_with_its_shape() -> None:
    with pytest.raises(ValueError, match=r"uint8 \[h, w, 3\], got uint8 \(20, 30\)"):
        Still(np.zeros((20, 30), np.uint8), LOOK, WIDTH, HEIGHT)
