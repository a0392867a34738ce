"""The coast road: what every scene promises, and what this one does."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.scenes.highway import Highway

WIDTH, HEIGHT = 320, 180


def look(**changes: object) -> Look:
    given = {
        "scene": SceneName.HIGHWAY,
        "time": TimeOfDay.SUNSET,
        "weather": Weather.CLEAR,
        "moves": (),
        "without": frozenset(),
        "words": frozenset(),
        "seed": 3,
        "duration_s": 5,
    }
    return Look(**(given | changes))  # type: ignore[arg-type]


@cache
def road(**changes: object) -> Highway:
    return Highway(look(**changes), WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def plain() -> Highway:
    return road()


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(cv2.absdiff(a, b).mean())


def test_a_seed_repeats_every_byte(plain: Highway) -> None:
    again = Highway(look(), WIDTH, HEIGHT)
    for t_s in (0.0, 2.5, 9.9):
        a, b = plain.frame(t_s, Pose()), again.frame(t_s, Pose())
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.glow, b.glow)


def test_frames_are_the_same_from_two_threads_and_in_any_order(plain: Highway) -> None:
    moments = [k / 7 for k in range(12)]
    in_order = [plain.frame(t_s, Pose()).image for t_s in moments]
    with ThreadPoolExecutor(2) as pool:
        mixed = list(pool.map(lambda t_s: plain.frame(t_s, Pose()).image, reversed(moments)))
    for a, b in zip(in_order, reversed(mixed), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(("width", "height"), [(180, 320), (200, 200), (180, 240)])
def test_every_shape_of_frame_is_painted_whole(width: int, height: int) -> None:
    scene = Highway(look(), width, height)
    picture = scene.frame(1.0, Pose())
    assert picture.image.shape == (height, width, 3)
    assert picture.image.dtype == np.uint8
    assert picture.glow is not None
    assert picture.glow.shape == (height // 4, width // 4, 3)


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize(
    "pose",
    [
        Pose(x=0.12, y=0.12, pan=0.15, tilt=0.15, zoom=0.95, dolly=-0.3),
        Pose(x=-0.12, y=-0.12, pan=-0.15, tilt=-0.15, zoom=0.95, dolly=0.4),
        Pose(x=0.12, y=-0.12, pan=-0.15, tilt=0.15, zoom=1.35, dolly=0.4),
        Pose(x=-0.12, y=0.12, pan=0.15, tilt=-0.15, zoom=1.35),
    ],
)
def test_no_pixel_is_left_unwritten(monkeypatch: pytest.MonkeyPatch, pose: Pose, seed: int) -> None:
    scene = road(seed=seed)

    def first_filled_with(value: int) -> np.ndarray:
        monkeypatch.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, value, dtype))
        return scene.frame(4.2, pose).image

    assert np.array_equal(first_filled_with(7), first_filled_with(201))


@pytest.mark.parametrize("gone", ["cars", "poles", "clouds", "trees", "rail", "sun", "mountains"])
def test_what_is_taken_out_is_gone(plain: Highway, gone: str) -> None:
    without = road(without=frozenset({gone}))
    pairs = [(plain.frame(t, Pose()), without.frame(t, Pose())) for t in (0.0, 1.0)]
    assert any(difference(a.image, b.image) > 0.05 for a, b in pairs)


@pytest.mark.parametrize("gone", ["stars", "moon"])
def test_the_night_sky_can_be_emptied(gone: str) -> None:
    whole = road(time=TimeOfDay.NIGHT).frame(0, Pose()).image
    empty = road(time=TimeOfDay.NIGHT, without=frozenset({gone})).frame(0, Pose()).image
    assert difference(whole, empty) > 0.02


def test_the_times_of_day_are_told_apart() -> None:
    light = {t: road(time=t).frame(0, Pose()).image.mean() for t in TimeOfDay}
    assert light[TimeOfDay.NIGHT] < 0.5 * light[TimeOfDay.SUNSET]
    assert light[TimeOfDay.DAY] > light[TimeOfDay.SUNSET]
    sunset = road(time=TimeOfDay.SUNSET).frame(0, Pose()).image.mean(axis=(0, 1))
    day = road(time=TimeOfDay.DAY).frame(0, Pose()).image.mean(axis=(0, 1))
    assert sunset[2] > 1.2 * sunset[0], "a sunset is warm"
    assert day[0] > 0.9 * day[2], "a day is not"


def test_every_weather_looks_different(plain: Highway) -> None:
    clear = plain.frame(0, Pose()).image
    for weather in set(Weather) - {Weather.CLEAR}:
        assert difference(clear, road(weather=weather).frame(0, Pose()).image) > 2


@pytest.mark.parametrize(
    "pose",
    [Pose(x=0.05), Pose(y=0.05), Pose(zoom=1.1), Pose(dolly=0.2), Pose(pan=0.05), Pose(tilt=0.05)],
)
def test_the_camera_is_obeyed(plain: Highway, pose: Pose) -> None:
    still = plain.frame(1.0, Pose()).image
    assert difference(still, plain.frame(1.0, pose).image) > 1


def test_turning_right_moves_the_world_left() -> None:
    seen = [road(seed=s, without=frozenset({"cars"})) for s in (1, 2, 5)]
    for scene in seen:
        ahead = scene.frame(0, Pose()).image[20:80].astype(np.float32).mean(axis=2)
        turned = scene.frame(0, Pose(pan=0.06)).image[20:80].astype(np.float32).mean(axis=2)
        shift = cv2.phaseCorrelate(ahead, turned)[0][0]
        assert shift < -0.04 * HEIGHT


def test_seeds_differ() -> None:
    assert difference(road(seed=1).frame(0, Pose()).image, road(seed=2).frame(0, Pose()).image) > 5


def test_nothing_pops_from_one_frame_to_the_next(plain: Highway) -> None:
    frames = [plain.frame(k / 24, Pose()).image for k in range(241)]
    steps = np.array([difference(a, b) for a, b in pairwise(frames)])
    assert steps.max() < 2.5 * np.median(steps)
    beside = np.maximum(steps[:-2], steps[2:])
    assert (steps[1:-1] / beside).max() < 1.3, "a thing that pops changes one frame alone"
