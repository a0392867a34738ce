"""The dancer scene keeps the promises every scene makes, and its dancer stands on the floor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from filmgate.engines.draft.look import Look, Pose, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.scenes.dancer import Dancer
from filmgate.engines.draft.scenes.dancer_motion import limbs_at, style_of, trunk_at

WIDTH_PX, HEIGHT_PX = 320, 180
POSES = (
    Pose(x=0.12), Pose(y=-0.12), Pose(y=0.12), Pose(zoom=1.35), Pose(zoom=0.95), Pose(dolly=0.4),
    Pose(dolly=-0.3), Pose(pan=0.15), Pose(pan=-0.15), Pose(tilt=0.15), Pose(tilt=-0.15),
)  # fmt: skip


def dancer_of(
    *without: str, time: TimeOfDay = TimeOfDay.NIGHT, seed: int = 1,
    words: frozenset[str] = frozenset({"person"}), size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    weather: Weather = Weather.CLEAR,
) -> Dancer:  # fmt: skip
    look = Look(
        scene=SceneName.DANCER, time=time, weather=weather, moves=(), without=frozenset(without),
        words=words, seed=seed, duration_s=5,
    )  # fmt: skip
    return Dancer(look, *size_px)


@pytest.fixture(scope="module")
def stage() -> Dancer:
    return dancer_of()


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("time", [TimeOfDay.NIGHT, TimeOfDay.SUNSET])
def test_a_seed_repeats_every_frame(time: TimeOfDay) -> None:
    one, again = dancer_of(time=time), dancer_of(time=time)
    for t_s in (0.0, 2.5, 9.9):
        a, b = one.frame(t_s, Pose()), again.frame(t_s, Pose())
        assert np.array_equal(a.image, b.image)
        assert a.glow is not None
        assert b.glow is not None
        assert np.array_equal(a.glow, b.glow)


def test_frames_out_of_order_on_two_threads_are_the_same_frames(stage: Dancer) -> None:
    moments = [4.0, 0.5, 9.0, 2.0, 7.5, 0.0]
    alone = [stage.frame(t, Pose(x=0.03)).image for t in moments]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda t: stage.frame(t, Pose(x=0.03)).image, moments))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("size_px", [(320, 180), (180, 320), (240, 240), (256, 192)])
@pytest.mark.parametrize("time", [TimeOfDay.NIGHT, TimeOfDay.DAY])
def test_a_picture_has_the_size_asked_for(size_px: tuple[int, int], time: TimeOfDay) -> None:
    picture = dancer_of(time=time, size_px=size_px).frame(1.0, Pose())
    assert picture.image.shape == (size_px[1], size_px[0], 3)
    assert picture.image.dtype == np.uint8
    assert picture.glow is not None
    assert picture.glow.shape == (size_px[1] // 4, size_px[0] // 4, 3)


@pytest.mark.parametrize("word", ["people", "lights", "smoke", "reflections", "audience"])
def test_what_is_taken_out_of_the_stage_is_gone(stage: Dancer, word: str) -> None:
    bare = dancer_of(word)
    assert difference(stage.frame(1.0, Pose()).image, bare.frame(1.0, Pose()).image) > 0.1


@pytest.mark.parametrize("word", ["people", "clouds", "lights", "reflections"])
def test_what_is_taken_out_of_the_shore_is_gone(word: str) -> None:
    full, bare = dancer_of(time=TimeOfDay.SUNSET), dancer_of(word, time=TimeOfDay.SUNSET)
    assert difference(full.frame(1.0, Pose()).image, bare.frame(1.0, Pose()).image) > 0.1


def test_every_time_of_day_looks_different() -> None:
    frames = [dancer_of(time=time).frame(1.0, Pose()).image for time in TimeOfDay]
    for i, a in enumerate(frames):
        assert all(difference(a, b) > 8 for b in frames[i + 1 :])


def test_a_stage_named_by_day_is_still_a_stage(stage: Dancer) -> None:
    named = dancer_of(time=TimeOfDay.DAY, words=frozenset({"person", "stage"}))
    assert np.array_equal(named.frame(1.0, Pose()).image, stage.frame(1.0, Pose()).image)


def test_the_words_say_how_many_dance() -> None:
    one = dancer_of(words=frozenset({"person"})).frame(1.0, Pose()).image
    three = dancer_of(words=frozenset({"dancers"})).frame(1.0, Pose()).image
    assert difference(one, three) > 0.5


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("time", [TimeOfDay.NIGHT, TimeOfDay.SUNSET])
def test_the_camera_moves_the_picture(time: TimeOfDay, pose: Pose) -> None:
    scene = dancer_of(time=time)
    assert difference(scene.frame(1.0, Pose()).image, scene.frame(1.0, pose).image) > 1


@pytest.mark.parametrize("time", [TimeOfDay.NIGHT, TimeOfDay.SUNSET])
def test_no_frame_jumps(time: TimeOfDay) -> None:
    scene = dancer_of(time=time)
    frames = [scene.frame(i / 24, Pose()).image for i in range(72)]
    steps = [difference(a, b) for a, b in pairwise(frames)]
    assert max(steps) < 4 * float(np.median(steps)) + 0.3


@pytest.mark.parametrize("seed", range(6))
def test_one_foot_stands_still_at_every_moment(seed: int) -> None:
    style = style_of(np.random.default_rng(seed))
    moments = np.arange(0, 10, 1 / 24)
    limbs = [limbs_at(style, trunk_at(style, t), t) for t in moments]
    for a, b in pairwise(limbs):
        slips = [float(np.hypot(*(p - q)[[0, 2]])) for p, q in zip(a.ankles, b.ankles, strict=True)]
        assert min(slips) < 0.012


@pytest.mark.parametrize("seed", range(6))
def test_no_joint_leaps(seed: int) -> None:
    style = style_of(np.random.default_rng(seed))
    moments = np.arange(0, 10, 1 / 24)
    limbs = [limbs_at(style, trunk_at(style, t), t) for t in moments]
    for name in ("elbows", "wrists", "tips", "knees", "ankles"):
        paths = np.array([getattr(joint, name) for joint in limbs])
        assert float(np.linalg.norm(np.diff(paths, axis=0), axis=2).max()) < 0.22, name
