"""The mood scene keeps the promises every scene makes, and takes its colours from the words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.scenes.mood import Mood, style_of
from filmgate.engines.draft.scenes.mood_dunes import Dunes
from filmgate.engines.draft.scenes.mood_nebula import Nebula
from filmgate.engines.draft.scenes.mood_palette import palette_name
from filmgate.engines.draft.scenes.mood_ribbons import Ribbons

WIDTH_PX, HEIGHT_PX = 320, 180
STYLES = ("silk", "galaxy", "dune")
POSES = (
    Pose(x=0.12), Pose(y=-0.12), Pose(zoom=1.35), Pose(zoom=0.95), Pose(dolly=0.4),
    Pose(dolly=-0.3), Pose(pan=0.15), Pose(pan=-0.15), Pose(tilt=0.15), Pose(tilt=-0.15),
)  # fmt: skip


def look_of(
    words: str,
    *,
    time: TimeOfDay = TimeOfDay.DAY,
    weather: Weather = Weather.CLEAR,
    seed: int = 1,
    without: str = "",
) -> Look:
    return Look(
        scene=SceneName.MOOD, time=time, weather=weather, moves=(),
        without=frozenset(without.split()), words=frozenset(words.split()), seed=seed, duration_s=5,
    )  # fmt: skip


def mood_of(look: Look) -> Mood:
    return Mood(look, WIDTH_PX, HEIGHT_PX)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("words", STYLES)
def test_a_seed_repeats_every_frame(words: str) -> None:
    first, again = mood_of(look_of(words)), mood_of(look_of(words))
    for t_s in (0.0, 9.9):
        a, b = first.frame(t_s, Pose()), again.frame(t_s, Pose())
        assert np.array_equal(a.image, b.image)
        assert a.glow is not None
        assert b.glow is not None
        assert np.array_equal(a.glow, b.glow)


@pytest.mark.parametrize("words", STYLES)
def test_frames_out_of_order_on_two_threads_are_the_same_frames(words: str) -> None:
    mood, moments = mood_of(look_of(words)), [4.0, 0.5, 9.0, 2.0, 7.5, 0.0]
    alone = [mood.frame(t, Pose(x=0.03)).image for t in moments]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda t: mood.frame(t, Pose(x=0.03)).image, moments))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("words", STYLES)
@pytest.mark.parametrize("size", [(320, 180), (180, 320), (200, 200), (150, 202)])
def test_a_picture_has_the_size_asked_for(words: str, size: tuple[int, int]) -> None:
    width, height = size
    picture = Mood(look_of(words), width, height).frame(1.0, Pose())
    assert picture.image.shape == (height, width, 3)
    assert picture.image.dtype == np.uint8
    assert picture.glow is not None
    assert picture.glow.shape == (height // 4, width // 4, 3)


@pytest.mark.parametrize("words", STYLES)
@pytest.mark.parametrize("thing", ["particles", "glow"])
def test_a_thing_taken_out_is_gone(words: str, thing: str) -> None:
    whole = mood_of(look_of(words)).frame(1.0, Pose()).image
    bare = mood_of(look_of(words, without=thing)).frame(1.0, Pose()).image
    assert (np.abs(whole.astype(int) - bare.astype(int)).max(axis=2) > 8).sum() > 20


def test_stars_taken_out_of_a_nebula_are_gone() -> None:
    whole = mood_of(look_of("galaxy")).frame(1.0, Pose()).image
    bare = mood_of(look_of("galaxy", without="stars")).frame(1.0, Pose()).image
    assert (whole.astype(int) - bare.astype(int)).max() > 40


@pytest.mark.parametrize("words", STYLES)
def test_the_hour_and_the_weather_tint_the_picture(words: str) -> None:
    noon = mood_of(look_of(words)).frame(1.0, Pose()).image
    for time in (TimeOfDay.DAWN, TimeOfDay.SUNSET, TimeOfDay.NIGHT):
        assert difference(mood_of(look_of(words, time=time)).frame(1.0, Pose()).image, noon) > 1
    for weather in (Weather.CLOUDY, Weather.RAIN, Weather.SNOW, Weather.FOG):
        seen = mood_of(look_of(words, weather=weather)).frame(1.0, Pose()).image
        assert difference(seen, noon) > 1


@pytest.mark.parametrize("words", STYLES)
def test_a_pose_moves_the_picture(words: str) -> None:
    mood = mood_of(look_of(words))
    still = mood.frame(1.0, Pose()).image
    for pose in POSES:
        assert difference(mood.frame(1.0, pose).image, still) > 0.4


@pytest.mark.parametrize("words", STYLES)
def test_it_moves_and_nothing_jumps_between_frames(words: str) -> None:
    mood = mood_of(look_of(words))
    frames = [mood.frame(i / 24, Pose()).image for i in range(72)]
    steps = [difference(a, b) for a, b in pairwise(frames)]
    assert 0 < max(steps) < 1.8 * float(np.median(steps))


def test_words_choose_style_and_palette() -> None:
    styles = [style_of(look_of(words)) for words in STYLES]
    assert styles == [Ribbons, Nebula, Dunes]
    assert palette_name(look_of("burning fire")) == "fire"
    assert palette_name(look_of("deep ocean")) == "ocean"


def test_unknown_words_draw_every_style_and_many_palettes_over_seeds() -> None:
    looks = [look_of("zxq", seed=seed) for seed in range(60)]
    assert {style_of(look) for look in looks} == {Ribbons, Nebula, Dunes}
    assert len({palette_name(look) for look in looks}) > 6
