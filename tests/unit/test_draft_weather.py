"""What falls and drifts before the lens."""

from itertools import pairwise

import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.weather import Air

WIDTH, HEIGHT = 160, 96


def air(weather: Weather, seed: int = 1, width: int = WIDTH, height: int = HEIGHT) -> Air:
    look = Look(
        scene=SceneName.MOOD,
        time=TimeOfDay.DAY,
        weather=weather,
        moves=(),
        without=frozenset(),
        words=frozenset(),
        seed=seed,
        duration_s=5,
    )
    return Air(look, width, height)


@pytest.fixture
def grey() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), 70, np.uint8)


@pytest.mark.parametrize("weather", [Weather.CLEAR, Weather.CLOUDY])
def test_clear_air_changes_nothing(weather: Weather, grey: np.ndarray) -> None:
    assert air(weather).over(grey, 1.0, Pose()) is grey


FALLING = [Weather.RAIN, Weather.SNOW, Weather.FOG]


@pytest.mark.parametrize("weather", FALLING)
def test_weather_is_seen_and_moves(weather: Weather, grey: np.ndarray) -> None:
    it = air(weather)
    a, b = it.over(grey, 0.0, Pose()), it.over(grey, 1.0, Pose())
    assert a.shape == grey.shape
    assert a.dtype == np.uint8
    assert (a != grey).mean() > 0.01
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("weather", FALLING)
def test_the_picture_below_is_left_alone(weather: Weather, grey: np.ndarray) -> None:
    air(weather).over(grey, 0.5, Pose())
    assert (grey == 70).all()


@pytest.mark.parametrize("weather", FALLING)
def test_a_seed_repeats_and_another_differs(weather: Weather, grey: np.ndarray) -> None:
    a, b, c = (air(weather, seed).over(grey, 2.0, Pose()) for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("weather", FALLING)
@pytest.mark.parametrize("size", [(96, 160), (128, 128)])
def test_any_shape_and_pose_will_do(weather: Weather, size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    it = air(weather, 3, *size)
    for t_s in (0.0, 9.97, 29.5):
        pose = Pose(x=-0.12, y=0.12, pan=0.15, tilt=-0.15, dolly=0.4, zoom=1.3)
        assert it.over(picture, t_s, pose).shape == picture.shape


def test_snow_falls_downwards(grey: np.ndarray) -> None:
    it = air(Weather.SNOW)
    a, b = (it.over(grey, t_s, Pose()).astype(np.float32).mean(axis=2) for t_s in (1.0, 1.04))
    errors = {dy: np.abs(np.roll(a, dy, axis=0)[10:-10] - b[10:-10]).mean() for dy in (-1, 1)}
    assert errors[1] < errors[-1]


@pytest.mark.parametrize("weather", FALLING)
def test_no_sheet_jumps_when_it_repeats(weather: Weather, grey: np.ndarray) -> None:
    it = air(weather)
    frames = [it.over(grey, k / 24, Pose()).astype(np.float32) for k in range(200)]
    steps = np.array([np.abs(a - b).mean() for a, b in pairwise(frames)])
    assert steps.max() < 2 * np.median(steps)
