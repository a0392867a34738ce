"""The city scene keeps the promises every scene makes, and acts on the words it knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.scenes.city import City

WIDTH_PX, HEIGHT_PX = 320, 180
POSES = (
    Pose(x=0.12), Pose(y=-0.12), Pose(y=0.12), Pose(zoom=1.35), Pose(zoom=0.95), Pose(dolly=0.4),
    Pose(dolly=-0.3), Pose(pan=0.15), Pose(pan=-0.15), Pose(tilt=0.15), Pose(tilt=-0.15),
)  # fmt: skip


def look_of(
    time: TimeOfDay = TimeOfDay.NIGHT, weather: Weather = Weather.RAIN, seed: int = 1, *without: str
) -> Look:
    return Look(
        scene=SceneName.CITY, time=time, weather=weather, moves=(), without=frozenset(without),
        words=frozenset({"city", "neon"}), seed=seed, duration_s=5,
    )  # fmt: skip


def city_of(
    time: TimeOfDay = TimeOfDay.NIGHT, weather: Weather = Weather.RAIN, seed: int = 1, *without: str
) -> City:
    return City(look_of(time, weather, seed, *without), WIDTH_PX, HEIGHT_PX)


@pytest.fixture(scope="module")
def night() -> City:
    return city_of()


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_a_seed_repeats_every_frame(night: City) -> None:
    again = city_of()
    for t_s in (0.0, 2.5, 9.9):
        a, b = night.frame(t_s, Pose()), again.frame(t_s, Pose())
        assert np.array_equal(a.image, b.image)
        assert a.glow is not None
        assert b.glow is not None
        assert np.array_equal(a.glow, b.glow)


def test_frames_out_of_order_on_two_threads_are_the_same_frames(night: City) -> None:
    moments = [4.0, 0.5, 9.0, 2.0, 7.5, 0.0]
    alone = [night.frame(t, Pose(x=0.03)).image for t in moments]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda t: night.frame(t, Pose(x=0.03)).image, moments))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize(
    ("width_px", "height_px"), [(320, 180), (180, 320), (240, 240), (256, 192)]
)
def test_a_picture_has_the_size_asked_for(width_px: int, height_px: int) -> None:
    picture = City(look_of(), width_px, height_px).frame(1.0, Pose())
    assert picture.image.shape == (height_px, width_px, 3)
    assert picture.image.dtype == np.uint8
    assert picture.glow is not None
    assert picture.glow.shape == (height_px // 4, width_px // 4, 3)


@pytest.mark.parametrize("word", ["neon", "people", "cars", "umbrellas", "reflections", "clouds"])
def test_what_is_taken_out_is_gone(night: City, word: str) -> None:
    bare = city_of(TimeOfDay.NIGHT, Weather.RAIN, 1, word)
    changes = [
        difference(night.frame(t, Pose()).image, bare.frame(t, Pose()).image) for t in (1.0, 4.0)
    ]
    assert max(changes) > 0.05


def test_a_clear_night_without_stars_has_none() -> None:
    starry = city_of(TimeOfDay.NIGHT, Weather.CLEAR, 3)
    bare = city_of(TimeOfDay.NIGHT, Weather.CLEAR, 3, "stars")
    assert not np.array_equal(starry.frame(0, Pose()).image, bare.frame(0, Pose()).image)


def test_every_time_of_day_looks_different() -> None:
    frames = [city_of(time, Weather.CLEAR).frame(1.0, Pose()).image for time in TimeOfDay]
    for i, a in enumerate(frames):
        assert all(difference(a, b) > 8 for b in frames[i + 1 :])


def test_every_weather_looks_different() -> None:
    frames = [city_of(TimeOfDay.DAY, weather).frame(1.0, Pose()).image for weather in Weather]
    for i, a in enumerate(frames):
        assert all(difference(a, b) > 1 for b in frames[i + 1 :])


def test_seeds_build_different_streets(night: City) -> None:
    other = city_of(TimeOfDay.NIGHT, Weather.RAIN, 2)
    assert difference(night.frame(1.0, Pose()).image, other.frame(1.0, Pose()).image) > 5


@pytest.mark.parametrize("pose", POSES)
def test_the_camera_moves_the_picture(night: City, pose: Pose) -> None:
    still, moved = night.frame(1.0, Pose()).image, night.frame(1.0, pose).image
    assert difference(still, moved) > 1


def test_neon_lights_are_in_the_glow(night: City) -> None:
    glow = night.frame(1.0, Pose()).glow
    assert glow is not None
    assert int(glow.max()) > 60


@pytest.mark.parametrize("time", [TimeOfDay.NIGHT, TimeOfDay.DAY])
def test_no_frame_jumps(time: TimeOfDay) -> None:
    scene = city_of(time, Weather.CLEAR, 4)
    frames = [scene.frame(i / 24, Pose()).image for i in range(72)]
    steps = [difference(a, b) for a, b in pairwise(frames)]
    assert max(steps) < 5 * float(np.median(steps)) + 0.5
