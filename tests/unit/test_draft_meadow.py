"""The meadow scene keeps the promises every scene makes, and its animal moves as the words say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.scenes.meadow import Meadow, gait_of
from filmgate.engines.draft.scenes.meadow_coat import coat_of
from filmgate.engines.draft.scenes.meadow_gait import Gait, stance_at
from filmgate.engines.draft.scenes.meadow_view import placing

WIDTH_PX, HEIGHT_PX = 320, 180
POSES = (
    Pose(x=0.12), Pose(x=-0.12), Pose(y=-0.12), Pose(y=0.12), Pose(zoom=1.35), Pose(zoom=0.95),
    Pose(dolly=0.4), Pose(dolly=-0.3), Pose(pan=0.15), Pose(pan=-0.15), Pose(tilt=0.15),
    Pose(tilt=-0.15),
)  # fmt: skip


def look_of(
    words: str = "orange cat running grass",
    *,
    time: TimeOfDay = TimeOfDay.DAY,
    weather: Weather = Weather.CLEAR,
    seed: int = 1,
    without: str = "",
) -> Look:
    return Look(
        scene=SceneName.MEADOW, time=time, weather=weather, moves=(),
        without=frozenset(without.split()), words=frozenset(words.split()), seed=seed, duration_s=5,
    )  # fmt: skip


def meadow_of(look: Look) -> Meadow:
    return Meadow(look, WIDTH_PX, HEIGHT_PX)


@pytest.fixture(scope="module")
def day() -> Meadow:
    return meadow_of(look_of())


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_a_seed_repeats_every_frame(day: Meadow) -> None:
    again = meadow_of(look_of())
    for t_s in (0.0, 2.5, 9.9):
        a, b = day.frame(t_s, Pose()), again.frame(t_s, Pose())
        assert np.array_equal(a.image, b.image)
        assert a.glow is not None
        assert b.glow is not None
        assert np.array_equal(a.glow, b.glow)


def test_frames_out_of_order_on_two_threads_are_the_same_frames(day: Meadow) -> None:
    moments = [4.0, 0.5, 9.0, 2.0, 7.5, 0.0]
    alone = [day.frame(t, Pose(x=0.03)).image for t in moments]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda t: day.frame(t, Pose(x=0.03)).image, moments))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (200, 200), (240, 180), (150, 200)])
def test_a_picture_has_the_size_asked_for(size: tuple[int, int]) -> None:
    width, height = size
    picture = Meadow(look_of(), width, height).frame(1.0, Pose())
    assert picture.image.shape == (height, width, 3)
    assert picture.image.dtype == np.uint8
    assert picture.glow is not None
    assert picture.glow.shape == (height // 4, width // 4, 3)


@pytest.mark.parametrize(
    "word",
    [
        "cats",
        "cat",
        "flowers",
        "trees",
        "clouds",
        "birds",
        "butterflies",
        "hills",
        "mountains",
        "sun",
    ],
)
def test_a_thing_taken_out_is_gone(day: Meadow, word: str) -> None:
    bare = meadow_of(look_of(without=word)).frame(1.0, Pose()).image
    changed = np.abs(bare.astype(int) - day.frame(1.0, Pose()).image.astype(int)).max(axis=2)
    assert (changed > 24).sum() >= 8


def test_each_time_of_day_has_its_own_light() -> None:
    frames = [meadow_of(look_of(time=time)).frame(1.0, Pose()).image for time in TimeOfDay]
    for i, a in enumerate(frames):
        assert all(difference(a, b) > 6 for b in frames[i + 1 :])
    assert frames[-1].mean() < 0.5 * frames[1].mean()


def test_each_weather_changes_the_air() -> None:
    frames = [meadow_of(look_of(weather=weather)).frame(1.0, Pose()).image for weather in Weather]
    for i, a in enumerate(frames):
        assert all(difference(a, b) > 2 for b in frames[i + 1 :])


@pytest.mark.parametrize("pose", POSES)
def test_a_pose_moves_the_picture_and_leaves_no_hole(day: Meadow, pose: Pose) -> None:
    image = day.frame(1.0, pose).image
    assert difference(image, day.frame(1.0, Pose()).image) > 1.0
    assert (image.max(axis=2) < 3).mean() < 0.002


def test_the_camera_moves_near_things_more_than_far_ones() -> None:
    far, near = (placing(Pose(x=0.1, dolly=0.2), nearness) for nearness in (0.1, 1.0))
    assert near.dx > far.dx > 0
    assert near.scale > far.scale > 1
    assert placing(Pose(pan=0.1), 0.0).dx < 0 < placing(Pose(tilt=0.1), 0.0).dy


@pytest.mark.parametrize("words", ["cat running", "cat walking", "cat sleeping"])
def test_nothing_jumps_between_frames(words: str) -> None:
    meadow = meadow_of(look_of(words))
    frames = [meadow.frame(i / 24, Pose()).image for i in range(72)]
    steps = [difference(a, b) for a, b in pairwise(frames)]
    assert max(steps) < 2.2 * float(np.median(steps))


def test_seeds_differ() -> None:
    a, b = (meadow_of(look_of(seed=seed)).frame(1.0, Pose()).image for seed in (1, 2))
    assert difference(a, b) > 5


@pytest.mark.parametrize(
    ("words", "gait"),
    [("cat running", Gait.GALLOP), ("cat", Gait.GALLOP), ("cat walks", Gait.WALK),
     ("cat sits", Gait.SIT), ("sleeping cat", Gait.SIT)],
)  # fmt: skip
def test_the_words_choose_the_gait(words: str, gait: Gait) -> None:
    assert gait_of(look_of(words)) is gait


def test_the_words_choose_the_coat() -> None:
    black, white = (coat_of(look_of(f"{name} cat")) for name in ("black", "white"))
    assert sum(black.base) < sum(white.base) / 2
    assert coat_of(look_of("golden puppy")).is_dog
    assert not coat_of(look_of("golden kitten")).is_dog


@pytest.mark.parametrize("gait", list(Gait))
def test_no_foot_sinks_and_no_limb_stretches(gait: Gait) -> None:
    for moment in range(48):
        stance = stance_at(gait, moment / 24)
        for leg in (*stance.hind, *stance.fore):
            assert leg[:, 1].min() > -0.12
            assert np.hypot(*np.diff(leg, axis=0).T).max() < 0.45
        assert stance.head[0, 1] > stance.spine[:, 1].max() - 0.15


def test_a_gait_comes_round_without_a_seam() -> None:
    for gait in Gait:
        poses = [stance_at(gait, i / 240) for i in range(481)]
        paws = np.array([np.vstack([leg[-2] for leg in (*p.hind, *p.fore)]) for p in poses])
        assert np.abs(np.diff(paws, axis=0)).max() < 0.1
